"""The HTTP application and its WebSocket, message by message."""

from __future__ import annotations

import asyncio
import gc
import json
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import pytest
from starlette.types import Message, Scope
from strawberry.dataloader import DataLoader
from structlog.testing import capture_logs

from orchestrator.api.app import build_app
from orchestrator.api.body import MOST_BYTES
from orchestrator.domain.values import replace
from tests.support.samples import a_deliberation, play
from tests.unit.api.conftest import Api
from tests.unit.api.doubles import House


async def test_process_is_alive_while_the_service_is_not_ready(api: Api, house: House) -> None:
    house.state.waiting_for = "Neo4j"

    alive, ready = await api.client.get("/livez"), await api.client.get("/readyz")
    house.state.waiting_for = None
    later = await api.client.get("/readyz")

    assert (alive.status_code, ready.status_code, later.status_code) == (200, 503, 200)
    assert ready.json() == {"ready": False, "waitingFor": "Neo4j"}
    assert later.json() == {"ready": True, "waitingFor": None}


async def test_metadata_is_told_as_it_was_given_with_numbers_of_any_length(
    api: Api, house: House
) -> None:
    metadata = '{"n":123456789012345678901234567890,"s":"né\\u2028"}'
    kept = a_deliberation()
    house.archive.keep(replace(kept, task=replace(kept.task, metadata=metadata)))

    answer = await post(api, '{ deliberation(id: "dlb_1") { task { metadata } } }', "*/*")

    assert answer.json()["data"]["deliberation"]["task"]["metadata"] == json.loads(metadata)


async def test_what_was_read_for_an_answer_goes_with_it_before_any_garbage_is_looked_for(
    api: Api, house: House
) -> None:
    house.archive.keep(*play(a_deliberation()))
    asked = """{
      councils { edges { node { role { name } seats { agent { name } } deliberations { totalCount } } } }
      deliberation(id: "dlb_1") { task { id } turns { edges { node { seat { agent { name } } } } } }
    }"""
    gc.collect()
    there = {id(one) for one in _of_answers()}
    gc.disable()
    try:
        await api.ask(asked)
        # What has been answered is let go of by the loop with its next turn.
        await asyncio.sleep(0)
        left = Counter(type(one).__qualname__ for one in _of_answers() if id(one) not in there)
    finally:
        gc.enable()

    assert left == {}


def _of_answers() -> list[object]:
    return [one for one in gc.get_objects() if _is_of_an_answer(one)]


def _is_of_an_answer(one: object) -> bool:
    """Whether it is shown in an answer, or is what reads for one."""
    return str(type(one).__module__).startswith("orchestrator.api.types.") or isinstance(
        one, DataLoader
    )


GRAPHQL_RESPONSE = "application/graphql-response+json"
RETIRE = 'mutation { retireAgent(input: {id: "agt_dev1"}) { errors { code } } }'


async def post(api: Api, query: str, accept: str) -> httpx.Response:
    return await api.client.post("/graphql", json={"query": query}, headers={"accept": accept})


async def test_mutation_that_must_wait_is_answered_with_503_where_graphql_may_say_so(
    api: Api, house: House
) -> None:
    house.state.waiting_for = "its end"

    told = await post(api, RETIRE, f"{GRAPHQL_RESPONSE}, application/json;q=0.9")
    quiet = await post(api, RETIRE, "application/json")

    assert (told.status_code, quiet.status_code) == (503, 200)
    assert told.headers["retry-after"] == "1"
    assert told.headers["content-type"] == GRAPHQL_RESPONSE
    assert quiet.headers["content-type"] == "application/json"
    assert "retry-after" not in quiet.headers
    for answer in (told, quiet):
        [error] = answer.json()["errors"]
        assert error["message"] == "the service is not ready; it waits for its end"
        assert (error["extensions"]["code"], error["extensions"]["retryAfter"]) == (
            "UNAVAILABLE",
            1,
        )
    assert house.registry.calls == []


async def test_reads_go_on_while_the_service_ends(api: Api, house: House) -> None:
    house.state.waiting_for, house.state.ending = "its end", True

    answer = await post(api, "{ service { ready waitingFor } }", GRAPHQL_RESPONSE)

    assert answer.status_code == 200
    assert answer.json()["data"]["service"] == {"ready": False, "waitingFor": "its end"}


