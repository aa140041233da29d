"""Asking a model over a real socket: what is sent, what is read, and which server is asked."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import pytest

from orchestrator.domain.deliberations import Priority, Usage
from orchestrator.domain.errors import ModelError, outline
from orchestrator.domain.health import EndpointHealth, EndpointStatus
from orchestrator.engine.ports import Answer
from orchestrator.vllm.client import ModelClient
from orchestrator.vllm.connections import Connections
from tests.integration.vllm.chunks import END, SAID
from tests.support.model_behaviour import Behaviour
from tests.support.model_calls import TURN, NoRehearsal, Seen, call, endpoint, in_flight, load, seat
from tests.support.model_server import ModelServer
from tests.support.waiting import until


def ignore(_: str) -> None:
    """Take no notice of a piece."""


async def test_an_answer_comes_with_its_reasoning_its_usage_and_its_pieces(
    client: ModelClient, server: ModelServer
):
    server.script(Behaviour(content="One two three.", reasoning="Hm.", pace=0.001))
    pieces: list[str] = []
    answer = await client.ask(call(seat(endpoint(server.url))), pieces.append)
    assert answer == Answer(
        content="One two three.",
        reasoning="Hm.",
        finish_reason="stop",
        usage=Usage(prompt_tokens=3, completion_tokens=5, calls=1),
    )
    assert "".join(pieces) == "One two three."
    assert len(pieces) > 1


async def test_what_is_sent_is_what_vllm_reads(client: ModelClient, server: ModelServer):
    schema = {"type": "object", "properties": {"ranking": {"enum": ["A > B", "B > A"]}}}
    asked = call(seat(endpoint(server.url), temperature=0.25), answer_schema=schema)
    await client.ask(asked, ignore)
    (request,) = server.requests
    assert request.body == {
        "model": "tiny",
        "messages": [
            {"role": "system", "content": "A task."},
            {"role": "user", "content": "Propose."},
        ],
        "max_tokens": 64,
        "temperature": 0.25,
        "stream": True,
        "stream_options": {"include_usage": True},
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": schema, "strict": True},
        },
    }
    assert request.id == TURN
    assert request.headers["authorization"] == "Bearer sk-default"
    assert request.headers["host"] == server.url.removeprefix("http://").removesuffix("/v1")


async def test_the_ballot_of_the_scriptable_server_follows_the_schema(
    client: ModelClient, server: ModelServer
):
    schema = {"properties": {"ranking": {"pattern": "^[A-E]( > [A-E]){4}$"}}}
    answer = await client.ask(call(seat(endpoint(server.url)), answer_schema=schema), ignore)
    assert sorted(json.loads(answer.content)["ranking"].split(" > ")) == list("ABCDE")


async def test_connections_are_kept_for_the_calls_that_follow(
    client: ModelClient, server: ModelServer
):
    for _ in range(5):
        await client.ask(call(seat(endpoint(server.url))), ignore)
    assert server.connections == 1


async def test_a_server_that_never_ends_its_stream_after_done_costs_its_connection_alone(
    client: ModelClient,
):
    done = b'data: {"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}\n\n'
    raw = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + done
    async with _Raw(raw + b"data: [DONE]\n\n") as url:
        answer = await client.ask(call(seat(endpoint(url))), ignore)
    assert answer.content == "x"


_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_FINISHED = _HEAD + b"%x\r\n%b\r\n" % (len(SAID + END), SAID + END)
"""An answer, of which [DONE] and the last chunk of HTTP are missing."""


async def test_an_answer_with_its_finish_reason_needs_no_done(client: ModelClient):
    async with _Raw(_FINISHED) as url:
        answer = await client.ask(call(seat(endpoint(url))), ignore)
    assert (answer.content, answer.finish_reason) == ("Half an answer", "stop")


async def test_an_answer_with_its_finish_reason_outlives_its_connection(
    client: ModelClient, server: ModelServer
):
    server.script(Behaviour(raw=_FINISHED))
    answer = await client.ask(call(seat(endpoint(server.url))), ignore)
    assert (answer.content, answer.finish_reason) == ("Half an answer", "stop")


async def test_no_more_calls_are_in_flight_than_the_limit_and_the_others_wait(
    client: ModelClient, connections: Connections, server: ModelServer
):
    server.script(Behaviour(latency=0.02))
    place = endpoint(server.url)
    async with asyncio.TaskGroup() as tasks:
        for number in range(12):
            tasks.create_task(client.ask(call(seat(place), turn=f"trn_{number}"), ignore))
        await until(lambda: in_flight(connections, place) == 4)
        assert load(connections, place) == 12
    assert server.most_in_flight == 4
    assert len(server.requests) == 12
    assert load(connections, place) == 0


async def test_cancelling_closes_the_connection_and_the_server_sees_it_at_once(
    client: ModelClient, connections: Connections, server: ModelServer
):
    server.script(Behaviour(hang_after=2))
    pieces: list[str] = []
    place = endpoint(server.url)
    asking = asyncio.create_task(client.ask(call(seat(place)), pieces.append))
    await until(lambda: bool(pieces))
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await until(lambda: server.requests[0].outcome is not None)
    assert server.requests[0].outcome == "cut by client"
    assert load(connections, place) == 0


async def test_cancelling_before_the_first_byte_closes_the_connection_too(
    client: ModelClient, server: ModelServer
):
    server.script(Behaviour(hang_after=-1))
    asking = asyncio.create_task(client.ask(call(seat(endpoint(server.url))), ignore))
    await until(lambda: bool(server.requests))
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await until(lambda: server.requests[0].outcome == "cut by client")


async def test_cancelling_while_waiting_for_room_sends_nothing(
    client: ModelClient, connections: Connections, server: ModelServer
):
    server.script(Behaviour(hang_after=-1))
    place = endpoint(server.url)
    asking = [
        asyncio.create_task(client.ask(call(seat(place), turn=f"trn_{n}"), ignore))
        for n in range(5)
    ]
    await until(lambda: load(connections, place) == 5)
    asking[4].cancel()
    await asyncio.wait([asking[4]])
    assert load(connections, place) == 4
    for one in asking:
        one.cancel()
    await asyncio.wait(asking)
    assert [request.id for request in server.requests] == ["trn_0", "trn_1", "trn_2", "trn_3"]


async def test_of_a_call_that_may_not_be_sent_once_there_is_a_connection_the_server_sees_no_byte(
    client: ModelClient,
):
    received: list[bytes] = []

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.read())
        writer.close()

    async with await asyncio.start_server(receive, "127.0.0.1", 0) as server:
        place = endpoint(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        asking = client.ask(call(seat(place)), ignore, may_send=lambda: bool(received))
        asked = asyncio.create_task(asking)
        await until(lambda: bool(received))
        asked.cancel()
        await asyncio.wait([asked])
    assert received[0] == b""


async def test_a_call_that_may_not_be_sent_is_begun_anew_until_it_may(
    client: ModelClient, server: ModelServer
):
    begun = 0
    looks = 0

    async def begin() -> None:
        nonlocal begun
        begun += 1

    def may_send() -> bool:
        nonlocal looks
        looks += 1
        return looks == 3

    await client.ask(call(seat(endpoint(server.url))), ignore, begin, may_send)
    assert (begun, looks, len(server.requests)) == (3, 3, 1)


async def test_a_normal_call_carries_no_priority(client: ModelClient, server: ModelServer):
    await client.ask(call(seat(endpoint(server.url))), ignore)
    assert "priority" not in server.requests[0].body


async def test_priorities_are_sent_where_the_server_takes_them(
    client: ModelClient, server: ModelServer
):
    server.priorities = True
    asked = seat(endpoint(server.url))
    await client.ask(call(asked, priority=Priority.HIGH), ignore)
    await client.ask(call(asked, priority=Priority.LOW), ignore)
    assert [request.body["priority"] for request in server.requests] == [-1, 1]


async def test_a_server_that_refuses_priorities_is_asked_without_and_never_with_one_again(
    client: ModelClient, server: ModelServer
):
    asked = seat(endpoint(server.url))
    for turn in ("trn_1", "trn_2"):
        answer = await client.ask(call(asked, turn=turn, priority=Priority.HIGH), ignore)
        assert answer.finish_reason == "stop"
    assert [(one.id, "priority" in one.body) for one in server.requests] == [
        ("trn_1", True),
        ("trn_1", False),
        ("trn_2", False),
    ]


async def test_a_name_with_the_word_is_no_refusal_of_priorities(
    client: ModelClient, server: ModelServer
):
    server.priorities = True
    server.script(Behaviour(status=400, body=b"the maximum context length is 8"), attempts=1)
    asked = seat(endpoint(server.url, "high-priority"))
    with pytest.raises(ModelError):
        await client.ask(call(asked, priority=Priority.HIGH), ignore)
    await client.ask(call(asked, priority=Priority.HIGH), ignore)
    assert [request.body.get("priority") for request in server.requests] == [-1, -1]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, b'{"error":{"message":"Unrecognized request argument supplied: priority"}}'),
        (422, b'{"detail":[{"loc":["body","priority"],"msg":"Extra inputs are not permitted"}]}'),
    ],
)
async def test_a_server_that_knows_no_priorities_is_asked_without_and_never_with_one_again(
    client: ModelClient, server: ModelServer, status: int, body: bytes
):
    server.priorities = True
    server.script(Behaviour(status=status, body=body), attempts=1)
    asked = seat(endpoint(server.url))
    for _ in range(2):
        await client.ask(call(asked, priority=Priority.HIGH), ignore)
    assert [request.body.get("priority") for request in server.requests] == [-1, None, None]


async def test_a_refusal_with_and_without_a_priority_is_not_one_of_priorities(
    client: ModelClient, server: ModelServer
):
    server.priorities = True
    server.script(Behaviour(status=400, body=b"no priority scheduling for you"), attempts=2)
    asked = seat(endpoint(server.url))
    with pytest.raises(ModelError):
        await client.ask(call(asked, priority=Priority.HIGH), ignore)
    await client.ask(call(asked, priority=Priority.HIGH), ignore)
    assert [request.body.get("priority") for request in server.requests] == [-1, None, -1]


SCHEMA = {"properties": {"ranking": {"enum": ["A"]}}}


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (
            400,
            b"Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.",
        ),
        (400, b"This model does not support response format `json_schema`."),
        # As FastAPI has it of itself, and llama-cpp-python.
        (
            422,
            b'{"detail":[{"loc":["body","response_format","type"],"msg":"Input should be \'text\'"}]}',
        ),
        (
            500,
            b"{'loc': ('body', 'response_format', 'type'), 'msg': \"Input should be 'text' or 'json_object'\"}",
        ),
    ],
)
async def test_a_model_that_is_refused_a_schema_is_asked_without_and_never_with_one_again(
    client: ModelClient, server: ModelServer, status: int, words: bytes
):
    server.models = ("tiny", "other")
    server.script(Behaviour(status=status, body=words), turn="trn_1", attempts=1)
    for turn, model in (("trn_1", "tiny"), ("trn_2", "tiny"), ("trn_3", "other")):
        asked = seat(endpoint(server.url), model=model)
        answer = await client.ask(call(asked, turn=turn, answer_schema=SCHEMA), ignore)
        assert answer.finish_reason == "stop"
    assert [(one.id, "response_format" in one.body) for one in server.requests] == [
        ("trn_1", True),
        ("trn_1", False),
        ("trn_2", False),
        ("trn_3", True),
    ]


async def test_a_server_that_takes_neither_priorities_nor_schemas_is_asked_without_both(
    client: ModelClient, server: ModelServer
):
    server.script(Behaviour(status=400, body=b"no response_format here"), attempts=2)
    asked = seat(endpoint(server.url))
    await client.ask(call(asked, priority=Priority.HIGH, answer_schema=SCHEMA), ignore)
    await client.ask(call(asked, priority=Priority.HIGH, answer_schema=SCHEMA), ignore)
    assert [
        sorted(one.body.keys() & {"priority", "response_format"}) for one in server.requests
    ] == [
        ["priority", "response_format"],
        ["response_format"],
        [],
        [],
    ]


async def test_a_refusal_with_and_without_a_schema_is_not_one_of_schemas(
    client: ModelClient, server: ModelServer
):
    server.script(Behaviour(status=400, body=b"response_format, and much else"), attempts=2)
    asked = seat(endpoint(server.url))
    with pytest.raises(ModelError):
        await client.ask(call(asked, answer_schema=SCHEMA), ignore)
    await client.ask(call(asked, answer_schema=SCHEMA), ignore)
    assert ["response_format" in one.body for one in server.requests] == [True, False, True]


async def test_the_endpoint_that_a_seat_is_bound_to_is_asked_and_no_other(
    client: ModelClient, server: ModelServer
):
    async with ModelServer() as other:
        bound = seat(endpoint(other.url), bound=endpoint(server.url, "gpu-1"))
        await client.ask(call(bound), ignore)
        assert (len(server.requests), len(other.requests)) == (1, 0)


UP = EndpointHealth(status=EndpointStatus.UP, served_models=("tiny",))
LACKING = EndpointHealth(status=EndpointStatus.UP, served_models=("other",))
DOWN = EndpointHealth(status=EndpointStatus.DOWN)
UNKNOWN = EndpointHealth()


@pytest.mark.parametrize(
    ("healths", "asked"),
    [
        ((DOWN, UNKNOWN), 1),
        ((DOWN, UP), 1),
        ((LACKING, UP), 1),
        ((LACKING, UNKNOWN), 1),
        ((LACKING, DOWN), 1),
        ((LACKING, LACKING), 0),
        ((DOWN, DOWN), 0),
        ((UNKNOWN, UP), 0),
    ],
)
async def test_of_several_endpoints_the_least_bad_one_is_asked(
    client: ModelClient,
    seen: Seen,
    server: ModelServer,
    healths: tuple[EndpointHealth, EndpointHealth],
    asked: int,
):
    async with ModelServer() as other:
        places = [endpoint(server.url, "one"), endpoint(other.url, "two")]
        seen.known = {place.id: health for place, health in zip(places, healths, strict=True)}
        await client.ask(call(seat(*places)), ignore)
        assert [len(server.requests), len(other.requests)].index(1) == asked


async def test_of_equally_good_endpoints_the_least_loaded_is_asked(
    client: ModelClient, server: ModelServer
):
    async with ModelServer() as other:
        server.script(Behaviour(latency=0.05))
        other.script(Behaviour(latency=0.05))
        asked = seat(endpoint(server.url, "one"), endpoint(other.url, "two"))
        async with asyncio.TaskGroup() as tasks:
            for number in range(6):
                tasks.create_task(client.ask(call(asked, turn=f"trn_{number}"), ignore))
        assert (len(server.requests), len(other.requests)) == (3, 3)


async def test_after_a_failure_the_next_call_goes_to_another_endpoint(
    client: ModelClient, server: ModelServer
):
    server.script(Behaviour(status=500))
    async with ModelServer() as other:
        asked = seat(endpoint(server.url, "one"), endpoint(other.url, "two"))
        with pytest.raises(ModelError, match="endpoint one answered 500"):
            await client.ask(call(asked), ignore)
        await client.ask(call(asked), ignore)
        assert (len(server.requests), len(other.requests)) == (1, 1)


async def test_a_model_without_an_endpoint_is_an_error_that_says_so(client: ModelClient):
    with pytest.raises(ModelError, match="no endpoint serves model tiny") as raised:
        await client.ask(call(seat()), ignore)
    assert not raised.value.retryable


async def test_an_endpoint_that_moved_is_asked_where_it_is_now(
    client: ModelClient, seen: Seen, server: ModelServer
):
    old = endpoint("http://127.0.0.1:1/v1")
    seen.moved[old.id] = endpoint(server.url)
    await client.ask(call(seat(old)), ignore)
    assert len(server.requests) == 1


async def test_a_moved_endpoint_leaves_the_calls_under_way_at_its_old_place(
    client: ModelClient, server: ModelServer
):
    server.script(Behaviour(latency=0.05))
    async with ModelServer() as other:
        before = asyncio.create_task(client.ask(call(seat(endpoint(server.url))), ignore))
        await until(lambda: bool(server.requests))
        await client.ask(call(seat(endpoint(other.url))), ignore)
        assert (await before).finish_reason == "stop"
    assert server.requests[0].outcome == "answered"


async def test_all_who_ask_while_an_endpoint_moves_have_the_same_line(
    connections: Connections, server: ModelServer
):
    line = await connections.line(endpoint(server.url))
    # An idle connection, which takes a while to be closed.
    await (await line.get(line.address.health)).aclose()
    moved = endpoint(f"{server.url}/v1")
    first, second = await asyncio.gather(connections.line(moved), connections.line(moved))
    assert first is second
    assert first is not line


async def test_an_endpoint_that_moves_to_where_none_may_be_has_no_line_any_more(
    connections: Connections, server: ModelServer
):
    place = endpoint(server.url)
    line = await connections.line(place)
    with pytest.raises(ModelError):
        await connections.line(endpoint("http://169.254.169.254"))
    assert await connections.line(place) is not line


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/"])
async def test_a_url_is_good_with_and_without_its_version(
    client: ModelClient, server: ModelServer, suffix: str
):
    await client.ask(call(seat(endpoint(server.url.removesuffix("/v1") + suffix))), ignore)
    assert len(server.requests) == 1


async def test_a_server_that_knows_no_streams_is_understood(client: ModelClient):
    body = json.dumps(
        {
            "choices": [{"index": 0, "message": {"content": "Whole."}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 1},
        }
    ).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    pieces: list[str] = []
    async with _Raw(head % len(body) + body) as url:
        answer = await client.ask(call(seat(endpoint(url))), pieces.append)
    assert answer.content == "Whole."
    assert answer.usage == Usage(prompt_tokens=3, completion_tokens=1, calls=1)
    assert pieces == ["Whole."]


async def test_the_key_of_the_variable_that_is_named_is_sent(
    client: ModelClient, server: ModelServer
):
    await client.ask(call(seat(endpoint(server.url, "gpu", "COUNCIL_KEY_GPU"))), ignore)
    await client.ask(call(seat(endpoint(server.url, "open"))), ignore)
    assert [one.headers.get("authorization") for one in server.requests] == ["Bearer sk-gpu", None]


@pytest.mark.parametrize(
    ("variable", "words"),
    [
        ("COUNCIL_KEY_OTHER", "COUNCIL_KEY_OTHER is not set"),
        ("COUNCIL_KEY_NO", "COUNCIL_KEY_NO is not set"),
        ("NEO4J_PASSWORD", "only variables that begin with COUNCIL_KEY_"),
        ("VLLM_API_KEY", "only variables that begin with COUNCIL_KEY_"),
    ],
)
async def test_a_key_that_cannot_be_sent_is_an_error_that_names_its_variable(
    client: ModelClient, server: ModelServer, variable: str, words: str
):
    with pytest.raises(ModelError, match=words) as raised:
        await client.ask(call(seat(endpoint(server.url, "gpu", variable))), ignore)
    assert variable in outline(raised.value.reason)
    assert not raised.value.retryable
    assert server.connections == 0


async def test_no_key_is_in_an_error_or_a_repr(
    client: ModelClient, connections: Connections, server: ModelServer
):
    server.script(Behaviour(status=401, body=b'{"error":{"message":"Incorrect API key: sk-gpu"}}'))
    place = endpoint(server.url, "gpu", "COUNCIL_KEY_GPU")
    with pytest.raises(ModelError) as raised:
        await client.ask(call(seat(place)), ignore)
    line = await connections.line(place)
    for shown in (str(raised.value), repr(raised.value), repr(line), repr(connections)):
        assert "sk-gpu" not in shown
    assert "Incorrect API key: ***" in raised.value.reason
    assert "check COUNCIL_KEY_GPU" in raised.value.reason


async def test_the_rehearsal_is_never_asked_because_a_real_server_failed(
    client: ModelClient, server: ModelServer
):
    server.script(Behaviour(status=503))
    for _ in range(3):  # NoRehearsal raises another error
        with pytest.raises(ModelError, match="503"):
            await client.ask(call(seat(endpoint(server.url))), ignore)


async def test_a_host_name_that_leads_to_a_metadata_address_is_refused_when_it_connects(
    connections: Connections, seen: Seen, monkeypatch: pytest.MonkeyPatch
):
    def look_up(*_: object, **_named: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 80))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    client = ModelClient(connections=connections, watch=seen, rehearsal=NoRehearsal())
    with pytest.raises(ModelError, match="link-local or a metadata") as raised:
        await client.ask(call(seat(endpoint("http://innocent.example/v1"))), ignore)
    assert not raised.value.retryable


async def test_the_text_of_a_url_is_judged_before_anything_is_sent(client: ModelClient):
    with pytest.raises(ModelError, match="link-local or metadata") as raised:
        await client.ask(call(seat(endpoint("http://169.254.169.254/v1"))), ignore)
    assert not raised.value.retryable


class _Raw:
    """A server that reads a request and sends the same bytes to everybody, then stays silent."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> str:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(self._data)
        await writer.drain()
        await reader.read()  # the rest of the request, and then that the client closed
        while await reader.read(1024):
            pass
        writer.close()
