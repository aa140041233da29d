"""`council ask` beside a service that goes away: what was accepted is told, whatever comes then."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import AsyncGenerator

import pytest

from orchestrator.cli import asking, following
from orchestrator.cli.exits import Exit
from orchestrator.cli.screen import Screen, console
from orchestrator.client import AnswerError, CouncilClient, UnreachableError, models
from tests.support import answers
from tests.support.cutting import Cutting, Dying
from tests.support.ports import free_port
from tests.support.tiny_api import CloseSocket, TinyApi, no_graphql


@pytest.fixture
async def api() -> AsyncGenerator[TinyApi]:
    async with TinyApi().serve() as api:
        yield api


async def ask(
    url: str, *, key: str | None = None, patience: float = 30.0
) -> tuple[str, Exit | Exception]:
    """Ask on pipes; return what was said beside the output, and how it ended."""
    said = io.StringIO()
    screen = Screen(out=console(), err=console(stderr=True))
    screen.err.file = said
    async with CouncilClient(url, patience=0.3, timeout=patience) as client:
        try:
            ended: Exit | Exception = await asking.ask(
                client,
                screen,
                role="DEV",
                task=models.TaskInput(description="Write a cache."),
                rounds=None,
                priority=None,
                deadline=None,
                budget=None,
                idempotency_key=key,
                detach=False,
                as_json=True,
            )
        except Exception as error:  # noqa: BLE001 - it is what the test looks at
            ended = error
    return said.getvalue(), ended


async def test_what_is_followed_when_the_service_goes_away_is_named(api: TinyApi) -> None:
    def deliberate(*_: object, **_named: object) -> answers.Json:
        return {"deliberation": answers.running(), "errors": []}

    api.root = {"deliberate": deliberate}
    api.events = _closed

    said, ended = await ask(api.url)

    assert isinstance(ended, UnreachableError)
    assert f"council show {answers.DELIBERATION} --follow" in said
    assert "It goes on" not in said


async def test_on_a_pipe_it_is_told_why_nothing_happens(
    api: TinyApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "_QUIET_SECONDS", 0)
    looked = asyncio.Event()

    def deliberate(*_: object, **_named: object) -> answers.Json:
        return {"deliberation": answers.running(), "errors": []}

    def deliberation(*_: object, **_named: object) -> answers.Json:
        if looked.is_set():
            return answers.deliberation(turns=answers.page([]))
        looked.set()
        return answers.running(waitingFor="endpoint default is down")

    async def events(*_: object, **_named: object) -> AsyncGenerator[answers.Json]:
        await looked.wait()
        yield {"deliberationEvents": answers.ended(1)}

    api.root = {"deliberate": deliberate, "deliberation": deliberation}
    api.events = events

    said, ended = await ask(api.url)

    assert ended is Exit.OK
    assert said.splitlines() == [
        f"accepted as {answers.DELIBERATION}",
        "waiting: endpoint default is down",
    ]


@pytest.mark.parametrize("name", ["qa [/fast]", "qa [fast]", "qa :fire:"])
async def test_an_agent_is_watched_whatever_it_is_called(
    api: TinyApi, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", "120")

    def deliberate(*_: object, **_named: object) -> answers.Json:
        return {"deliberation": answers.running(), "errors": []}

    def turns(*_: object, **_named: object) -> answers.Json:
        return answers.page([])

    api.root = {"deliberate": deliberate, "deliberation": answers.deliberation(turns=turns)}

    async def events(*_: object, **_named: object) -> AsyncGenerator[answers.Json]:
        began = answers.began(1, 1)
        began["seat"]["agent"]["name"] = name
        yield {"deliberationEvents": began}
        yield {"deliberationEvents": answers.ended(2)}

    api.events = events

    said, ended = await ask(api.url)

    assert ended is Exit.OK
    assert f"0 of 12 turns; asking {name} (proposal)" in said


async def test_the_key_of_what_may_have_been_accepted_is_told(api: TinyApi) -> None:
    async def never(*_: object, **_named: object) -> None:
        await asyncio.sleep(3600)

    api.root = {"deliberate": never}

    said, ended = await ask(api.url, patience=0.5)

    assert isinstance(ended, UnreachableError)
    assert re.search(r"Asked again with --key \w{32}, it is found", said)


async def test_the_key_is_told_where_the_service_dies_with_the_task_in_its_hands() -> None:
    async with Dying() as url:
        said, ended = await ask(url)

    assert isinstance(ended, UnreachableError)
    assert ended.reason == "the connection was refused"
    assert re.search(r"Asked again with --key \w{32}, it is found", said)


async def test_the_key_is_told_where_another_answers_for_the_one_that_died(api: TinyApi) -> None:
    async with Cutting(api.url, cuts=1, after=0) as url:
        api.instead = [no_graphql(200), no_graphql(502)]
        said, ended = await ask(url)

    assert isinstance(ended, AnswerError)
    assert re.search(r"Asked again with --key \w{32}, it is found", said)


async def test_the_key_is_told_where_a_gateway_has_no_answer_of_the_service(api: TinyApi) -> None:
    api.instead = [no_graphql(504)]

    said, ended = await ask(api.url)

    assert isinstance(ended, AnswerError)
    assert re.search(r"Asked again with --key \w{32}, it is found", said)


async def test_where_nothing_was_sent_no_key_is_told() -> None:
    said, ended = await ask(f"http://127.0.0.1:{free_port()}")

    assert isinstance(ended, UnreachableError)
    assert "--key" not in said


async def test_an_empty_key_is_sent_as_it_is(api: TinyApi) -> None:
    keys: list[str] = []

    def deliberate(_info: object, input: dict[str, str]) -> dict[str, object]:
        keys.append(input["idempotencyKey"])
        return {
            "deliberation": None,
            "errors": [
                {
                    "__typename": "InvalidInput",
                    "message": "must not be blank",
                    "code": "INVALID_INPUT",
                    "path": ["idempotencyKey"],
                }
            ],
        }

    api.root = {"deliberate": deliberate}
    await ask(api.url, key="")

    assert keys == [""]


async def _closed(
    *_: object, after: int | None = None, **_named: object
) -> AsyncGenerator[answers.Json]:
    if after is None:
        yield {"deliberationEvents": answers.claimed(1)}
    raise CloseSocket(1012)
