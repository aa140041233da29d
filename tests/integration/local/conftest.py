"""Programs that stand on the PATH in place of the real ones, and do what a test says."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

Program = Callable[[str, str], Path]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Put a shell script on a PATH that has nothing else; the script itself finds what it needs."""
    programs = tmp_path / "programs"
    programs.mkdir()
    beside = ":".join(
        {str(Path(found).parent) for found in map(shutil.which, ("sh", "cp")) if found}
    )
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.delenv("JAVA_HOME", raising=False)

    def put(name: str, script: str) -> Path:
        path = programs / name
        path.write_text(f"#!/bin/sh\nPATH={beside}\n{script}\n")
        path.chmod(0o755)
        return path

    return put
