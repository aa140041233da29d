"""What is told of a deliberation while nothing happens in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

import pytest
from rich.console import RenderableType
from rich.text import Text
from typing_extensions import override

from orchestrator.cli import following
from orchestrator.client import CouncilClient, UnreachableError, models
from tests.support import answers

_DOWN = "endpoint default is down since 03:04"


class _Stuck(CouncilClient):
    """Asks a seat, and ends after it was looked for as often as there are reasons; it waits for them in turn."""

    def __init__(self, *reasons: str | Exception | None, lost: tuple[str, ...] = ()) -> None:
        super().__init__("http://127.0.0.1:1")
        self._reasons = list(reasons)
        self._lost = lost
        self._seen = asyncio.Event()

    @override
    async def events(
        self,
        id: str,
        *,
        after: int | None = None,
        on_lost: Callable[[str], None] | None = None,
    ) -> AsyncGenerator[models.Event]:
        assert on_lost is not None
        yield models.TurnBegan.model_validate(answers.began(1, 1))
        for why in self._lost:
            on_lost(why)
        if self._reasons:
            await self._seen.wait()
        yield models.DeliberationEnded.model_validate(answers.ended(2))

    @override
    async def deliberation(self, id: str) -> models.Deliberation | None:
        why = self._reasons.pop(0) if self._reasons else None
        if not self._reasons:
            self._seen.set()
        if isinstance(why, Exception):
            raise why
        return models.Deliberation.model_validate(answers.running(waitingFor=why))

    @override
    async def transcript(self, id: str) -> models.Transcript | None:
        ended = models.Deliberation.model_validate(answers.deliberation())
        return models.Transcript(deliberation=ended, turns=())


async def _told(client: CouncilClient) -> tuple[list[str], list[str], list[str]]:
    """Return what happened, how it stood and why nothing moved."""
    happened: list[str] = []
    stood: list[str] = []
    waited: list[str] = []

    def tell(what: RenderableType) -> None:
        happened.append(str(what))

    def progress(how: Text) -> None:
        stood.append(how.plain)

    running = models.Deliberation.model_validate(answers.running())
    await following.follow(client, running, tell=tell, progress=progress, waits=waited.append)
    return happened, stood, waited


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "_QUIET_SECONDS", 0)


async def test_where_nothing_happens_it_is_shown_why_instead_of_who_is_asked() -> None:
    _, stood, _ = await _told(_Stuck(None, _DOWN))

    assert stood == [
        "0 of 12 turns; asking dev-agent-1 (proposal)",
        "0 of 12 turns; asking dev-agent-1 (proposal)",
        f"0 of 12 turns; waiting: {_DOWN}",
        "0 of 12 turns; asking dev-agent-1 (proposal)",
    ]


async def test_why_nothing_happens_is_told_once_until_it_is_another_reason_or_none() -> None:
    _, _, waited = await _told(_Stuck(_DOWN, _DOWN, "\x1b[2Jits lease", None, None, _DOWN))

    assert waited == [_DOWN, "[2Jits lease", _DOWN]


async def test_who_cannot_say_why_nothing_happens_does_not_end_the_following() -> None:
    away = UnreachableError("http://127.0.0.1:1", "refused")
    _, _, waited = await _told(_Stuck(_DOWN, away, _DOWN))

    assert waited == [_DOWN]


async def test_a_service_that_stays_away_is_told_once_for_each_reason() -> None:
    refused = "the connection was refused"
    happened, _, _ = await _told(_Stuck(lost=(refused, refused, "HTTP 503", "HTTP 503", refused)))

    assert happened == [
        f"the service is away ({why}); looking again" for why in (refused, "HTTP 503", refused)
    ]
