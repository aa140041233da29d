"""A query that waits, over a real socket: whoever hangs up ends it, and the end of the process, too."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from orchestrator.engine.following import Board
from tests.integration.http.serving import served
from tests.support.samples import a_deliberation
from tests.support.waiting import until
from tests.unit.api.doubles import House

WAIT = '{ deliberation(id: "dlb_1", wait: 60) { status } }'


@pytest.fixture
def board(house: House) -> Board:
    board = Board()
    house.office.follow = board.follow
    house.archive.keep(a_deliberation())
    return board


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_caller_who_hangs_up_ends_the_waiting(
    house: House, board: Board, method: str
) -> None:
    async with served(house) as url:
        async with httpx.AsyncClient(timeout=60) as client:
            asked = asyncio.create_task(
                client.get(url, params={"query": WAIT})
                if method == "GET"
                else client.post(url, json={"query": WAIT})
            )
            await until(lambda: bool(board.all_followed()))
            asked.cancel()
            await asyncio.wait([asked])
        await until(lambda: not board.all_followed())


async def test_end_of_the_process_ends_the_waiting_with_an_answer(
    house: House, board: Board, caplog: pytest.LogCaptureFixture
) -> None:
    async with httpx.AsyncClient(timeout=60) as client:
        async with served(house) as url:
            asked = asyncio.create_task(client.post(url, json={"query": WAIT}))
            await until(lambda: bool(board.all_followed()))
            house.state.told_to_end.set()
        answer = await asked

    assert answer.json()["data"] == {"deliberation": {"status": "RUNNING"}}
    # What uvicorn says where it has lost its patience.
    assert "graceful" not in caplog.text
