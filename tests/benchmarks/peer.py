"""The peers: programs in `peers/`, each with its own dependencies and an environment of its own."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestrator.vllm.client import request_body
from tests.benchmarks.floor import calls_of
from tests.benchmarks.missing import MissingError
from tests.benchmarks.postgres import Postgres, own_postgres
from tests.benchmarks.processes import Child, speaking

_PEERS = Path(__file__).with_name("peers")
_INSTALL_SECONDS = 300
_SHOWN = 3
"""Lines of what uv said."""

_NOT_THEIRS = ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT")


@dataclass(frozen=True, slots=True)
class LangGraph:
    """It runs, and so does its Postgres."""

    child: Child
    postgres: Postgres


@asynccontextmanager
async def langgraph(url: str, description: str) -> AsyncGenerator[LangGraph]:
    """Run LangGraph with its Postgres saver, ready for the calls of the floor.

    Raises:
        MissingError: it, or Postgres, cannot be had here.
    """
    folder = _PEERS / "langgraph"
    python = await _python(folder)
    steps = [[request_body(call).decode() for call in step] for step in calls_of(url, description)]
    async with (
        own_postgres() as postgres,
        speaking(python, str(folder / "deliberations.py"), postgres.conninfo) as child,
    ):
        await child.tell(url=f"{url}/chat/completions", steps=steps)
        await child.says()
        yield LangGraph(child, postgres)


async def _python(folder: Path) -> str:
    """Make a peer's environment as its lock file has it, and return its Python."""
    here = Path(sys.executable).with_name("uv")
    uv = str(here) if here.exists() else shutil.which("uv")
    if uv is None:
        raise MissingError("uv is missing, which makes the environment of a peer: make environment")
    command = (uv, "sync", "--frozen", "--project", str(folder), "--python", sys.executable)
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_THEIRS}
    try:
        await asyncio.to_thread(
            subprocess.run,
            command,
            env=environment,
            check=True,
            capture_output=True,
            timeout=_INSTALL_SECONDS,
        )
    except subprocess.TimeoutExpired as exc:
        raise MissingError(f"{' '.join(command)} took longer than {exc.timeout:g} s") from exc
    except subprocess.CalledProcessError as exc:
        words = " ".join(exc.stderr.decode(errors="replace").splitlines()[-_SHOWN:])
        raise MissingError(f"{' '.join(command)} failed: {words}") from exc
    return str(folder / ".venv" / "bin" / "python")
