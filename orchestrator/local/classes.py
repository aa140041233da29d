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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self
from urllib.parse import quote

from orchestrator.local import locks, tools
from orchestrator.local.installing import Report
from orchestrator.local.tools import Java

_ROOM = 250 * 2**20
"""Bytes that have to be free on the disk: an archive takes 96 MB, here with Java 17."""
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
    run: Callable[[Classes], Awaitable[None]],
    report: Report,
) -> Classes:
    """Answer them from an archive in `library`, which is made first if it has none that this Java takes.

    For that, `run` starts Neo4j with the classes that it is given, and ends it in order. They are answered as they were
    fetched where nothing can be written, where another process is making the archive, where this Java makes none, and
    where the path has a blank or what else a URL has otherwise.
    """
    archive = _archive(library, java)
    if _is_written_otherwise(archive):
        return as_fetched(library)
    if not await _is_settled(archive, java) and not await _make(archive, java, run, report):
        return as_fetched(library)
    if _says_that_there_is_none(archive):
        return as_fetched(library)
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
    status, _ = await tools.answer(java.command, *found.options, "-cp", found.path, "-version")
    return status == 0


async def _can_make(java: Java) -> bool:
    """Tell whether this Java has its own classes archived, as Temurin's for macOS has not: ours would lie on top of them."""
    # Java 17 would not start where it is told to make one all the same.
    status, _ = await tools.answer(java.command, "-Xshare:on", "-version")
    return status == 0


async def _make(
    archive: Path, java: Java, run: Callable[[Classes], Awaitable[None]], report: Report
) -> bool:
    """Make it; False if that is not for us to do."""
    library = archive.parent
    if not os.access(library, os.W_OK) or shutil.disk_usage(library).free < _ROOM:
        return False
    if not await _can_make(java):
        return False
    lock = locks.take(library / "classes.lock")
    if lock is None:
        return False
    partial = archive.with_suffix(".partial")
    try:
        if await _is_settled(archive, java):
            return True
        report("Preparing Neo4j for quicker starts: about 20 s, only this once.")
        await asyncio.to_thread(_write_class_path, library)
        # It would tell of each class that cannot be archived.
        await run(_from(library, f"-XX:ArchiveClassesAtExit={partial}", "-Xlog:disable"))
        if not await _is_taken(partial, java):
            partial.unlink(missing_ok=True)
            partial.touch()
        await asyncio.to_thread(_put_in_place, partial, archive)
    finally:
        partial.unlink(missing_ok=True)
        locks.release(lock)
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