@pytest.mark.parametrize("ending", [True, False])
async def test_connections_are_closed_after_their_answer_once_the_service_ends(
    api: Api, house: House, *, ending: bool
) -> None:
    house.state.ending = ending

    for answer in (
        await post(api, "{ service { ready } }", "application/json"),
        await api.client.get("/livez"),
        await api.client.get("/nowhere"),
    ):
        assert ("close" in answer.headers.get("connection", "")) is ending


@pytest.mark.parametrize(
    ("query", "accept"),
    [
        ("{ service { version } }", "application/json"),
        ("{ service { version } }", GRAPHQL_RESPONSE),
        ("{", "application/json"),
        ("", "application/json"),
    ],
)
async def test_no_cache_keeps_the_answer_to_a_get(api: Api, query: str, accept: str) -> None:
    answer = await api.client.get("/graphql", params={"query": query}, headers={"accept": accept})

    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("{ service { version } }", 200),
        ("{ service { nothing } }", 400),
        ("{", 400),
        ('{ deliberation(id: "dlb_1") { id } }', 200),
    ],
)
async def test_status_says_what_became_of_an_operation_to_who_knows_that_it_is_graphqls(
    api: Api, query: str, status: int
) -> None:
    assert (await post(api, query, GRAPHQL_RESPONSE)).status_code == status
    assert (await post(api, query, "*/*")).status_code == 200


async def test_query_can_be_sent_by_get_and_a_mutation_cannot(api: Api, house: House) -> None:
    query = await api.client.get("/graphql", params={"query": "{ service { version } }"})
    mutation = await api.client.get(
        "/graphql",
        params={"query": 'mutation { retireAgent(input: {id: "agt_dev1"}) { errors { code } } }'},
    )

    assert query.json()["data"] == {"service": {"version": "1.2.3"}}
    assert mutation.status_code == 400
    [error] = mutation.json()["errors"]
    assert error["extensions"]["code"] == "INVALID_INPUT"
    assert error["message"] == "a mutation must be sent with POST"
    assert house.registry.calls == []


async def test_browser_is_shown_graphiql(api: Api) -> None:
    response = await api.client.get("/graphql", headers={"accept": "text/html"})

    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    assert "graphiql" in response.text.lower()


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\xfe\xfd",
        b"[" * 100_000,
        b'{"query": "{ service { version } }", "variables": {"x": NaN}}',
        b'{"query": "{ a }", "variables": {"x": ' + b"9" * 10_000 + b"}}",
        b'{"query": 1}',
        b'{"query": "{ service { version } }", "variables": []}',
        b"{}",
        b"null",
        b"1",
        b'[{"query": "{ service { version } }"}]',
    ],
)
async def test_body_that_is_no_request_is_refused_as_json(api: Api, body: bytes) -> None:
    response = await api.client.post(
        "/graphql", content=body, headers={"content-type": "application/json"}
    )

    assert response.status_code == 400
    [error] = response.json()["errors"]
    assert error["extensions"]["code"] == "INVALID_INPUT"
    assert error["extensions"]["correlationId"]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_subscription_without_a_websocket_is_told_where_it_belongs(
    api: Api, house: House, method: str
) -> None:
    house.archive.keep(*play(a_deliberation()))
    document = {"query": 'subscription { deliberationEvents(id: "dlb_1") { sequence } }'}
    response = await (
        api.client.get("/graphql", params=document)
        if method == "GET"
        else api.client.post("/graphql", json=document)
    )

    assert response.status_code == 400
    [error] = response.json()["errors"]
    assert error["extensions"]["code"] == "INVALID_INPUT"
    assert "graphql-transport-ws" in error["message"]
    assert house.archive.calls == []


async def test_long_answer_is_compressed_for_those_who_take_it(api: Api) -> None:
    long, short = "{ __schema { types { name } } }", "{ service { version } }"
    answers = [
        await api.client.post("/graphql", json={"query": query}, headers={"accept-encoding": taken})
        for query, taken in ((long, "gzip"), (long, "identity"), (short, "gzip"))
    ]

    assert [answer.headers.get("content-encoding") for answer in answers] == ["gzip", None, None]
    assert answers[0].json() == answers[1].json()


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_other_methods_are_refused(api: Api, method: str) -> None:
    response = await api.client.request(method, "/graphql")

    assert response.status_code == 405
    assert response.json()["errors"]


@pytest.mark.parametrize("path", ["/elsewhere", "/", "/graphql/", "/graphiql/none.js"])
async def test_unknown_path_is_not_found_as_json_that_names_the_right_one(
    api: Api, path: str
) -> None:
    response = await api.client.post(path) if path == "/graphql/" else await api.client.get(path)

    assert response.status_code == 404
    [error] = response.json()["errors"]
    assert error["extensions"]["code"] == "NOT_FOUND"
    assert (
        error["message"]
        == "there is nothing at this path: the API is at /graphql, and so is GraphiQL for browsers"
    )


