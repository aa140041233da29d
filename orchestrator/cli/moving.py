"""`council export` and `council import`: councils and history out of one graph and into another."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from orchestrator.cli.exits import Exit
from orchestrator.cli.failures import InputError, NotWrittenError
from orchestrator.cli.graph import at_hand
from orchestrator.cli.rendering import moving as rendering
from orchestrator.cli.screen import harmless
from orchestrator.graph.moving.form import Kind, Line
from orchestrator.service import moving

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Iterator
    from typing import BinaryIO

    from orchestrator.cli.screen import Screen
    from orchestrator.domain.predecessor import Reading
    from orchestrator.graph.moving.exporting import Exported
    from orchestrator.graph.moving.importing import Import
    from orchestrator.settings import Settings

STDIN: Final = "-"

_LONGEST_LINE: Final = 256 * 1024 * 1024
"""Bytes; the longest deliberation that can be accepted has a fifth of that."""

_TELL_SECONDS: Final = 2.0
"""Between two words of how far it is."""


async def export(
    settings: Settings, screen: Screen, *, everything: bool, output: Path | None
) -> Exit:
    """Write a file, which takes its place when it is whole, or write to standard output."""
    async with (
        at_hand(settings, screen) as found,
        moving.exported(found, everything=everything) as exported,
    ):
        lines = _telling(exported, _progress(screen))
        if output is None:
            return await _to_stdout(lines, screen)
        counts = await _to_file(lines, output)
    screen.say(f"exported {rendering.counted(counts)} to {output}")
    return Exit.OK


async def import_file(
    settings: Settings, screen: Screen, file: str, *, dry_run: bool, verify: bool
) -> Exit:
    """Import a file, or what comes on standard input."""
    with _readable(file) as path:
        async with at_hand(settings, screen) as found:
            imported = await moving.import_file(
                found,
                lambda: _lines(path),
                dry_run=dry_run,
                verify=verify,
                told=_progress(screen),
            )
    return _report(imported, screen)


async def import_predecessor(
    settings: Settings, screen: Screen, url: str, *, dry_run: bool, verify: bool
) -> Exit:
    """Import what the predecessor kept in Valkey."""
    async with at_hand(settings, screen) as found:
        imported, reading = await moving.import_predecessor(
            found, url, dry_run=dry_run, verify=verify, told=_progress(screen)
        )
    _warn_of_ignored(reading, screen)
    return _report(imported, screen)


def _warn_of_ignored(reading: Reading, screen: Screen) -> None:
    for name, key in sorted(reading.ignored.items()):
        screen.warn(harmless(f"ignored: the field {name}, first in {key}"))
    for note in reading.notes:
        screen.warn(harmless(note))


def _report(imported: Import, screen: Screen) -> Exit:
    for line in rendering.report(imported):
        screen.say(line)
    compared = imported.comparison
    return Exit.FAILED if compared is not None and compared.differences else Exit.OK


async def _telling(
    lines: AsyncGenerator[Exported], told: Callable[[str, int], None]
) -> AsyncGenerator[Exported]:
    async for line in lines:
        yield line
        told("exported", 1)


async def _to_stdout(lines: AsyncGenerator[Exported], screen: Screen) -> Exit:
    counts: Counter[Kind] = Counter()
    try:
        async for kind, line in lines:
            _write(sys.stdout.buffer, kind, line, counts)
        sys.stdout.buffer.flush()
    except OSError as error:
        # The interpreter would complain about it once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise NotWrittenError("what was exported to was closed before the end") from error
        raise NotWrittenError(f"standard output: {_cut_off(error)}") from error
    screen.aside(f"exported {rendering.counted(counts)}")
    return Exit.OK


async def _to_file(lines: AsyncGenerator[Exported], output: Path) -> Counter[Kind]:
    """Write beside it and rename, so that a file of that name is whole, or what it was before."""
    counts: Counter[Kind] = Counter()
    handle, name = _begun(output)
    try:
        with os.fdopen(handle, "wb") as file:
            async for kind, line in lines:
                _write(file, kind, line, counts)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, output)  # noqa: PTH105 - os's own word for it says that it is atomic
    except BaseException as error:
        os.unlink(name)  # noqa: PTH108 - as above
        if isinstance(error, OSError):
            raise NotWrittenError(
                f"--output {output}: {_cut_off(error)}, and a file that was there is as it was"
            ) from error
        raise
    return counts


def _begun(output: Path) -> tuple[int, str]:
    """Make the file beside it."""
    try:
        if output.exists() and not output.is_file():
            raise InputError(
                f"--output {output} is no file; without it, standard output is written to"
            )
        return tempfile.mkstemp(prefix=f".{output.name}.", suffix=".partial", dir=output.parent)
    except OSError as error:
        raise InputError(f"--output {output}: {error.strerror or error}") from error


def _cut_off(error: OSError) -> str:
    return f"{error.strerror or error}; the export was not written to its end"


def _write(file: BinaryIO, kind: Kind | None, line: str, counts: Counter[Kind]) -> None:
    file.write(line.encode() + b"\n")
    if kind is not None:
        counts[kind] += 1


@contextlib.contextmanager
def _readable(file: str) -> Generator[Path]:
    """Keep standard input in a file: it is read more than once."""
    if file != STDIN:
        path = Path(file)
        try:
            with path.open("rb"):
                pass
        except OSError as error:
            raise InputError(f"{file}: {error.strerror or error}") from error
        if not path.is_file():
            raise InputError(f"{file} is no file; {STDIN} reads standard input")
        yield path
        return
    with tempfile.NamedTemporaryFile(prefix="council-import-", suffix=".jsonl") as kept:
        shutil.copyfileobj(sys.stdin.buffer, kept)
        kept.flush()
        yield Path(kept.name)


def _lines(path: Path) -> Iterator[Line]:
    """Read line by line; bytes that are no UTF-8 are found where they stand, as lone surrogates."""
    with path.open("rb") as file:
        for number in range(1, sys.maxsize):
            raw = file.readline(_LONGEST_LINE)
            if not raw:
                return
            yield Line(
                place=f"line {number}",
                text=raw.decode("utf-8", "surrogateescape").rstrip("\r\n"),
            )


def _progress(screen: Screen) -> Callable[[str, int], None]:
    """Tell how far it is, now and then, where somebody watches: what lines are now, and how many more."""
    counts: Counter[str] = Counter()
    last = time.monotonic()

    def told(what: str, count: int) -> None:
        nonlocal last
        counts[what] += count
        if time.monotonic() - last >= _TELL_SECONDS:
            last = time.monotonic()
            screen.aside(f"{counts[what]:,} lines {what}")

    return told
