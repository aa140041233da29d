"""Follows a deliberation: tells each thing that happens as a line, and comes back with the whole of it."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from rich.text import Text

from orchestrator.cli.failures import MissingError
from orchestrator.cli.rendering import turns
from orchestrator.cli.screen import harmless
from orchestrator.client import models

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import RenderableType

    from orchestrator.client import CouncilClient


async def follow(
    client: CouncilClient,
    deliberation: models.Deliberation,
    *,
    tell: Callable[[RenderableType], None],
    progress: Callable[[Text], None],
) -> models.Transcript:
    """Return once it has ended; `tell` gets what happened, `progress` who is being asked at the moment."""
    asked: dict[str, str] = {}
    taken = 0
    events = client.events(
        deliberation.id,
        on_lost=lambda why: tell(Text(f"the service is away ({why}); looking again", "aside")),
    )
    async with aclosing(events):
        async for event in events:
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
            progress(_standing(taken, deliberation.progress.turns_expected, asked))
    return await transcript_of(client, deliberation.id)


async def transcript_of(client: CouncilClient, deliberation: str) -> models.Transcript:
    """Read the whole of a deliberation; raises MissingError."""
    found = await client.transcript(deliberation)
    if found is None:
        raise MissingError(f"there is no deliberation {deliberation}")
    return found


def _standing(taken: int, expected: int, asked: dict[str, str]) -> Text:
    speaking = f"; asking {', '.join(asked.values())}" if asked else ""
    return Text(f"{taken} of {expected} turns{speaking}")
