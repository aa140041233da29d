"""What `make client` writes is what is there: nobody forgot to run it, and nobody wrote in what it writes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_GENERATED = Path("orchestrator/client/generated")
_UV = Path(sys.executable).parent / "uv"
_OFFLINE = re.compile(r"error sending request|dns error|failed to (fetch|connect)", re.IGNORECASE)


def test_the_generated_client_is_what_is_generated_from_the_schema_and_the_operations(
    tmp_path: Path,
) -> None:
    shutil.copytree(
        _ROOT / "graphql", tmp_path / "graphql", ignore=shutil.ignore_patterns(".venv", "node_*")
    )
    (tmp_path / _GENERATED.parent).mkdir(parents=True)
    folder = tmp_path / "graphql" / "client"
    installed = _run(folder, "sync", "--frozen", "--quiet")
    if installed.returncode and _OFFLINE.search(installed.stderr):
        pytest.skip(f"ariadne-codegen cannot be fetched: {installed.stderr[-300:]}")
    assert installed.returncode == 0, installed.stderr

    generated = _run(folder, "run", "--frozen", "python", "-m", "ariadne_codegen")

    assert generated.returncode == 0, generated.stderr
    assert _contents(tmp_path / _GENERATED) == _contents(_ROOT / _GENERATED), "run `make client`"


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    return subprocess.run(
        [_UV, *arguments], cwd=folder, env=inherited, capture_output=True, text=True, check=False
    )


def _contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.py")}
