"""The peers: programs in `peers/`, each with its own dependencies and an environment of its own."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestrator.vllm.client import request_body
from tests.benchmarks.floor import calls_of
from tests.benchmarks.missing import MissingError
from tests.benchmarks.postgres import Postgres, own_postgres
from tests.benchmarks.processes import Child, speaking

PEERS = Path(__file__).with_name("peers")
_INSTALL_SECONDS = 300
_SHOWN = 3
"""Lines of what an installer said."""

_NOT_THEIRS = ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT")


@dataclass(frozen=True, slots=True)
class LangGraph:
    """It runs, and so does its Postgres."""

    child: Child
    postgres: Postgres


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """A peer that is spoken to at a URL."""

    pid: int
    url: str


@asynccontextmanager
async def langgraph(url: str, description: str) -> AsyncGenerator[LangGraph]:
    """Run LangGraph with its Postgres saver, ready for the calls of the floor.

    Raises:
        MissingError: it, or Postgres, cannot be had here.
    """
    folder = PEERS / "langgraph"
    python = await _python(folder)
    steps = [
        [request_body(call, call.answer_schema, None).decode() for call in step]
        for step in calls_of(url, description)
    ]
    async with (
        own_postgres() as postgres,
        speaking(python, str(folder / "deliberations.py"), postgres.conninfo) as child,
    ):
        await child.tell(url=f"{url}/chat/completions", steps=steps)
        await child.says()
        yield LangGraph(child, postgres)


@asynccontextmanager
async def neo4j_graphql(environment: Mapping[str, str]) -> AsyncGenerator[Serving]:
    """Serve the graph that the environment names with @neo4j/graphql on GraphQL Yoga.

    Raises:
        MissingError: it, or Node.js, cannot be had here.
    """
    folder = PEERS / "neo4j-graphql"
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise MissingError("node or npm is missing: sudo apt install nodejs npm")
    if not _is_newer(folder / "node_modules" / ".package-lock.json", folder / "package-lock.json"):
        # Nothing of what a package says is run: none of these has anything to build.
        install = (
            npm,
            "ci",
            "--prefix",
            str(folder),
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
        )
        await _install(install, os.environ)
    async with speaking(
        node,
        str(folder / "server.js"),
        environment={**environment, "NODE_ENV": "production"},
    ) as child:
        yield Serving(pid=child.pid, url=(await child.says())["url"])


async def _python(folder: Path) -> str:
    """Make a peer's environment as its lock file has it, and return its Python."""
    here = Path(sys.executable).with_name("uv")
    uv = str(here) if here.exists() else shutil.which("uv")
    if uv is None:
        raise MissingError("uv is missing, which makes the environment of a peer: make environment")
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_THEIRS}
    sync = (uv, "sync", "--frozen", "--project", str(folder), "--python", sys.executable)
    await _install(sync, environment)
    return str(folder / ".venv" / "bin" / "python")


async def _install(command: tuple[str, ...], environment: Mapping[str, str]) -> None:
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


def _is_newer(made: Path, of: Path) -> bool:
    return made.exists() and made.stat().st_mtime >= of.stat().st_mtime
