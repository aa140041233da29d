"""`council up`: everything from one command, all of it back after a kill, and nothing left behind after Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from orchestrator.local import processes
from orchestrator.local.neo4j import stop_leftover
from tests.support.neo4j import LIBRARY, Way
from tests.support.service_process import COMMAND, free_port

pytestmark = [pytest.mark.neo4j, pytest.mark.timeout(600)]

_SECONDS = 240
_OURS = ("NEO4J_", "VLLM_", "COUNCIL_")


class Up:
    """A run of the command, and what it has printed so far."""

    def __init__(self, process: asyncio.subprocess.Process, output: Path) -> None:
        self._process = process
        self._output = output

    @property
    def printed(self) -> str:
        return self._output.read_text(encoding="utf-8")

    async def prints(self, words: str) -> str:
        """Wait for words, and return all until now."""
        async with asyncio.timeout(_SECONDS):
            while words not in self.printed:
                assert self._process.returncode is None, self.printed
                await asyncio.sleep(0.05)
        return self.printed

    async def end(self, number: signal.Signals) -> int:
        self._process.send_signal(number)
        async with asyncio.timeout(_SECONDS):
            return await self._process.wait()

    async def ends(self) -> int:
        async with asyncio.timeout(_SECONDS):
            return await self._process.wait()


@asynccontextmanager
async def up(home: Path, **environment: str) -> AsyncGenerator[Up]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(_OURS)}
    ports = {
        "COUNCIL_PORT": str(free_port()),
        "COUNCIL_BOLT_PORT": "0",
        "COUNCIL_BROWSER_PORT": "0",
    }
    output = home / "printed"
    with output.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            COMMAND,
            "up",
            "--example",
            env={**inherited, "COUNCIL_HOME": str(home), **ports, **environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
    try:
        yield Up(process, output)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.fixture
async def home(neo4j_way: Way, tmp_path: Path) -> AsyncGenerator[Path]:
    """A home that has the files of Neo4j already; what is left running in it is stopped."""
    del neo4j_way  # it has fetched them
    (tmp_path / "neo4j").mkdir(mode=0o700)
    (tmp_path / "neo4j" / "lib").symlink_to(LIBRARY)
    yield tmp_path
    assert await stop_leftover(tmp_path)


async def test_the_example_is_decided_comes_back_after_a_kill_and_ctrl_c_leaves_nothing_behind(
    home: Path,
) -> None:
    async with up(home) as first:
        printed = await first.prints("Ctrl-C ends everything")
        assert "5 councils with 15 agents, seeded into a new graph" in printed
        assert printed.count(" proposes: ") == 3
        assert printed.count(" criticises ") == 3
        assert printed.count(" revises: ") == 3
        assert printed.count(" ranks ") == 3
        assert "REHEARSAL  Verdict of dev-council-1" in printed
        password = home / "neo4j" / "password"
        assert str(password) in printed
        assert password.stat().st_mode & 0o077 == 0
        assert password.read_text().strip() not in printed
        await first.end(signal.SIGKILL)

    async with up(home) as second:
        back = await second.prints("Ctrl-C ends everything")
        assert "5 councils with 15 agents, back from the graph" in back
        assert "Back from the graph, as it was decided" in back
        assert " proposes: " not in back
        assert _ranking(back) == _ranking(printed)
        assert await second.end(signal.SIGINT) == 0

    assert "Traceback" not in printed + second.printed
    assert await processes.find(home / "neo4j") == []


async def test_a_taken_port_is_told_by_its_number_and_the_variable_before_anything_starts(
    home: Path,
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])

        async with up(home, COUNCIL_PORT=port) as api:
            assert await api.ends() == 1
            assert port in api.printed
            assert "COUNCIL_PORT" in api.printed
            assert "Starting Neo4j" not in api.printed

        async with up(home, COUNCIL_BOLT_PORT=port) as bolt:
            assert await bolt.ends() == 1
            assert f"Port {port} on 127.0.0.1 is taken" in bolt.printed
            assert "COUNCIL_BOLT_PORT" in bolt.printed


def _ranking(printed: str) -> list[str]:
    """The lines of the table, and those that say what it cannot."""
    lines = printed.partition("Verdict of dev-council-1")[2].splitlines()
    return [line.strip() for line in lines if line.strip()][:12]
