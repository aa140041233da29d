"""Fetches the files of Neo4j with Maven, once; a half installation is never taken for a whole one."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import signal
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from orchestrator.local import locks
from orchestrator.local.errors import InstallationError
from orchestrator.packaged import packaged

Report = Callable[[str], None]

_POM = "deploy/neo4j/pom.xml"
_MARK = "INSTALLED"
_NAMESPACE = "{http://maven.apache.org/POM/4.0.0}"
_LAST_LINES = 12
_FILES_A_REPORT = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Pom:
    """What Maven is asked for."""

    text: str
    version: str
    """Of Neo4j, such as `5.26.30`."""

    @property
    def digest(self) -> str:
        """Tells one list of files from another."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def read_pom() -> Pom:
    """Read the pom that comes with the program."""
    text = packaged(_POM).read_text(encoding="utf-8")
    # The file is our own, so that a hostile document is no concern here.
    version = ET.fromstring(text).findtext(f"{_NAMESPACE}properties/{_NAMESPACE}neo4j.version")  # noqa: S314
    if not version:
        raise InstallationError(f"{_POM} has no property neo4j.version")
    return Pom(text=text, version=version)


def is_installed(library: Path, pom: Pom) -> bool:
    """Tell whether `library` holds all the files of this pom."""
    try:
        return (library / _MARK).read_text(encoding="utf-8").strip() == pom.digest
    except OSError:
        return False


async def install(library: Path, pom: Pom, *, maven: str, report: Report) -> None:
    """Fill `library` with the files of `pom`, unless it holds them already.

    They are fetched into a directory beside it, which takes its place when it is whole. Of several
    processes one installs and the others wait for it.

    Raises:
        InstallationError: Maven failed; nothing of it is left.
    """
    if is_installed(library, pom):
        return
    await asyncio.to_thread(library.parent.mkdir, parents=True, exist_ok=True)
    lock = library.with_name(library.name + ".lock")
    async with locks.held(lock, doing="fetching the same files", report=report):
        if is_installed(library, pom):
            return
        partial = library.with_name(library.name + ".partial")
        old = library.with_name(library.name + ".old")
        await asyncio.to_thread(_remove, partial, old)
        try:
            await asyncio.to_thread(_lay_out, partial, pom)
            await _fetch(partial, pom, maven=maven, report=report)
            await asyncio.to_thread(_put_in_place, partial, library, old, pom)
        finally:
            await asyncio.to_thread(_remove, partial, old)


def _lay_out(partial: Path, pom: Pom) -> None:
    partial.mkdir()
    (partial / "pom.xml").write_text(pom.text, encoding="utf-8")


def _put_in_place(partial: Path, library: Path, old: Path, pom: Pom) -> None:
    (partial / _MARK).write_text(pom.digest + "\n", encoding="utf-8")
    if library.exists():
        library.rename(old)
    partial.rename(library)


def _remove(*directories: Path) -> None:
    for directory in directories:
        with suppress(FileNotFoundError):
            shutil.rmtree(directory)


async def _fetch(directory: Path, pom: Pom, *, maven: str, report: Report) -> None:
    report(f"Fetching Neo4j {pom.version} with Maven: about 140 MB, only this once.")
    process = await asyncio.create_subprocess_exec(
        maven,
        "--batch-mode",
        "--file",
        str(directory / "pom.xml"),
        "dependency:copy-dependencies",
        f"-DoutputDirectory={directory}",
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
        start_new_session=True,
    )
    try:
        last = await _follow(process, report)
        status = await process.wait()
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if status != 0:
        raise InstallationError("\n".join(last))


async def _follow(process: Process, report: Report) -> list[str]:
    """Read what Maven says to its end, and answer the lines that tell of an error."""
    last: list[str] = []
    fetched = 0
    if process.stdout is None:
        return last
    async for raw in process.stdout:
        line = raw.decode(errors="replace").strip()
        if line.startswith(("[ERROR]", "[FATAL]")):
            last = [*last, line][-_LAST_LINES:]
        elif "Downloaded from" in line:
            fetched += 1
            if fetched % _FILES_A_REPORT == 0:
                report(f"  {fetched} files fetched …")
    return last
