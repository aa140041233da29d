"""Follows a deliberation: tells each thing that happens as a line, and comes back with the whole of it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING

from rich.text import Text

from orchestrator.cli.failures import MissingError
from orchestrator.cli.rendering import turns
from orchestrator.cli.screen import harmless
from orchestrator.client import ClientError, models

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from rich.console import RenderableType

    from orchestrator.client import CouncilClient


_QUIET_SECONDS = 5.0
"""How long nothing happens before the service is asked why, and asked again."""


async def follow(
    client: CouncilClient,
    deliberation: models.Deliberation,
    *,
    tell: Callable[[RenderableType], None],
    progress: Callable[[Text], None],
    waits: Callable[[str], None],
) -> models.Transcript:
    """Return once it has ended; `tell` gets what happened, `progress` who is being asked at the moment, `waits` why nothing moves."""
    asked: dict[str, str] = {}
    taken = 0
    expected = deliberation.progress.turns_expected
    lost = _Changes(lambda why: tell(Text(f"the service is away ({why}); looking again", "aside")))
    waiting = _Changes(waits)

    async def look() -> None:
        # Where the service is away the events say so.
        with suppress(ClientError):
            found = await client.deliberation(deliberation.id)
            why = harmless(found.waiting_for) if found and found.waiting_for else None
            waiting.note(why)
            progress(_standing(taken, expected, asked, why))

    events = client.events(deliberation.id, on_lost=lost.note)
    async with aclosing(events):
        while event := await _next(events, look):
            lost.note(None)
            match event:
                case models.DeliberationClaimed():
                    asked.clear()
                    tell(turns.claimed(event))
                case models.TurnBegan():
                    asked[event.turn_id] = (
                        f"{harmless(event.seat.agent.name)} ({event.kind.lower()})"
                    )
                case models.TurnTaken():
                    asked.pop(event.turn.id, None)
                    taken += 1
                    tell(turns.line(event.turn))
                case models.TokensSpoken() | models.DeliberationEnded():
                    pass
            progress(_standing(taken, expected, asked, None))
    return await transcript_of(client, deliberation.id)


async def transcript_of(client: CouncilClient, deliberation: str) -> models.Transcript:
    """Read the whole of a deliberation; raises MissingError."""
    found = await client.transcript(deliberation)
    if found is None:
        raise MissingError(
            f"there is no deliberation {deliberation}; `council deliberations` lists ids"
        )
    return found


class _Changes:
    """Tells a reason where it is another than the one before."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._last: str | None = None

    def note(self, why: str | None) -> None:
        """Take the reason of now; none where there is none any more."""
        if why is not None and why != self._last:
            self._tell(why)
        self._last = why


async def _next(
    events: AsyncGenerator[models.Event], look: Callable[[], Awaitable[None]]
) -> models.Event | None:
    """Wait for an event, and look whenever none has come for a while; none after the last."""

    async def come() -> models.Event | None:
        return await anext(events, None)

    coming = asyncio.create_task(come())
    try:
        while not (await asyncio.wait([coming], timeout=_QUIET_SECONDS))[0]:
            await look()
        return coming.result()
    finally:
        # The events cannot be closed while one of them is waited for.
        coming.cancel()
        await asyncio.wait([coming])


def _standing(taken: int, expected: int, asked: dict[str, str], waiting: str | None) -> Text:
    if waiting:
        doing = f"; waiting: {waiting}"
    else:
        doing = f"; asking {', '.join(asked.values())}" if asked else ""
    return Text(f"{taken} of {expected} turns{doing}")
