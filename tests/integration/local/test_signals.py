"""A signal that asks a command for its end leaves nothing running of what the command has started."""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path

import pytest

from orchestrator.local import configuration, credentials, homes, installing, processes
from orchestrator.local.configuration import Ports
from tests.integration.local.conftest import Program
from tests.support.ports import free_port
from tests.support.service_process import COMMAND, clean_environment
from tests.support.waiting import eventually, until

JAVA = """\
case "$*" in
  *AdminTool*) exit 0;;
  *-version*) echo 'openjdk version "17.0.15" 2025-01-01' >&2; exit 0;;
esac
"""


def _hear_all() -> None:
    """Ignore no signal, also where these tests were started by `nohup`."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


RUNS = 'echo $$ > "$0.runs"; exec sleep 3600'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """One in which `council up` has been."""
    home = tmp_path / "home"
    file = homes.configuration_file(home)
    file.parent.mkdir(parents=True)
    file.write_text(configuration.render(Ports(bolt=1, http=2), digest="another"))
    credentials.make(homes.password_file(home))
    return home


@pytest.fixture
def started() -> Generator[list[int]]:
    """What a command started that was to end with it; whatever stayed is killed."""
    pids: list[int] = []
    yield pids
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=["TERM", "HUP"]
)
@pytest.mark.parametrize("command", ["up", "doctor"])
@pytest.mark.parametrize("starts", ["mvn", "java"])
async def test_what_a_command_starts_ends_with_it(
    program: Program,
    home: Path,
    started: list[int],
    *,
    starts: str,
    command: str,
    number: signal.Signals,
    code: int,
) -> None:
    """Maven would fill a directory that the next start clears, and Neo4j keep its graph from whoever comes next."""
    program("java", JAVA + RUNS)
    program("mvn", RUNS)
    if starts == "java":
        library = home / "neo4j" / "lib"
        library.mkdir()
        (library / "INSTALLED").write_text(installing.read_pom().digest + "\n")
    process = await asyncio.create_subprocess_exec(
        COMMAND,
        command,
        env={
            **clean_environment(),
            "COUNCIL_HOME": str(home),
            "COUNCIL_PORT": str(free_port()),
            "COUNCIL_BOLT_PORT": "0",
            "COUNCIL_BROWSER_PORT": "0",
        },
        stdin=DEVNULL,
        preexec_fn=_hear_all,
    )
    try:
        runs = home.parent / "programs" / f"{starts}.runs"
        await until(lambda: runs.exists() and runs.read_text().endswith("\n"))
        started.append(int(runs.read_text()))
        process.send_signal(number)
        assert await process.wait() == code
    finally:
        if process.returncode is None:
            process.kill()
    # One that was killed the moment it was begun may not have been waited for: it has no arguments any more.
    assert await eventually(lambda: processes.command_line(started[0]), lambda line: not line) == ""
