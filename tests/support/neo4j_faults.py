"""What can happen to a Neo4j of one's own: killed, paused, started again, with other files beneath it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from pathlib import Path

from orchestrator.local import docker, processes, tools
from orchestrator.local.neo4j import OwnNeo4j
from tests.support.neo4j import own_neo4j


async def kill(own: OwnNeo4j) -> None:
    """Kill it, and wait until it is dead."""
    await _signal(own, signal.SIGKILL, "kill")
    while await own.is_alive():  # noqa: ASYNC110 - a process of the system
        await asyncio.sleep(0.02)


async def pause(own: OwnNeo4j) -> None:
    """Stop it where it is: its connections stay open, and nothing is answered."""
    await _signal(own, signal.SIGSTOP, "pause")


async def go_on(own: OwnNeo4j) -> None:
    """End a pause."""
    await _signal(own, signal.SIGCONT, "unpause")


async def restart(own: OwnNeo4j) -> None:
    """Start it again where it was, ended in order unless it was killed."""
    await own.stop()
    await own.start()


async def copy_files(own: OwnNeo4j, to: Path) -> None:
    """Copy its files as they are in a moment in which it writes none, as a snapshot of a volume does."""
    await pause(own)
    try:
        await asyncio.to_thread(shutil.copytree, _files(own), to)
    finally:
        await go_on(own)


async def put_beneath(own: OwnNeo4j, files: Path) -> None:
    """Start it again where it was, with these files in the place of its own."""
    # What it would write at its end goes with the rest.
    await kill(own)
    await asyncio.to_thread(shutil.rmtree, _files(own))
    await asyncio.to_thread(shutil.copytree, files, _files(own))
    await restart(own)


def _files(own: OwnNeo4j) -> Path:
    """Where all that is in it lies, its users and passwords too."""
    return own.home / "data"


async def kill_below(home: Path) -> str:
    """Kill the one that another process runs in its home, and answer its name."""
    directory = own_neo4j(home, library=None).home
    if found := await processes.find(directory):
        [pid] = found
        os.kill(pid, signal.SIGKILL)
        return f"process {pid}"
    return (await _tell_container(directory, "kill")).name


async def _signal(own: OwnNeo4j, number: signal.Signals, command: str) -> None:
    if own.pid is not None:
        os.kill(own.pid, number)
    else:
        await _tell_container(own.home, command)


async def _tell_container(directory: Path, command: str) -> docker.Container:
    found = await tools.find_docker([])
    if found is None:
        raise AssertionError("it runs neither in a process nor in Docker")
    container = docker.find(found, directory)
    status, said = await tools.answer(found, command, container.container)
    if status != 0:
        raise AssertionError(said)
    return container
