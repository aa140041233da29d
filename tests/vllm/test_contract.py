"""What the client and the engine take for granted of vLLM, asked of a real one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import httpx
import pytest

from orchestrator.domain.councils import Endpoint, Seat
from orchestrator.domain.deliberations import Priority
from orchestrator.domain.errors import ModelError
from orchestrator.engine import prompting
from orchestrator.engine.ports import Answer, Call, Message
from orchestrator.vllm.client import ModelClient, models_served
from orchestrator.vllm.connections import Connections
from orchestrator.vllm.metrics import queue_of
from tests.support.model_calls import NoRehearsal, Seen, endpoint, seat
from tests.support.waiting import eventually
from tests.vllm.conftest import VllmServer

# The first test waits for the server.
pytestmark = [pytest.mark.vllm, pytest.mark.timeout(600)]

LONG_TASK = "Propose a retry policy for the webhook handler. " * 40


@pytest.fixture
async def http(vllm_server: VllmServer) -> AsyncGenerator[httpx.AsyncClient]:
    """A bare client, to see what the server sends."""
    async with httpx.AsyncClient(
        base_url=f"{vllm_server.root}/v1",
        headers={"Authorization": f"Bearer {vllm_server.key}"},
        timeout=60,
    ) as client:
        yield client


@pytest.fixture
async def connections(vllm_server: VllmServer) -> AsyncGenerator[Connections]:
    async with Connections(environment=vllm_server.environment, calls_per_endpoint=16) as opened:
        yield opened


@pytest.fixture
def models(connections: Connections) -> ModelClient:
    return ModelClient(connections=connections, watch=Seen(), rehearsal=NoRehearsal())


@pytest.fixture
def served(vllm_server: VllmServer) -> Endpoint:
    return endpoint(vllm_server.environment["VLLM_URL"])


def call(
    asked: Seat,
    text: str = "Propose.",
    *,
    turn: str = "trn_0198-p0-s1",
    max_tokens: int = 24,
    priority: Priority = Priority.NORMAL,
    answer_schema: Mapping[str, Any] | None = None,
) -> Call:
    return Call(
        turn=turn,
        epoch=1,
        seat=asked,
        messages=(
            Message(role="system", content=LONG_TASK),
            Message(role="user", content=text),
        ),
        max_tokens=max_tokens,
        priority=priority,
        answer_schema=answer_schema,
    )


def body(**changed: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": "Propose."}]
    return {"model": "tiny", "messages": messages, "max_tokens": 8, **changed}


async def ask(models: ModelClient, asked: Call) -> tuple[Answer, str]:
    told: list[str] = []
    answer = await models.ask(asked, told.append)
    return answer, "".join(told)


def ignored(_: str) -> None:
    """Pieces of an answer that nobody looks at."""


# ---------------------------------------------------------------- answers


async def test_an_answer_comes_in_pieces_with_the_servers_own_count_of_tokens(
    models: ModelClient, served: Endpoint
) -> None:
    answer, told = await ask(models, call(seat(served)))
    assert answer.content == told
    assert answer.content
    assert answer.finish_reason == "length"
    assert answer.usage.completion_tokens == 24
    assert answer.usage.prompt_tokens > 100
    assert answer.usage.calls == 1


async def test_what_prompts_share_is_served_from_the_prefix_cache(
    models: ModelClient, served: Endpoint
) -> None:
    await ask(models, call(seat(served), "You look for what is simple."))
    answer, _ = await ask(models, call(seat(served), "You look for what breaks."))
    assert 100 < answer.usage.cached_prompt_tokens < answer.usage.prompt_tokens


@pytest.mark.parametrize("priority", list(Priority))
async def test_a_call_of_any_priority_is_answered(
    models: ModelClient, connections: Connections, served: Endpoint, priority: Priority
) -> None:
    answer, _ = await ask(models, call(seat(served), priority=priority))
    assert answer.content
    assert (await connections.line(served)).takes_priorities


async def test_the_completion_is_named_after_the_turn(http: httpx.AsyncClient) -> None:
    headers = {"X-Request-Id": "trn_0198-c1-s2-t3"}
    response = await http.post("/chat/completions", json=body(), headers=headers)
    assert response.json()["id"] == "chatcmpl-trn_0198-c1-s2-t3"


async def test_a_whole_answer_has_the_shape_that_is_read(http: httpx.AsyncClient) -> None:
    told = (await http.post("/chat/completions", json=body())).json()
    (choice,) = told["choices"]
    assert choice["finish_reason"] == "length"
    assert choice["message"]["role"] == "assistant"
    assert choice["message"]["content"]
    assert told["usage"]["completion_tokens"] == 8
    assert isinstance(told["usage"]["prompt_tokens_details"]["cached_tokens"], int)


async def test_a_stream_is_a_role_pieces_a_reason_the_usage_and_an_end(
    http: httpx.AsyncClient,
) -> None:
    options = {"stream": True, "stream_options": {"include_usage": True}}
    response = await http.post("/chat/completions", json=body(**options))
    assert response.headers["content-type"].startswith("text/event-stream")
    events = [event.removeprefix("data: ") for event in response.text.strip().split("\n\n")]
    assert events[-1] == "[DONE]"
    chunks = [json.loads(event) for event in events[:-1]]
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert chunks[-2]["choices"][0]["finish_reason"] == "length"
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["completion_tokens"] == 8


async def test_its_metrics_tell_what_runs_and_what_waits(vllm_server: VllmServer) -> None:
    async with httpx.AsyncClient(base_url=vllm_server.root, timeout=60) as bare:
        told = (await bare.get("/metrics")).text
    queue = queue_of(told)
    assert queue is not None
    assert queue.running >= 0
    assert queue.waiting == 0


async def test_it_lists_the_models_that_it_serves(
    connections: Connections, served: Endpoint
) -> None:
    assert await models_served(await connections.line(served)) == ("tiny",)


# ---------------------------------------------------------------- ballots


@pytest.mark.parametrize("choices", [1, 2, 3, 4])
async def test_a_ballot_bound_to_its_schema_is_valid_whatever_the_weights_say(
    models: ModelClient, served: Endpoint, choices: int
) -> None:
    letters = {letter: f"trn_{letter}" for letter in "ABCD"[:choices]}
    schema = prompting.ballot_schema(tuple(letters))

    async def vote(number: int) -> tuple[str, ...]:
        asked = call(
            seat(served),
            f"Rank them ({number}).",
            turn=f"trn_0198-b1-s{number}",
            max_tokens=prompting.BALLOT_TOKENS,
            answer_schema=schema,
        )
        answer, _ = await ask(models, asked)
        assert answer.finish_reason == "stop", answer
        return prompting.choices_of(answer.content, letters)

    ballots = await asyncio.gather(*(vote(number) for number in range(12)))
    assert {frozenset(ballot) for ballot in ballots} == {frozenset(letters.values())}


async def test_a_ballot_of_more_choices_looks_like_an_order(
    models: ModelClient, served: Endpoint
) -> None:
    schema = prompting.ballot_schema(tuple("ABCDEF"))
    asked = call(seat(served), max_tokens=prompting.BALLOT_TOKENS, answer_schema=schema)
    answer, _ = await ask(models, asked)
    ranking = json.loads(answer.content, strict=False)["ranking"].split(" > ")
    assert len(ranking) == 6
    assert set(ranking) <= set("ABCDEF")


async def test_a_ballot_that_is_cut_short_says_so(models: ModelClient, served: Endpoint) -> None:
    schema = prompting.ballot_schema(("A", "B"))
    answer, _ = await ask(models, call(seat(served), max_tokens=4, answer_schema=schema))
    assert answer.finish_reason == "length"
    with pytest.raises(ValueError, match="not JSON"):
        prompting.choices_of(answer.content, {"A": "trn_a", "B": "trn_b"})


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("changed", "status", "kind", "words"),
    [
        ({"model": "nope"}, 404, "NotFoundError", "`nope` does not exist"),
        ({"max_tokens": 99_999}, 400, "BadRequestError", "max_tokens"),
        ({"max_tokens": -1}, 400, "BadRequestError", "max_tokens"),
        (
            {"messages": [{"role": "user", "content": "x " * 20_000}]},
            400,
            "BadRequestError",
            "maximum context length is 16384",
        ),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "a", "schema": {"type": "nonsense"}},
                }
            },
            400,
            "BadRequestError",
            "schema",
        ),
    ],
    ids=["unknown-model", "too-many-tokens", "no-tokens", "prompt-too-long", "bad-schema"],
)
async def test_a_refused_request_says_why_in_an_error_with_a_code(
    http: httpx.AsyncClient, changed: Mapping[str, Any], status: int, kind: str, words: str
) -> None:
    response = await http.post("/chat/completions", json=body(**changed))
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["type"]) == (status, status, kind)
    assert words in error["message"]


async def test_a_wrong_key_or_a_wrong_path_is_told_in_other_shapes(
    http: httpx.AsyncClient,
) -> None:
    refused = await http.post(
        "/chat/completions", json=body(), headers={"Authorization": "Bearer wrong"}
    )
    assert (refused.status_code, refused.json()) == (401, {"error": "Unauthorized"})
    nowhere = await http.post("/nowhere", json={})
    assert (nowhere.status_code, nowhere.json()) == (404, {"detail": "Not Found"})


async def test_a_model_that_is_not_served_is_refused_with_those_that_are(
    models: ModelClient, served: Endpoint
) -> None:
    with pytest.raises(ModelError, match="it serves tiny") as caught:
        await models.ask(call(seat(served, model="nope")), ignored)
    assert not caught.value.retryable


async def test_a_wrong_key_is_refused_with_the_variable_to_look_at(
    vllm_server: VllmServer, served: Endpoint
) -> None:
    wrong = {**vllm_server.environment, "VLLM_API_KEY": "wrong"}
    async with Connections(environment=wrong, calls_per_endpoint=1) as connections:
        models = ModelClient(connections=connections, watch=Seen(), rehearsal=NoRehearsal())
        with pytest.raises(ModelError, match="check VLLM_API_KEY") as caught:
            await models.ask(call(seat(served)), ignored)
    assert not caught.value.retryable


# ---------------------------------------------------------------- the end of a call


async def test_a_call_that_is_given_up_stops_the_generation(
    models: ModelClient, served: Endpoint, vllm_server: VllmServer
) -> None:
    began = asyncio.Event()
    asked = call(seat(served), max_tokens=12_000)
    task = asyncio.create_task(models.ask(asked, lambda _: began.set()))
    async with httpx.AsyncClient(base_url=vllm_server.root, timeout=60) as client:

        async def running() -> float:
            lines = (await client.get("/metrics")).text.splitlines()
            return sum(
                float(line.rpartition(" ")[2])
                for line in lines
                if line.startswith("vllm:num_requests_running")
            )

        async with asyncio.timeout(30):
            await began.wait()
        await eventually(running, lambda count: count == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # 12,000 tokens would take it a minute and more.
        await eventually(running, lambda count: count == 0, seconds=30)
