"""What is written for Node, installed by its lock file into a folder of its own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def installed(project: Path, folder: Path) -> Path:
    """Copy a project to a folder and install what it needs; the test is skipped where there is no npm."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not here, which installs what this is written for")
    shutil.copytree(
        project, folder, ignore=shutil.ignore_patterns("node_modules"), dirs_exist_ok=True
    )
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    return folder
