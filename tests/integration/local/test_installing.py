"""The files of Neo4j are fetched once, whole or not at all."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from orchestrator.local import installing
from orchestrator.local.errors import InstallationError
from orchestrator.local.installing import Pom
from tests.integration.local.conftest import Program
from tests.support.waiting import until

POM = Pom(text="<project/>", version="5.26.0")

FETCH = """\
for argument in "$@"; do
  case $argument in -DoutputDirectory=*) directory=${argument#*=};; esac
done
echo $$ >> "$0.runs"
echo jar > "$directory/neo4j.jar"
"""


def runs(maven: Path) -> list[int]:
    """The process ids of its runs."""
    return [int(line) for line in maven.with_name("mvn.runs").read_text().splitlines()]


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def beside(library: Path) -> set[str]:
    """What is in the directory of the library; its lock file stays, by design."""
    return names(library.parent) - {library.name + ".lock"}


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return tmp_path / "home" / "lib"


async def test_what_was_fetched_is_not_fetched_again(program: Program, library: Path) -> None:
    maven = program("mvn", FETCH)

    for _ in range(2):
        await installing.install(library, POM, maven=str(maven), report=print)

    assert installing.is_installed(library, POM)
    assert (library / "neo4j.jar").read_text() == "jar\n"
    assert len(runs(maven)) == 1
    assert beside(library) == {"lib"}


async def test_progress_is_told_while_it_fetches(program: Program, library: Path) -> None:
    maven = program("mvn", FETCH + "for n in $(seq 120); do echo 'Downloaded from here'; done")
    said: list[str] = []

    await installing.install(library, POM, maven=str(maven), report=said.append)

    assert said == [
        "Fetching Neo4j 5.26.0 with Maven: about 140 MB, only this once.",
        "  50 files fetched …",
        "  100 files fetched …",
    ]


async def test_of_two_at_once_one_fetches_and_the_other_waits(
    program: Program, library: Path
) -> None:
    maven = program("mvn", FETCH)
    said: list[str] = []

    async with asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(
                installing.install(library, POM, maven=str(maven), report=said.append)
            )

    assert len(runs(maven)) == 1
    assert any("Waiting" in line for line in said)


async def test_a_failure_tells_what_maven_said_and_leaves_nothing(
    program: Program, library: Path
) -> None:
    maven = program(
        "mvn", FETCH + "echo '[INFO] Scanning'; echo '[ERROR] No route to host'; exit 1"
    )

    with pytest.raises(InstallationError) as failed:
        await installing.install(library, POM, maven=str(maven), report=print)

    assert failed.value.output == "[ERROR] No route to host"
    assert not installing.is_installed(library, POM)
    assert beside(library) == set()


async def test_an_interrupted_fetch_ends_maven_and_leaves_nothing(
    program: Program, library: Path
) -> None:
    maven = program("mvn", FETCH + "exec sleep 600")
    task = asyncio.create_task(installing.install(library, POM, maven=str(maven), report=print))
    await until((library.with_name("lib.partial") / "neo4j.jar").exists)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    [maven_process] = runs(maven)
    with pytest.raises(ProcessLookupError):
        os.kill(maven_process, 0)
    assert beside(library) == set()


async def test_what_a_killed_fetch_left_is_not_taken_for_whole(
    program: Program, library: Path
) -> None:
    partial = library.with_name("lib.partial")
    partial.mkdir(parents=True)
    (partial / "half.jar").touch()

    await installing.install(library, POM, maven=str(program("mvn", FETCH)), report=print)

    assert names(library) == {"INSTALLED", "neo4j.jar", "pom.xml"}
    assert beside(library) == {"lib"}


async def test_another_pom_replaces_the_files(program: Program, library: Path) -> None:
    maven = program("mvn", FETCH)
    await installing.install(library, POM, maven=str(maven), report=print)
    (library / "old.jar").touch()
    newer = Pom(text="<project>newer</project>", version="5.26.1")

    await installing.install(library, newer, maven=str(maven), report=print)

    assert not installing.is_installed(library, POM)
    assert installing.is_installed(library, newer)
    assert not (library / "old.jar").exists()
    assert beside(library) == {"lib"}


def test_the_pom_of_the_project_names_its_neo4j() -> None:
    assert installing.read_pom().version.startswith("5.26.")
