"""What is written for Node, in a folder of its own, with what its lock file names."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.support.neo4j import CACHE

_INSTALLATIONS = CACHE / "node"
"""What lock files name, once a machine: each installation takes ten seconds of a processor, and the network."""


def installed(project: Path, folder: Path) -> Path:
    """Copy a project to a folder with what it needs; the test is skipped where there is no npm."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not here, which installs what this is written for")
    shutil.copytree(
        project, folder, ignore=shutil.ignore_patterns("node_modules"), dirs_exist_ok=True
    )
    (folder / "node_modules").symlink_to(_installation(npm, project) / "node_modules")
    return folder


def _installation(npm: str, project: Path) -> Path:
    """Return where it is; whole, or not at all."""
    files = [project / "package.json", project / "package-lock.json"]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
    found = _INSTALLATIONS / f"{project.name}-{digest}"
    if found.exists():
        return found
    _INSTALLATIONS.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=_INSTALLATIONS))
    try:
        for file in files:
            shutil.copy(file, partial)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(command, cwd=partial, check=True, capture_output=True, timeout=120)
        try:
            partial.rename(found)
        except OSError:
            # Another run may have been faster; one directory does not take the place of another.
            if not found.exists():
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return found
