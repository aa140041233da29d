"""What `council up` shows of a service that is ready, and what it says to do next."""

from __future__ import annotations

import io
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from orchestrator.cli import up
from orchestrator.cli.screen import Screen, console
from orchestrator.settings import Settings
from tests.support import answers
from tests.support.tiny_api import TinyApi
from tests.support.waiting import until

_SERVICE = {
    "version": "1",
    "ready": True,
    "waitingFor": None,
    "startedAt": "2026-01-02T03:04:05Z",
    "rehearsal": True,
    "rehydration": None,
    "neo4j": None,
    "graph": None,
}


@pytest.mark.parametrize(("anonymous", "questions"), [(None, 0), ("read", 2)])
async def test_the_example_is_left_out_where_it_needs_a_token_and_none_is_set(
    anonymous: str | None, questions: int, tmp_path: Path
) -> None:
    tokens = tmp_path / "tokens"
    tokens.touch()
    settings = Settings().model_copy(update={"tokens_file": tokens, "anonymous": anonymous})
    screen = Screen(out=console(), err=console(stderr=True))
    screen.out.file, screen.err.file = said, warned = io.StringIO(), io.StringIO()
    tour = up._Tour(settings, screen, None, example=True, open_browser=False)  # pyright: ignore[reportPrivateUsage]
    async with _service("DEV") as api:
        await tour.begin(api.url)
        await until(lambda: "Ctrl-C ends everything" in said.getvalue())
        await tour.end()

    assert "graph-council is up" in said.getvalue()
    assert "it needs a token in COUNCIL_TOKEN" in warned.getvalue()
    # It asks for nothing that would be refused, and told of in the log.
    assert len(api.asked) == questions


@pytest.mark.parametrize(
    ("roles", "asked"),
    [
        (["QA", "DEV"], "DEV"),
        (["QA", "ARCHITECT"], "QA"),
        (["tax law", "QA"], "'tax law'"),
        ([], "ROLE"),
    ],
)
async def test_a_role_that_there_is_can_be_asked_where_the_service_is(
    roles: list[str], asked: str
) -> None:
    async with _service(*roles) as api:
        said = await _said(api.url)

    assert f'council ask {asked} "…" --url {api.url}\n' in said


async def test_where_clients_look_by_themselves_is_not_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with _service("DEV") as api:
        monkeypatch.setattr(up, "_WHERE_CLIENTS_LOOK", api.url)
        said = await _said(api.url)

    assert 'council ask DEV "…"\n' in said


def _service(*roles: str) -> AbstractAsyncContextManager[TinyApi]:
    """One that has a council for each of the roles."""
    found = {role: answers.council(role={"id": f"rol_{role}", "name": role}) for role in roles}

    def council(_info: object, by: dict[str, str]) -> answers.Json | None:
        return found.get(by["role"])

    def councils(*_: object, **_named: object) -> answers.Json:
        return answers.page(list(found.values()))

    return TinyApi(root={"service": _SERVICE, "council": council, "councils": councils}).serve()


async def _said(url: str) -> str:
    """What a tour round a service says."""
    said = io.StringIO()
    screen = Screen(out=console(), err=console(stderr=True))
    screen.out.file = said
    tour = up._Tour(Settings(), screen, None, example=False, open_browser=False)  # pyright: ignore[reportPrivateUsage]
    await tour._show_round(url)  # pyright: ignore[reportPrivateUsage]
    return said.getvalue()