async def test_list_of_requests_is_told_that_one_request_holds_one_operation(api: Api) -> None:
    response = await api.client.post("/graphql", json=[{"query": "{ service { version } }"}])

    assert response.status_code == 400
    [error] = response.json()["errors"]
    assert error["message"] == "a request must be a JSON object, which holds one operation"
    assert error["extensions"]["code"] == "INVALID_INPUT"


@pytest.mark.parametrize("said", [True, False])
async def test_body_that_is_too_long_is_refused(api: Api, *, said: bool) -> None:
    async def pieces() -> AsyncGenerator[bytes]:
        for _ in range(5):
            yield b" " * (MOST_BYTES // 4)

    response = await api.client.post(
        "/graphql",
        content=b" " * (MOST_BYTES + 1) if said else pieces(),
        headers={"content-type": "application/json"},
    )

    assert response.status_code == 413
    assert response.json()["errors"][0]["extensions"]["code"] == "LIMIT"


async def test_fault_of_the_app_is_answered_as_json_and_still_raised(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_shown: str | None) -> Any:
        raise RuntimeError("secret")

    monkeypatch.setattr(house.doorkeeper, "admit", broken)
    app = build_app(house.ports())
    quiet = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=quiet, base_url="http://localhost") as client:
        with capture_logs() as logs:
            response = await client.post("/graphql", json={"query": "{ service { version } }"})
    loud = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=loud, base_url="http://localhost") as client:
        with pytest.raises(RuntimeError):
            await client.post("/graphql", json={"query": "{ service { version } }"})

    assert response.status_code == 500
    assert "secret" not in response.text
    extensions = response.json()["errors"][0]["extensions"]
    assert extensions["code"] == "INTERNAL"
    assert logs == [
        {
            "event": "request_failed",
            "log_level": "error",
            "path": "/graphql",
            "error": "RuntimeError",
            "correlation_id": extensions["correlationId"],
        }
    ]


class Socket:
    """A WebSocket to the app, as the client's end of it."""

    def __init__(self, house: House, *, origin: str | None = None) -> None:
        self.sent: asyncio.Queue[Message] = asyncio.Queue()
        self._got: asyncio.Queue[Message] = asyncio.Queue()
        headers = [(b"host", b"localhost")]
        if origin is not None:
            headers.append((b"origin", origin.encode()))
        scope: Scope = {
            "type": "websocket",
            "path": "/graphql",
            "headers": headers,
            "query_string": b"",
            "subprotocols": ["graphql-transport-ws"],
        }
        self.task = asyncio.create_task(
            build_app(house.ports())(scope, self.sent.get, self._got.put)
        )

    async def receive(self) -> Any:
        """The next message: as JSON, or the close frame as its code and reason."""
        async with asyncio.timeout(40):
            message = await self._got.get()
        if message["type"] == "websocket.send":
            return json.loads(message["text"])
        if message["type"] == "websocket.close":
            return message["code"], message.get("reason")
        return message["type"]

    def send(self, message: object) -> None:
        text = message if isinstance(message, str) else json.dumps(message)
        self.sent.put_nowait({"type": "websocket.receive", "text": text})

    def subscribe(self, id: str, query: str) -> None:
        self.send({"type": "subscribe", "id": id, "payload": {"query": query}})

    def hang_up(self) -> None:
        self.sent.put_nowait({"type": "websocket.disconnect", "code": 1001})


@asynccontextmanager
async def connected(house: House, *, origin: str | None = None) -> AsyncGenerator[Socket]:
    socket = Socket(house, origin=origin)
    socket.sent.put_nowait({"type": "websocket.connect"})
    try:
        yield socket
    finally:
        socket.hang_up()
        async with asyncio.timeout(5):
            with suppress(asyncio.CancelledError):
                await socket.task


@asynccontextmanager
async def greeted(house: House) -> AsyncGenerator[Socket]:
    async with connected(house) as socket:
        assert await socket.receive() == "websocket.accept"
        socket.send({"type": "connection_init"})
        assert await socket.receive() == {"type": "connection_ack"}
        yield socket


