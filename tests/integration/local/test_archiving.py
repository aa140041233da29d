"""A start that is only there to have Neo4j's classes archived never stays, and what breaks it off leaves nothing of it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from orchestrator.local import configuration, credentials, installing, java, neo4j, processes
from orchestrator.local.classes import Classes
from orchestrator.local.configuration import Ports
from orchestrator.local.errors import StartError
from orchestrator.local.java import JavaProcess
from orchestrator.local.neo4j import OwnNeo4j, stop_leftover
from tests.integration.local.conftest import Program
from tests.support.neo4j import Way
from tests.support.waiting import until

JAVA = """\
case "$*" in
  *AdminTool*) exit 0;;
  *-version*) echo 'openjdk version "17.0.15" 2025-01-01' >&2; exit 0;;
esac
for argument in "$@"; do
  case $argument in -XX:ArchiveClassesAtExit=*) archive=${argument#*=};; esac
done
sleep 3600 &
trap 'kill $!; [ -z "$archive" ] || echo classes > "$archive"; exit 143' TERM
echo $$ > "$0.runs"
wait
"""
"""Its Neo4j never answers; at its end it writes an archive where it is told to.

It does not fork while it waits: until it is another program, what is forked has the arguments of a Neo4j that runs.
"""


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Files of Neo4j, none of which this Java needs."""
    library = tmp_path / "lib"
    library.mkdir()
    (library / "INSTALLED").write_text(installing.read_pom().digest + "\n")
    return library


@pytest.fixture
async def home(tmp_path: Path) -> AsyncGenerator[Path]:
    yield tmp_path / "home"
    assert await stop_leftover(tmp_path / "home")


def own_neo4j(home: Path, library: Path, reports: list[str]) -> OwnNeo4j:
    return OwnNeo4j(home, library=library, bolt_port=0, http_port=0, report=reports.append)


def archived_in(library: Path) -> list[Path]:
    """What there is of archives, whole or not."""
    return list(library.glob("classes-*"))


async def runs(java: Path) -> None:
    """Wait until its Neo4j runs."""
    await until(java.with_name("java.runs").exists)


@pytest.mark.parametrize(
    ("end", "in_order"),
    [("exit 143", True), ("exit 1", False), ("while :; do sleep 0.05; done", False)],
    ids=["in order", "failed", "by force"],
)
async def test_only_a_java_that_came_to_its_end_has_ended_in_order(
    program: Program, tmp_path: Path, end: str, *, in_order: bool
) -> None:
    """As one has not that found the disk full, or was killed while it wrote."""
    path = program("java", f'trap "{end}" TERM\necho $$ > "$0.runs"\nwhile :; do sleep 0.05; done')
    running = await java.start(str(path), tmp_path, Classes(path=""), lasting=False)
    await runs(path)

    await running.stop(seconds=0.5 if end.startswith("while") else 30)

    assert running.has_ended_in_order is in_order


async def test_a_start_that_is_cancelled_while_it_archives_leaves_no_part_of_an_archive(
    program: Program, home: Path, library: Path
) -> None:
    path = program("java", JAVA)
    reports: list[str] = []
    own = own_neo4j(home, library, reports)

    starting = asyncio.create_task(own.start())
    await runs(path)
    assert reports == ["Preparing Neo4j for quicker starts: about 20 s, only this once."]
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting

    assert await processes.find(own.home) == []
    assert archived_in(library) == []


async def test_a_start_that_is_only_there_to_archive_is_known_to_other_processes(
    program: Program, home: Path, library: Path
) -> None:
    path = program("java", JAVA)
    own, other = own_neo4j(home, library, []), own_neo4j(home, library, [])

    starting = asyncio.create_task(own.start())
    await runs(path)
    assert await other.is_being_prepared()
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting

    assert not await other.is_being_prepared()


async def test_what_keeps_neo4j_from_starting_is_told_by_the_start_and_not_by_the_archiving(
    program: Program, home: Path, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program("java", JAVA)
    monkeypatch.setattr(neo4j, "_START_SECONDS", 0.5)
    reports: list[str] = []
    own = own_neo4j(home, library, reports)

    with pytest.raises(StartError, match="not up within"):
        await own.start()

    assert reports == [
        "Preparing Neo4j for quicker starts: about 20 s, only this once.",
        "Neo4j could not be prepared for quicker starts this time: Neo4j was not up within 0.5 seconds.",
        f"Starting Neo4j {installing.read_pom().version}.",
    ]
    assert await processes.find(own.home) == []
    assert archived_in(library) == []


async def test_a_server_that_is_started_again_does_not_wait_for_an_archive(
    program: Program, home: Path, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program("java", JAVA)
    monkeypatch.setattr(neo4j, "_START_SECONDS", 0.5)
    reports: list[str] = []
    own = own_neo4j(home, library, reports)
    own.home.mkdir(parents=True)

    with pytest.raises(StartError):
        await own.start_again()

    assert reports == [f"Starting Neo4j {installing.read_pom().version}."]
    await own.stop()


@pytest.fixture
async def left(program: Program, home: Path, library: Path) -> JavaProcess:
    """What a killed run left while it archived, with all else as we would start it."""
    path = program("java", JAVA)
    directory = home / "neo4j"
    (directory / "conf").mkdir(parents=True)
    text = configuration.render(Ports(bolt=1, http=2), digest=installing.read_pom().digest)
    (directory / "conf" / "neo4j.conf").write_text(text)
    credentials.make(directory / "password")
    archived = Classes(path="", options=(f"-XX:ArchiveClassesAtExit={library}/classes-1.partial",))
    left = await java.start(str(path), directory, archived, lasting=False)
    await runs(path)
    return left


async def test_a_server_that_a_killed_run_left_while_it_archived_is_stopped_and_not_taken_over(
    left: JavaProcess, home: Path, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neo4j, "_START_SECONDS", 0.5)
    monkeypatch.setattr(neo4j, "_ADOPT_SECONDS", 0.5)
    reports: list[str] = []

    with pytest.raises(StartError):
        await own_neo4j(home, library, reports).start()

    assert reports[0] == f"Stopping the Neo4j that a killed run left ({left.name})."
    assert not await left.is_alive()


async def test_the_ports_of_a_server_that_was_left_are_waited_for_once_it_is_gone(
    left: JavaProcess, home: Path, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system closes them after it has forgotten what the process was."""
    monkeypatch.setattr(neo4j, "_START_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def report(line: str) -> None:
            if line == f"Stopping the Neo4j that a killed run left ({left.name}).":
                asyncio.get_running_loop().call_later(1.0, server.close)

        port = server.getsockname()[1]
        own = OwnNeo4j(home, library=library, bolt_port=port, http_port=0, report=report)
        with pytest.raises(StartError, match="not up within"):
            await own.start()


@pytest.mark.neo4j
@pytest.mark.timeout(300)
async def test_a_java_that_is_ended_while_it_writes_its_archive_is_let_write_it_another_time(
    neo4j_way: Way, home: Path, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if neo4j_way.library is None:
        pytest.skip("Neo4j runs in a container here, or is one that was given")
    for jar in neo4j_way.library.glob("*.jar"):
        (library / jar.name).symlink_to(jar)
    monkeypatch.setattr(neo4j, "_ARCHIVE_SECONDS", 0.5)
    reports: list[str] = []

    async with own_neo4j(home, library, reports) as own:
        assert own.agent.startswith("Neo4j/")

    assert reports[1:] == [
        "Neo4j could not be prepared for quicker starts this time: Java did not come to its end in order.",
        f"Starting Neo4j {installing.read_pom().version}.",
    ]
    assert archived_in(library) == []
