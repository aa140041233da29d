"""Finds and ends the Java of a home directory, whoever started it.

What proves a process to be the Neo4j of a home is its own command line, which names that home. A
process id in a file would prove nothing: another program may have it by now.
"""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path

from orchestrator.local import tools

MAIN_CLASS = "org.neo4j.server.CommunityEntryPoint"
STOP_SECONDS = 30.0
_LOOK_AGAIN_SECONDS = 0.05
_PROC = Path("/proc")


def home_option(home: Path) -> str:
    """Answer the argument by which a Neo4j of this home is known."""
    return f"--home-dir={home}"


async def find(home: Path) -> list[int]:
    """Answer the ids of the processes that run the Neo4j of this home: none or one, unless odd."""
    if _has_proc():
        return await asyncio.to_thread(_find_in_proc, home)
    return await _find_with_ps(home)


async def is_running(pid: int, home: Path) -> bool:
    """Tell whether this process runs the Neo4j of this home."""
    if _has_proc():
        return await asyncio.to_thread(_is_ours, _PROC / str(pid) / "cmdline", home)
    return pid in await _find_with_ps(home)


def _has_proc() -> bool:
    return (_PROC / "self" / "cmdline").exists()


def _find_in_proc(home: Path) -> list[int]:
    return [
        int(entry.name)
        for entry in _PROC.iterdir()
        if entry.name.isdigit() and _is_ours(entry / "cmdline", home)
    ]


def _is_ours(command_line: Path, home: Path) -> bool:
    try:
        arguments = command_line.read_bytes().split(b"\0")
    except OSError:  # it ended meanwhile, or is another user's
        return False
    # A zombie has no arguments any more: it is gone for us.
    return MAIN_CLASS.encode() in arguments and os.fsencode(home_option(home)) in arguments


async def _find_with_ps(home: Path) -> list[int]:
    # macOS has no /proc. `ps` joins the arguments with blanks.
    _, output = await tools.answer("ps", "-axww", "-o", "pid=,command=")
    return [
        int(line.split(maxsplit=1)[0])
        for line in output.splitlines()
        if MAIN_CLASS in line and f" {home_option(home)} --" in line
    ]


async def command_line(pid: int) -> str:
    """Answer the command of a process and its arguments, with blanks between them; empty where it is gone."""
    if _has_proc():
        return await asyncio.to_thread(_command_line_in_proc, pid)
    _, output = await tools.answer("ps", "-ww", "-o", "command=", "-p", str(pid))
    return output


def _command_line_in_proc(pid: int) -> str:
    try:
        return os.fsdecode((_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" "))
    except OSError:
        return ""


async def stop(pid: int, home: Path, *, seconds: float = STOP_SECONDS) -> None:
    """End the Neo4j with this id in order, or by force after `seconds`; answer when it is gone."""
    try:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await _gone(pid, home)
                return
    except asyncio.CancelledError:
        _kill(pid)
        raise
    _kill(pid)
    await _gone(pid, home)


def _kill(pid: int) -> None:
    # It leads a process group of its own, since we start it so.
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


async def _gone(pid: int, home: Path) -> None:
    # Nobody tells us of the end of a process that is not our child.
    while await is_running(pid, home):  # noqa: ASYNC110
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)
