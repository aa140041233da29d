"""Calls that are cancelled: their connections are closed for certain."""

from __future__ import annotations

import asyncio

from orchestrator.vllm.client import ModelClient
from tests.support.model_behaviour import Behaviour
from tests.support.model_calls import call, endpoint, seat
from tests.support.model_server import ModelServer
from tests.support.waiting import until


async def test_a_call_that_is_cancelled_again_while_it_closes_is_cut_all_the_same(
    client: ModelClient, server: ModelServer
) -> None:
    server.script(Behaviour(content="word " * 1000, pace=0.05))
    spoken: list[str] = []
    asking = asyncio.create_task(client.ask(call(seat(endpoint(server.url))), spoken.append))
    await until(lambda: bool(spoken))
    asking.cancel()
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.wait([asking])
    await until(lambda: server.in_flight == 0)
    assert [request.outcome for request in server.requests] == ["cut by client"]
