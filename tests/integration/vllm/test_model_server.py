"""The scriptable server of the tests: other tests judge by its log, so it is judged here."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.model_completions import ballot, cut_up
from tests.support.waiting import eventually, until

TURN = "trn_0198-p0-s1"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "model.jsonl"


@pytest.fixture
async def http(log: Path) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of a server that is a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.model_server", "--log", str(log)),
        *("--model", "one", "--model", "two", "--length", "300"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().strip()
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as http:
        yield http
    process.terminate()
    assert await process.wait() == 0


def read(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def question(**more: Any) -> dict[str, Any]:
    return {"model": "one", "messages": [{"role": "user", "content": "Hi"}], "stream": True} | more


async def test_a_request_is_in_the_log_before_its_first_byte_and_at_its_end(
    http: httpx.AsyncClient, log: Path
):
    headers = {"X-Request-Id": TURN}
    script = [{"turn": TURN, "attempts": 1, "behaviour": {"pace": 0.05, "pieces": 4}}]
    assert (await http.post(f"{http.base_url.copy_with(path='/script')}", json=script)).is_success
    async with http.stream("POST", "/chat/completions", json=question(), headers=headers) as answer:
        begun = read(log)[0]
        text = "".join([part async for part in answer.aiter_text()])
        assert text.endswith("data: [DONE]\n\n")
    assert begun | {"at": 0} == {
        "event": "begin",
        "at": 0,
        "id": TURN,
        "attempt": 1,
        "model": "one",
        "caller": "",
        "tokens": 0,
    }
    end = {"at": 0, "event": "end", "outcome": "answered", "tokens": 4}
    assert read(log)[1] | {"at": 0} == begun | end
    assert read(log)[1]["at"] > begun["at"]


async def test_an_answer_has_no_more_tokens_than_it_is_allowed(http: httpx.AsyncClient, log: Path):
    script = [{"turn": TURN, "behaviour": {"pieces": 9}}]
    await http.post(f"{http.base_url.copy_with(path='/script')}", json=script)
    headers = {"X-Request-Id": TURN}
    async with http.stream(
        "POST", "/chat/completions", json=question(max_tokens=3), headers=headers
    ) as answer:
        text = "".join([part async for part in answer.aiter_text()])
    assert '"finish_reason": "length"' in text
    assert '"completion_tokens": 3' in text
    assert read(log)[1]["tokens"] == 3


async def test_a_client_that_closes_is_in_the_log_as_a_cut(http: httpx.AsyncClient, log: Path):
    script = [{"behaviour": {"hang_after": 1}}]
    await http.post(f"{http.base_url.copy_with(path='/script')}", json=script)
    headers = {"X-Request-Id": TURN}
    async with http.stream("POST", "/chat/completions", json=question(), headers=headers):
        pass
    await until(lambda: len(read(log)) == 2)
    assert (read(log)[1]["event"], read(log)[1]["outcome"]) == ("cut", "cut by client")


async def test_a_refusal_is_in_the_log_with_its_status(http: httpx.AsyncClient, log: Path):
    response = await http.post("/chat/completions", json=question(model="three"))
    assert response.status_code == 404
    assert response.json()["error"]["type"] == "NotFoundError"
    assert read(log)[1]["outcome"] == "status 404"


async def test_an_answer_names_its_request_and_is_as_long_as_was_told(http: httpx.AsyncClient):
    body = question(stream=False)
    response = await http.post("/chat/completions", json=body, headers={"X-Request-Id": TURN})
    content = response.json()["choices"][0]["message"]["content"]
    assert content.startswith(f"Answer to {TURN}, attempt 1.")
    assert 300 <= len(content) < 350


async def test_it_lists_its_models_and_is_healthy(http: httpx.AsyncClient):
    async def models() -> list[str]:
        return [one["id"] for one in (await http.get("/models")).json()["data"]]

    assert await eventually(models, bool) == ["one", "two"]
    assert (await http.get(f"{http.base_url.copy_with(path='/health')}")).status_code == 200


def test_a_ballot_is_decided_by_the_request_id_alone():
    schema = {"properties": {"ranking": {"enum": ["A > B", "B > A"]}}}
    votes = [ballot(f"trn_{number}", schema)["ranking"] for number in range(40)]
    assert votes == [ballot(f"trn_{number}", schema)["ranking"] for number in range(40)]
    assert set(votes) == {"A > B", "B > A"}


@pytest.mark.parametrize(
    ("text", "pieces", "cut"),
    [("abcdef", 3, ["ab", "cd", "ef"]), ("ab", 5, ["a", "b"]), ("", 5, [""]), ("abc", 1, ["abc"])],
)
def test_a_text_is_cut_into_pieces_none_of_them_empty(text: str, pieces: int, cut: list[str]):
    assert cut_up(text, pieces) == cut