async def test_subscription_ends_with_the_deliberation(house: House) -> None:
    house.archive.keep(*play(a_deliberation()))
    async with greeted(house) as socket:
        socket.subscribe(
            "1", 'subscription { deliberationEvents(id: "dlb_1", after: 12) { __typename } }'
        )
        messages = [await socket.receive() for _ in range(3)]

    assert [message["type"] for message in messages] == ["next", "next", "complete"]
    assert messages[1]["payload"] == {
        "data": {"deliberationEvents": {"__typename": "DeliberationEnded"}}
    }


async def test_unknown_deliberation_is_an_error_message(house: House) -> None:
    async with greeted(house) as socket:
        socket.subscribe("1", 'subscription { deliberationEvents(id: "dlb_x") { sequence } }')
        message = await socket.receive()

    assert (message["type"], message["id"]) == ("error", "1")
    assert message["payload"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_operations_of_one_connection_read_anew(house: House) -> None:
    house.archive.keep(a_deliberation())
    query = 'query { deliberation(id: "dlb_1") { status } }'
    statuses: list[str] = []
    async with greeted(house) as socket:
        for number in range(2):
            socket.subscribe(str(number), query)
            statuses.append((await socket.receive())["payload"]["data"]["deliberation"]["status"])
            assert (await socket.receive())["type"] == "complete"
            house.archive.keep(*play(a_deliberation()))

    assert statuses == ["RUNNING", "DECIDED"]


async def test_subscription_can_be_left(house: House) -> None:
    house.archive.keep(*play(a_deliberation(), turns=1))
    async with greeted(house) as socket:
        socket.subscribe(
            "1", 'subscription { deliberationEvents(id: "dlb_1", after: 3) { sequence } }'
        )
        socket.send({"type": "complete", "id": "1"})
        socket.send({"type": "ping"})

        assert await socket.receive() == {"type": "pong"}


async def test_document_that_cannot_be_parsed_leaves_the_connection_open(house: House) -> None:
    async with greeted(house) as socket:
        socket.subscribe("1", "query {")
        message = await socket.receive()
        socket.send({"type": "ping"})
        assert await socket.receive() == {"type": "pong"}

    assert message["type"] == "error"
    assert message["payload"][0]["extensions"]["code"] == "INVALID_INPUT"


async def test_document_of_several_operations_over_a_websocket_says_which_is_meant(
    house: House,
) -> None:
    async with greeted(house) as socket:
        socket.subscribe("1", "query A { service { version } } query B { service { ready } }")
        message = await socket.receive()

    assert message["type"] == "error"
    assert "A, B" in message["payload"][0]["message"]


@pytest.mark.parametrize("name", ["X", "\ud800"])
async def test_operation_that_is_not_in_its_document_is_its_callers_mistake_over_a_websocket_too(
    house: House, name: str
) -> None:
    payload = {"query": "{ service { version } }", "operationName": name}
    async with greeted(house) as socket:
        socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))
        message = await socket.receive()

    assert message["payload"][0]["extensions"]["code"] == "INVALID_INPUT"


@pytest.mark.parametrize(
    "message",
    [
        "[]",
        "1",
        "{",
        '{"type": "subscribe", "id": "1", "payload": []}',
        '{"type": "subscribe", "id": "1", "payload": {"query": 1}}',
        '{"type": "subscribe", "id": [], "payload": {"query": "{ a }"}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "variables": 1}}',
        '{"type": "complete", "id": {}}',
        '{"type": "hello"}',
        "{}",
    ],
)
async def test_message_that_is_none_closes_the_connection_with_a_reason(
    house: House, message: str
) -> None:
    async with greeted(house) as socket:
        socket.send(message)
        code, reason = await socket.receive()

    assert code == 4400
    assert reason


async def test_null_in_a_message_is_taken_for_what_was_not_sent(house: House) -> None:
    async with connected(house) as socket:
        assert await socket.receive() == "websocket.accept"
        socket.send({"type": "connection_init", "id": None, "payload": None})
        assert await socket.receive() == {"type": "connection_ack"}
        socket.send({"type": "ping", "id": None, "payload": None})
        assert await socket.receive() == {"type": "pong"}


async def test_reason_of_a_close_frame_fits_into_it(house: House) -> None:
    async with greeted(house) as socket:
        socket.send({"type": "é" * 200})
        code, reason = await socket.receive()

    assert code == 4400
    assert reason.startswith("Unknown message type")
    assert len(reason.encode()) <= 123


async def test_page_on_another_site_cannot_open_a_connection(house: House) -> None:
    async with connected(house, origin="https://evil.example") as socket:
        answer = await socket.receive()

    assert answer == "websocket.http.response.start"
