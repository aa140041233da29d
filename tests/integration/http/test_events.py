"""Server-sent events: subscriptions for those who cannot have a WebSocket, over a real socket."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from orchestrator.api.streams import Streams
from tests.integration.http.serving import served
from tests.support.samples import a_deliberation, play
from tests.unit.api.doubles import House

EVENTS = {"accept": "text/event-stream"}
FOLLOW = 'subscription { deliberationEvents(id: "dlb_1", after: 12) { __typename sequence } }'


async def read(response: httpx.Response) -> AsyncIterator[tuple[str, Any]]:
    """Yield each event's name and what it says."""
    name = ""
    async for line in response.aiter_lines():
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data" or line == "data:":
            yield name, json.loads(value) if value else None


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_subscription_is_told_as_events_and_completed(house: House, method: str) -> None:
    house.archive.keep(*play(a_deliberation()))
    async with served(house) as url, httpx.AsyncClient(headers=EVENTS) as client:
        how = {"params" if method == "GET" else "json": {"query": FOLLOW}}
        async with client.stream(
            method, url, params=how.get("params"), json=how.get("json")
        ) as response:
            told = [event async for event in read(response)]

    assert response.headers["content-type"].startswith("text/event-stream")
    assert [name for name, _ in told] == ["next", "next", "complete"]
    assert told[1][1]["data"]["deliberationEvents"]["__typename"] == "DeliberationEnded"


async def test_query_is_answered_as_one_event_of_a_stream_that_begins_at_once(house: House) -> None:
    async with served(house) as url, httpx.AsyncClient(headers=EVENTS) as client:
        response = await client.post(url, json={"query": "{ service { version } }"})

    assert [line for line in response.text.split("\n") if line] == [
        # For who waits for the first bytes of a stream, whatever they say.
        ": ping",
        "event: next",
        'data: {"data":{"service":{"version":"1.2.3"}},"extensions":{"cost":{"requested":2,"limit":100000}}}',
        "event: complete",
        "data: ",
    ]


async def test_refused_subscription_is_told_with_its_code(house: House) -> None:
    query = 'subscription { deliberationEvents(id: "dlb_x") { sequence } }'
    async with (
        served(house) as url,
        httpx.AsyncClient(headers=EVENTS) as client,
        client.stream("POST", url, json={"query": query}) as response,
    ):
        told = [event async for event in read(response)]

    [error] = told[0][1]["errors"]
    assert error["extensions"]["code"] == "NOT_FOUND"
    assert [name for name, _ in told] == ["next", "complete"]


async def test_mutation_is_not_sent_with_get_as_events_either(house: House) -> None:
    query = 'mutation { retireAgent(input: {id: "agt_dev1"}) { errors { code } } }'
    async with served(house) as url, httpx.AsyncClient(headers=EVENTS) as client:
        response = await client.get(url, params={"query": query})

    assert '"message":"a mutation must be sent with POST"' in response.text
    assert '"code":"INVALID_INPUT"' in response.text
    assert house.registry.calls == []


UNFIT = [
    {"query": ""},
    {},
    {"query": "fragment F on Query { __typename }"},
    {"query": "{ __typename }", "operationName": "X"},
    {"query": "{ __typename }", "operationName": "\ud800"},
    {"query": 'subscription { deliberationEvents(id: "dlb_1", after: -1) { sequence } }'},
]


@pytest.mark.parametrize("accept", ["text/event-stream", "application/json"])
@pytest.mark.parametrize("body", UNFIT, ids=str)
async def test_request_without_an_operation_that_can_be_carried_out_is_its_callers_mistake(
    house: House, body: dict[str, str], accept: str
) -> None:
    house.archive.keep(*play(a_deliberation()))
    with capture_logs() as log:
        async with served(house) as url, httpx.AsyncClient(headers={"accept": accept}) as client:
            response = await client.post(
                url, content=json.dumps(body), headers={"content-type": "application/json"}
            )

    assert '"code":"INVALID_INPUT"' in response.text
    assert [line for line in log if line["event"] == "operation_failed"] == []


async def test_end_of_the_process_breaks_events_off_at_once_and_incomplete(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.archive.keep(a_deliberation())
    query = 'subscription { deliberationEvents(id: "dlb_1") { sequence } }'
    told: list[str] = []
    begun = asyncio.Event()

    async def follow(url: str) -> None:
        async with (
            httpx.AsyncClient(headers=EVENTS, timeout=60) as client,
            client.stream("GET", url, params={"query": query}) as response,
        ):
            begun.set()
            told.extend([name async for name, _ in read(response)])

    async with served(house) as url:
        following = asyncio.create_task(follow(url))
        await begun.wait()

    async with asyncio.timeout(5):
        await following
    assert "complete" not in told
    # What uvicorn says where it has lost its patience.
    assert "graceful" not in caplog.text


async def test_closed_stream_lets_go_of_what_it_reads() -> None:
    streams = Streams()
    ended = asyncio.Event()

    async def pieces() -> AsyncIterator[str]:
        try:
            yield "first"
            await asyncio.sleep(3600)
        finally:
            ended.set()

    told: list[str] = []
    async for piece in streams.until_closed(pieces(), asyncio.Event().wait):
        told.append(piece)
        streams.close()

    assert told == ["first"]
    assert ended.is_set()


async def test_stream_that_is_left_as_it_ends_is_no_fault() -> None:
    forgotten: list[str] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: forgotten.append(context["message"])
    )

    async def pieces() -> AsyncIterator[str]:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)
        for piece in ():
            yield piece

    async def follow() -> None:
        async for _ in Streams().until_closed(pieces(), asyncio.Event().wait):
            pass

    following = asyncio.create_task(follow())
    await asyncio.sleep(0.01)
    following.cancel()
    await asyncio.wait([following])
    del following
    gc.collect()

    assert forgotten == []
