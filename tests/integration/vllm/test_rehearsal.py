"""The rehearsal server, asked through the client that asks vLLM."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import httpx
import pytest

from orchestrator.domain.errors import ModelError
from orchestrator.domain.values import replace
from orchestrator.vllm.client import ModelClient
from orchestrator.vllm.connections import Connections
from orchestrator.vllm.rehearsal import Rehearsal
from tests.support.model_calls import Seen, call, endpoint, seat
from tests.support.waiting import until

MODEL = "rehearsal"
QUESTION = "Propose your answer to the task.\n\nYou look for races."


@pytest.fixture
async def rehearsal() -> AsyncGenerator[Rehearsal]:
    async with Rehearsal(pace=0) as rehearsal:
        yield rehearsal


@pytest.fixture
def rehearsing(connections: Connections, seen: Seen, rehearsal: Rehearsal) -> ModelClient:
    return ModelClient(connections=connections, watch=seen, rehearsal=rehearsal)


async def test_it_answers_through_the_client_and_counts_words(rehearsing: ModelClient):
    pieces: list[str] = []
    asked = call(seat(model=MODEL, rehearsal=True), text=QUESTION)
    answer = await rehearsing.ask(asked, pieces.append)
    assert answer.content.splitlines()[0].endswith("a proposal for “A task”.")
    assert "".join(pieces) == answer.content
    assert answer.finish_reason == "stop"
    assert answer.usage.completion_tokens == len(answer.content.split())
    assert answer.usage.prompt_tokens == 2 + len(QUESTION.split())


async def test_it_stops_at_max_tokens_and_says_so(rehearsing: ModelClient):
    asked = call(seat(model=MODEL, rehearsal=True), text=QUESTION)
    answer = await rehearsing.ask(replace(asked, max_tokens=3), lambda _: None)
    assert (answer.finish_reason, answer.usage.completion_tokens) == ("length", 3)


async def test_a_seat_that_is_bound_elsewhere_rehearses_where_its_model_is_the_rehearsal(
    rehearsing: ModelClient,
):
    bound = endpoint("http://127.0.0.1:1")
    asked = call(seat(model=MODEL, rehearsal=True, bound=bound), text=QUESTION)
    answer = await rehearsing.ask(asked, lambda _: None)
    assert answer.content.startswith("(rehearsal)")


async def test_many_first_needs_start_it_once(rehearsal: Rehearsal):
    places = await asyncio.gather(*[rehearsal.endpoint() for _ in range(10)])
    assert len(set(places)) == 1


async def test_it_serves_health_its_models_and_answers_that_are_not_streamed(rehearsal: Rehearsal):
    url = (await rehearsal.endpoint()).url
    async with httpx.AsyncClient(base_url=url, timeout=60) as http:
        assert (await http.get(url.removesuffix("/v1") + "/health")).status_code == 200
        models = (await http.get("/models")).json()
        assert [one["id"] for one in models["data"]] == [MODEL]
        body = {"model": MODEL, "messages": [{"role": "user", "content": QUESTION}]}
        response = await http.post(
            "/chat/completions", json=body, headers={"X-Request-Id": "trn_1"}
        )
    told = response.json()
    assert told["id"] == "chatcmpl-trn_1"
    assert told["choices"][0]["message"]["content"].startswith("(rehearsal)")


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b'{"model": "gpt", "messages": []}', 404, "`gpt` does not exist"),
        (
            b'{"model": "rehearsal", "response_format": {"json_schema": {"schema": {}}}}',
            400,
            "no schema but a ballot's",
        ),
        (b"{", 400, "not JSON"),
        (b"[]", 404, "does not exist"),
    ],
)
async def test_what_it_cannot_answer_it_refuses_in_vllms_form(
    rehearsal: Rehearsal, body: bytes, status: int, words: str
):
    url = (await rehearsal.endpoint()).url
    async with httpx.AsyncClient(base_url=url, timeout=60) as http:
        response = await http.post("/chat/completions", content=body)
    assert response.status_code == status
    assert words in response.json()["error"]["message"]


async def test_it_stops_speaking_when_the_client_closes(connections: Connections, seen: Seen):
    async with Rehearsal(pace=0.02) as rehearsal:
        client = ModelClient(connections=connections, watch=seen, rehearsal=rehearsal)
        pieces: list[str] = []
        asked = call(seat(model=MODEL, rehearsal=True), text=QUESTION)
        asking = asyncio.create_task(client.ask(asked, pieces.append))
        await until(lambda: len(pieces) > 1)
        assert rehearsal.speaking == 1
        asking.cancel()
        await asyncio.wait([asking])
        await until(lambda: rehearsal.speaking == 0)


async def test_closing_it_breaks_off_what_is_being_said(connections: Connections, seen: Seen):
    async with Rehearsal(pace=60) as rehearsal:
        client = ModelClient(connections=connections, watch=seen, rehearsal=rehearsal)
        asked = call(seat(model=MODEL, rehearsal=True), text=QUESTION)
        asking = asyncio.create_task(client.ask(asked, lambda _: None))
        await until(lambda: rehearsal.speaking == 1)
    with pytest.raises(ModelError):
        await asking


async def test_a_rehearsal_that_nobody_needs_listens_nowhere():
    async with Rehearsal() as rehearsal:
        assert rehearsal.speaking == 0
