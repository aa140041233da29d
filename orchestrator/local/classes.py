"""Neo4j's classes as Java has them once they are loaded: a start that finds them so takes two thirds of the processor time.

Java calls a file of them an archive of class data sharing, and makes one at the end of a run (JEP 350).
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import zipfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import quote

from orchestrator.domain.values import replace
from orchestrator.local import locks, tools
from orchestrator.local.errors import ArchiveError, StartError
from orchestrator.local.installing import Report
from orchestrator.local.tools import Java

_ROOM = 250 * 2**20
"""Bytes that have to be free on the disk: an archive takes 96 MB, here with Java 17."""
_AT_EXIT = "-XX:ArchiveClassesAtExit="
_MANIFEST = "META-INF/MANIFEST.MF"
_CHECK = (
    "-Xshare:on",
    # Without it Java does not look at what comes after the head, and falls over it later.
    "-XX:+VerifySharedSpaces",
    "-XX:-CreateCoredumpOnCrash",
    "-XX:ErrorFile=/dev/null",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Classes:
    """Where a Java takes Neo4j's classes from."""

    path: str
    """Java's class path."""
    options: tuple[str, ...] = ()

    def with_those_of(self, home: Path) -> Self:
        """Add what somebody put beside the data of this home; Java takes what was archived first."""
        return replace(self, path=f"{self.path}:{home}/plugins/*:{home}/conf/*")


def as_fetched(library: Path) -> Classes:
    """Answer them as they are in the files of Neo4j."""
    return Classes(path=f"{library}/*")


async def prepared(
    library: Path,
    java: Java,
    *,
    run: Callable[[Classes], Awaitable[None]] | None,
    report: Report,
) -> Classes:
    """Answer them from an archive in `library`, which is made first if it has none that this Java takes.

    For that, `run` starts Neo4j with the classes that it is given, and ends it in order; None where there is no time for it.
    They are answered as they were fetched where nothing can be written, where another process is making the archive, where
    this Java makes none, and where the path has a blank or what else a URL has otherwise; and where the making fails, which is
    told and tried again by the next start.
    """
    try:
        found = await _archived(library, java, run, report)
    # A start that is only slower is better than none; what keeps Neo4j itself from starting shows in the start that follows.
    except (ArchiveError, StartError, OSError) as error:
        reason = str(error).partition("\n")[0]
        report(f"Neo4j could not be prepared for quicker starts this time: {reason}")
        found = None
    return found or as_fetched(library)


def are_archived_by(command_line: str) -> bool:
    """Tell whether a Neo4j with this command line runs only to have its classes archived at its end."""
    return f" {_AT_EXIT}" in command_line


async def _archived(
    library: Path, java: Java, run: Callable[[Classes], Awaitable[None]] | None, report: Report
) -> Classes | None:
    archive = _archive(library, java)
    if _is_written_otherwise(archive):
        return None
    if not await _is_settled(archive, java) and (
        run is None or not await _make(archive, java, run, report)
    ):
        return None
    if _says_that_there_is_none(archive):
        return None
    return _from(archive.parent, f"-XX:SharedArchiveFile={archive}")


def _is_written_otherwise(archive: Path) -> bool:
    # Java archives next to no class of such a path: it looks for the jar by the address of the class (JDK-8339460).
    return quote(str(archive), safe="/:@&=+$,;!~*'()") != str(archive)


def _from(library: Path, *options: str) -> Classes:
    """Answer them with the class path that Java knows again."""
    return Classes(path=_class_path(library).read_text(encoding="utf-8"), options=options)


def _archive(library: Path, java: Java) -> Path:
    digest = hashlib.sha256(java.version.encode()).hexdigest()[:16]
    # Java compares paths as they are written.
    return library.resolve() / f"classes-{digest}.jsa"


def _class_path(library: Path) -> Path:
    return library / "classes.path"


def _says_that_there_is_none(archive: Path) -> bool:
    return archive.exists() and archive.stat().st_size == 0


def _is_there(archive: Path) -> bool:
    return archive.exists() and _class_path(archive.parent).exists()


