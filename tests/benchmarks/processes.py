"""Processes that a benchmark starts, what they say, and the processor time that they use."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

_TICKS = os.sysconf("SC_CLK_TCK")
_END_SECONDS = 10.0
_SAY_SECONDS = 300.0


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a living process and of those children of it that have ended."""
    return sum(int(field) for field in _stat(pid)[11:15]) / _TICKS


def family_cpu_seconds(pid: int) -> float:
    """Return the processor time of a living process and of all its children, living and ended."""
    total = cpu_seconds(pid)
    for folder in Path("/proc").glob("[0-9]*"):
        # Whoever ends while this looks is counted with its parent the next time.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if int(_stat(int(folder.name))[1]) == pid:
                total += cpu_seconds(int(folder.name))
    return total


def _stat(pid: int) -> list[str]:
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    # The name, in parentheses, may hold anything; after it come the state and then numbers.
    return stat.rpartition(")")[2].split()


def resident_bytes(pid: int | None = None) -> int:
    """Return how much memory a process has now, without a number this one."""
    pages = Path(f"/proc/{pid or 'self'}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Started:
    """A process that runs, and the first line that it printed."""

    pid: int
    said: str


@asynccontextmanager
async def started(*command: str, says: bool) -> AsyncGenerator[Started]:
    """Run a command for as long as the context is entered; where it `says` so, wait for its first line."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE if says else asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(_SAY_SECONDS):
            said = b"" if process.stdout is None else await process.stdout.readline()
        if says and not said:
            raise ChildFailedError(command, await process.wait())
        yield Started(process.pid, said.decode().strip())
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask it to end, and see that it does."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(_END_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


class ChildFailedError(Exception):
    """A process that was to measure something has failed; what it said of it went to standard error."""

    def __init__(self, command: tuple[str, ...], code: int | None) -> None:
        """Take what was run and how it ended."""
        super().__init__(f"{' '.join(command)} ended with {code}")


class Child:
    """A process that is told and tells a line of JSON at a time."""

    def __init__(self, process: asyncio.subprocess.Process, command: tuple[str, ...]) -> None:
        """Take a process with pipes."""
        self._process = process
        self._command = command

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    async def tell(self, **told: Any) -> None:
        """Send it a line."""
        if self._process.stdin is None:
            raise ChildFailedError(self._command, None)
        self._process.stdin.write(json.dumps(told).encode() + b"\n")
        await self._process.stdin.drain()

    async def says(self) -> dict[str, Any]:
        """Return its next line; TimeoutError where none comes in five minutes."""
        async with asyncio.timeout(_SAY_SECONDS):
            line = b"" if self._process.stdout is None else await self._process.stdout.readline()
        if not line:
            raise ChildFailedError(self._command, await self._process.wait())
        return cast("dict[str, Any]", json.loads(line))


def child(
    module: str, *arguments: str, environment: Mapping[str, str] | None = None
) -> AbstractAsyncContextManager[Child]:
    """Run `tests.benchmarks.<module>`; it has to end by itself once its input does."""
    command = (sys.executable, "-m", f"tests.benchmarks.{module}", *arguments)
    return speaking(*command, environment=environment)


@asynccontextmanager
async def speaking(
    *command: str, environment: Mapping[str, str] | None = None
) -> AsyncGenerator[Child]:
    """Run a command that is spoken to; it has to end by itself once its input does."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=16 * 1024 * 1024,
        env={**os.environ, **(environment or {})},
    )
    try:
        yield Child(process, command)
        if process.stdin is not None:
            process.stdin.close()
        async with asyncio.timeout(_END_SECONDS):
            code = await process.wait()
        if code:
            raise ChildFailedError(command, code)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def answered(
    module: str, *arguments: str, environment: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Run `tests.benchmarks.<module>` for the one line that it prints."""
    async with child(module, *arguments, environment=environment) as one:
        return await one.says()


def say(**told: Any) -> None:
    """Print a line to whoever started this process."""
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


async def told() -> dict[str, Any] | None:
    """Wait for a line from whoever started this process; none at the end."""
    line = await asyncio.to_thread(sys.stdin.readline)
    return cast("dict[str, Any]", json.loads(line)) if line else None
