"""Neo4j's classes are archived once for a Java, and an archive that it does not take is never given to a server."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Awaitable, Callable, Generator
from pathlib import Path

import pytest

from orchestrator.domain.values import replace
from orchestrator.local import classes, tools
from orchestrator.local.classes import Classes
from orchestrator.local.errors import ArchiveError, StartError
from orchestrator.local.tools import Java
from tests.support.neo4j import Way

pytestmark = pytest.mark.neo4j


class MakingError(Exception):
    """An archive is to be made."""


async def refuse(found: Classes) -> None:
    raise MakingError(found)


class Machine:
    """A real Java with the files of a real Neo4j, of which the smallest command runs in place of the server."""

    def __init__(self, java: Java, library: Path) -> None:
        self.java: Java = java
        self.library: Path = library
        self.reports: list[str] = []

    async def run(self, found: Classes) -> None:
        await self.answer(found)

    async def answer(self, found: Classes, *options: str) -> str:
        status, output = await tools.answer(
            self.java.command,
            *found.options,
            *options,
            "-cp",
            found.path,
            "org.neo4j.cli.AdminTool",
            "--version",
            environment={**os.environ, "NEO4J_HOME": str(self.library.parent)},
        )
        assert status == 0, output
        return output

    async def prepared(
        self, run: Callable[[Classes], Awaitable[None]] = refuse, *, java: Java | None = None
    ) -> Classes:
        return await classes.prepared(
            self.library, java or self.java, run=run, report=self.reports.append
        )

    @property
    def as_fetched(self) -> Classes:
        return Classes(path=f"{self.library}/*")

    @property
    def archives(self) -> list[Path]:
        return sorted(self.library.glob("classes-*"))


@pytest.fixture(scope="module")
async def machine(neo4j_way: Way, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    java = await tools.find_java([])
    if java is None or neo4j_way.library is None:
        pytest.skip("Neo4j runs in a container here, or is one that was given")
    library = tmp_path_factory.mktemp("home") / "lib"
    library.mkdir()
    for jar in neo4j_way.library.glob("*.jar"):
        (library / jar.name).symlink_to(jar)
    return Machine(java, library)


@pytest.fixture(scope="module")
async def made(machine: Machine) -> Classes:
    """Those of an archive that was made before."""
    return await machine.prepared(machine.run)


@pytest.fixture
def archive(machine: Machine, made: Classes) -> Generator[Path]:
    """That archive, which may be broken: it is whole again after the test."""
    [archive] = machine.archives
    assert made.options == (f"-XX:SharedArchiveFile={archive}",)
    aside = archive.rename(machine.library / "aside")
    archive.hardlink_to(aside)
    yield archive
    # Of two names of one file, neither takes the place of the other.
    archive.unlink()
    aside.rename(archive)


def names_in(jar: Path) -> list[str]:
    """The class path of its own that it has."""
    with zipfile.ZipFile(jar) as opened:
        if "META-INF/MANIFEST.MF" not in opened.namelist():
            return []
        lines = (
            opened.read("META-INF/MANIFEST.MF").decode().replace("\r\n", "\n").replace("\n ", "")
        )
    return re.findall(r"\S+", "".join(re.findall(r"^Class-Path: (.*)$", lines, re.MULTILINE)))


def write_half(found: Classes) -> None:
    """Begin what Java writes at its end."""
    [partial] = (option.partition("=")[2] for option in found.options if "Archive" in option)
    Path(partial).write_bytes(b"half")


def break_up(archive: Path, how: str) -> None:
    whole = archive.read_bytes()
    half = len(whole) // 2
    broken = {
        "cut off": whole[:half],
        "overwritten": whole[:half] + bytes(4096) + whole[half + 4096 :],
        "another file": b"no archive",
    }
    archive.unlink()
    archive.write_bytes(broken[how])


async def test_a_start_that_is_broken_off_leaves_no_half_of_an_archive(machine: Machine) -> None:
    async def run(found: Classes) -> None:
        write_half(found)
        raise MakingError(found)

    with pytest.raises(MakingError):
        await machine.prepared(run)

    assert machine.archives == []


@pytest.mark.parametrize(
    "error",
    [
        ArchiveError("Java was ended by force."),
        StartError("Neo4j was not up.", "what it said"),
        PermissionError("Not allowed."),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_making_that_fails_is_told_in_a_line_and_tried_again_by_the_next_start(
    machine: Machine, error: Exception
) -> None:
    async def run(found: Classes) -> None:
        write_half(found)
        raise error

    machine.reports.clear()
    assert await machine.prepared(run) == machine.as_fetched
    reason = str(error).splitlines()[0]
    assert machine.reports[1:] == [
        f"Neo4j could not be prepared for quicker starts this time: {reason}"
    ]

    assert machine.archives == []
    with pytest.raises(MakingError):
        await machine.prepared()


async def test_what_java_does_not_take_after_it_wrote_it_is_not_kept(machine: Machine) -> None:
    async def run(found: Classes) -> None:
        write_half(found)

    machine.reports.clear()
    assert await machine.prepared(run) == machine.as_fetched
    assert machine.reports[1:] == [
        "Neo4j could not be prepared for quicker starts this time: Java does not take what it wrote."
    ]
    assert machine.archives == []


async def test_a_lock_that_cannot_be_taken_does_not_keep_neo4j_from_starting(
    machine: Machine,
) -> None:
    """As that of another user."""
    lock = machine.library / "classes.lock"
    lock.unlink(missing_ok=True)
    lock.mkdir()
    machine.reports.clear()
    try:
        assert await machine.prepared() == machine.as_fetched
    finally:
        lock.rmdir()

    [said] = machine.reports
    assert said.startswith("Neo4j could not be prepared for quicker starts this time: ")
    assert str(lock) in said


async def test_where_there_is_no_time_none_is_made(machine: Machine) -> None:
    found = await classes.prepared(
        machine.library, machine.java, run=None, report=machine.reports.append
    )

    assert found == machine.as_fetched
    assert machine.archives == []


async def test_one_that_is_made_takes_the_place_of_those_of_other_javas(machine: Machine) -> None:
    old = machine.library / "classes-0123456789abcdef.jsa"
    old.write_bytes(b"of a Java before an update")

    found = await machine.prepared(machine.run)

    [archive] = machine.archives
    assert archive != old
    assert found.options == (f"-XX:SharedArchiveFile={archive}",)
    archive.unlink()


async def test_an_archive_is_made_once_told_with_its_size_and_taken_from_then_on(
    machine: Machine,
) -> None:
    machine.reports.clear()

    first = await machine.prepared(machine.run)

    [archive] = machine.archives
    assert machine.reports == [
        "Preparing Neo4j for quicker starts: about 20 s, only this once.",
        f"  {archive.stat().st_size / 1e6:.0f} MB are kept in {machine.library}.",
    ]
    assert await machine.prepared() == first
    loaded = await machine.answer(first, "-Xlog:class+load")
    assert re.search(r" org\.neo4j\.\S+ source: shared objects file \(top\)", loaded)


async def test_no_jar_comes_after_one_that_names_it(made: Classes) -> None:
    """Java before 24 would not know the class path again (JDK-8338686)."""
    jars = [Path(jar) for jar in made.path.split(":")]
    places = {jar.name: place for place, jar in enumerate(jars)}
    named = {(jar, name) for jar in jars for name in names_in(jar) if name in places}

    assert named
    assert [jar.name for jar, name in named if places[name] > places[jar.name]] == []


async def test_what_lies_beside_the_data_of_a_home_does_not_keep_java_from_taking_it(
    machine: Machine, made: Classes, tmp_path: Path
) -> None:
    (tmp_path / "plugins").mkdir()
    jar = next(machine.library.glob("log4j-api-*.jar"))
    (tmp_path / "plugins" / "one.jar").symlink_to(jar.resolve())

    await machine.answer(made.with_those_of(tmp_path), "-Xshare:on")


async def test_a_java_that_is_too_busy_to_answer_makes_no_other_archive(
    machine: Machine, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.reports.clear()
    monkeypatch.setattr(tools, "ANSWER_SECONDS", 0.001)

    assert await machine.prepared() == machine.as_fetched

    [said] = machine.reports
    assert "did not answer within 0.001 seconds" in said
    assert machine.archives == [archive]


@pytest.mark.parametrize("how", ["cut off", "overwritten", "another file"])
async def test_a_broken_archive_is_made_anew(machine: Machine, archive: Path, how: str) -> None:
    break_up(archive, how)

    with pytest.raises(MakingError):
        await machine.prepared()


async def test_an_archive_of_files_that_have_changed_since_is_made_anew(
    machine: Machine, archive: Path
) -> None:
    del archive
    jar = next(machine.library.glob("log4j-api-*.jar"))
    fetched = jar.resolve()
    jar.unlink()
    jar.write_bytes(fetched.read_bytes())
    try:
        with pytest.raises(MakingError):
            await machine.prepared()
    finally:
        jar.unlink()
        jar.symlink_to(fetched)


async def test_another_build_of_java_has_an_archive_of_its_own(
    machine: Machine, made: Classes
) -> None:
    with pytest.raises(MakingError):
        await machine.prepared(java=replace(machine.java, version="another build"))

    assert await machine.prepared() == made


async def test_where_a_run_made_none_java_is_not_asked_again(machine: Machine) -> None:
    """As with a Java that knows no such archives."""
    other = replace(machine.java, version="of another kind")

    async def run(found: Classes) -> None:
        del found

    machine.reports.clear()
    assert await machine.prepared(run, java=other) == machine.as_fetched
    assert machine.reports[1:] == ["  This Java cannot; Neo4j starts as it always did."]

    assert await machine.prepared(java=other) == machine.as_fetched


async def test_a_java_without_the_archive_of_its_own_classes_is_not_told_to_make_ours(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As Temurin's for macOS; with Java 17 Neo4j would not start."""
    monkeypatch.setenv("JDK_JAVA_OPTIONS", f"-XX:SharedArchiveFile={tmp_path}/none")
    machine.reports.clear()

    found = await machine.prepared(java=replace(machine.java, version="without"))

    assert found == machine.as_fetched
    assert machine.reports == []


async def test_where_the_path_has_a_blank_none_is_made(machine: Machine, tmp_path: Path) -> None:
    """Java would put next to nothing into it (JDK-8339460)."""
    there = tmp_path / "a home with blanks"
    there.mkdir()

    found = await Machine(machine.java, there).prepared()

    assert found == Classes(path=f"{there}/*")


async def test_who_comes_while_another_makes_one_does_not_wait(machine: Machine) -> None:
    java = replace(machine.java, version="of both")
    meanwhile: list[Classes] = []

    async def run(found: Classes) -> None:
        del found
        meanwhile.append(await machine.prepared(java=java))

    await machine.prepared(run, java=java)

    assert meanwhile == [machine.as_fetched]