async def _is_settled(archive: Path, java: Java) -> bool:
    """Tell whether nothing has to be made."""
    return _says_that_there_is_none(archive) or await _is_taken(archive, java)


async def _is_taken(archive: Path, java: Java) -> bool:
    """Tell whether it is there, and this Java takes it: whole, with its own classes and the jars as they are now."""
    if not _is_there(archive):
        return False
    # A server that did not take it would only be slow, or fall over one that was cut off: nobody would see why.
    found = _from(archive.parent, *_CHECK, f"-XX:SharedArchiveFile={archive}")
    return await _agrees(java, *found.options, "-cp", found.path)


async def _agrees(java: Java, *options: str) -> bool:
    """Tell whether this Java takes these options.

    Raises:
        ArchiveError: It did not answer in time.
    """
    status, output = await tools.answer(
        java.command, *options, "-version", seconds=tools.ANSWER_SECONDS
    )
    if status == tools.TOO_LATE:
        raise ArchiveError(output)
    return status == 0


async def _can_make(java: Java) -> bool:
    """Tell whether this Java has its own classes archived, as Temurin's for macOS has not: ours would lie on top of them."""
    # Java 17 would not start where it is told to make one all the same.
    return await _agrees(java, "-Xshare:on")


async def _make(
    archive: Path, java: Java, run: Callable[[Classes], Awaitable[None]], report: Report
) -> bool:
    """Make it; False if that is not for us to do.

    Raises:
        ArchiveError: It could not be made this time.
    """
    library = archive.parent
    if not os.access(library, os.W_OK) or not await _can_make(java):
        return False
    lock = locks.take(library / "classes.lock")
    if lock is None:
        return False
    try:
        return await _make_alone(archive, java, run, report)
    finally:
        locks.release(lock)


async def _make_alone(
    archive: Path, java: Java, run: Callable[[Classes], Awaitable[None]], report: Report
) -> bool:
    if await _is_settled(archive, java):
        return True
    library, partial = archive.parent, archive.with_suffix(".partial")
    # A killed process may have left it.
    partial.unlink(missing_ok=True)
    if shutil.disk_usage(library).free < _ROOM:
        return False
    report("Preparing Neo4j for quicker starts: about 20 s, only this once.")
    try:
        await asyncio.to_thread(_write_class_path, library)
        # It would tell of each class that cannot be archived.
        await run(_from(library, f"{_AT_EXIT}{partial}", "-Xlog:disable"))
        if not partial.exists():
            partial.touch()
        elif not await _is_taken(partial, java):
            raise ArchiveError("Java does not take what it wrote.")
        await asyncio.to_thread(_put_in_place, partial, archive)
    finally:
        partial.unlink(missing_ok=True)
    if not _says_that_there_is_none(archive):
        _remove_others(archive)
    report(_outcome(archive))
    return True


def _outcome(archive: Path) -> str:
    if _says_that_there_is_none(archive):
        return "  This Java cannot; Neo4j starts as it always did."
    return f"  {archive.stat().st_size / 1e6:.0f} MB are kept in {archive.parent}."


def _write_class_path(library: Path) -> None:
    # Java before 24 does not know a class path again where a jar comes after one that names it (JDK-8338686); and with `*`
    # they have whatever order the directory has.
    jars = sorted(library.glob("*.jar"), key=lambda jar: (_names_others(jar), jar))
    written = _class_path(library)
    partial = written.with_suffix(".path.partial")
    partial.write_text(":".join(map(str, jars)), encoding="utf-8")
    partial.replace(written)


def _names_others(jar: Path) -> bool:
    with zipfile.ZipFile(jar) as opened:
        return _MANIFEST in opened.namelist() and b"\nClass-Path:" in opened.read(_MANIFEST)


def _put_in_place(partial: Path, archive: Path) -> None:
    with partial.open("rb") as written:
        os.fsync(written.fileno())
    partial.replace(archive)


def _remove_others(archive: Path) -> None:
    # They would pile up with the updates of Java; a server that has one in its memory keeps it there.
    for other in archive.parent.glob("classes-*"):
        if other != archive:
            other.unlink(missing_ok=True)
