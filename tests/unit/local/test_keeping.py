"""A Neo4j of our own that ends by itself is started again, but not for ever."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from orchestrator.local import keeping
from orchestrator.local.errors import PortTakenError, StartError
from orchestrator.local.keeping import while_kept_up
from tests.support.waiting import until


class Server:
    """Ends at each kill; started again, it runs, or fails to."""

    def __init__(self) -> None:
        self.name = "process 1"
        self.starts = 0
        self.fails: Exception | None = None
        self._end = asyncio.Event()

    def kill(self) -> None:
        self._end.set()

    async def ended(self) -> None:
        await self._end.wait()

    def last_output(self) -> str:
        return f"start {self.starts} has ended"

    async def start_again(self) -> None:
        if self.fails is not None:
            raise self.fails
        self.starts += 1
        self._end.clear()


async def _forever() -> int:
    await asyncio.Event().wait()
    return 0


async def _kill_until_given_up(server: Server, told: list[str]) -> None:
    async with asyncio.timeout(10):
        working = asyncio.create_task(while_kept_up(server, _forever(), report=told.append))
        while not working.done():
            server.kill()
            await asyncio.sleep(0)
        await working


async def test_it_is_started_again_and_what_it_said_last_is_told() -> None:
    server, told = Server(), list[str]()

    async def work() -> int:
        server.kill()
        await until(lambda: server.starts == 1)
        return 7

    with capture_logs() as log:
        assert await while_kept_up(server, work(), report=told.append) == 7
    assert [(line["event"], line.get("said")) for line in log] == [
        ("neo4j_ended", "start 0 has ended"),
        ("neo4j_started_again", None),
    ]
    assert (server.starts, len(told)) == (1, 1)
    assert "process 1" in told[0]
    assert "start 0 has ended" in told[0]


async def test_what_ends_again_and_again_is_given_up_with_the_reason() -> None:
    server, told = Server(), list[str]()
    with pytest.raises(StartError, match="start 3 has ended"):
        await _kill_until_given_up(server, told)
    assert (server.starts, len(told)) == (3, 3)


async def test_what_ends_now_and_then_is_started_every_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keeping, "_WITHIN_SECONDS", 0.0)
    server, told = Server(), list[str]()

    async def work() -> None:
        while server.starts < 10:
            server.kill()
            await asyncio.sleep(0)

    await while_kept_up(server, work(), report=told.append)
    assert len(told) >= 10


async def test_what_does_not_start_again_ends_the_work_with_the_reason() -> None:
    server, told = Server(), list[str]()
    server.fails = PortTakenError(7687, "COUNCIL_BOLT_PORT")
    with pytest.raises(PortTakenError):
        await _kill_until_given_up(server, told)


async def test_what_signals_cancel_is_there_after_the_work_too() -> None:
    """They cancel the task that asked for them: the work asks, and the end of the server comes after it."""

    async def work() -> asyncio.Task[object] | None:
        return asyncio.current_task()

    assert await while_kept_up(Server(), work(), report=print) is asyncio.current_task()


async def test_the_error_of_the_work_is_its_own() -> None:
    async def work() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await while_kept_up(Server(), work(), report=print)
