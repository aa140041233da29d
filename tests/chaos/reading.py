"""Readers who look at what goes on, at one process after the other, and hold each answer against itself."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.chaos.world import World
from tests.support.service_process import AnsweredError

_READERS = 2
_NEWEST = 20
_WAIT_SECONDS = 0.3
_LOOK = """
query Look($first: Int!) {
  deliberations(first: $first) {
    edges {
      node {
        id status stopReason startedAt finishedAt verdict { id } progress { turnsTaken } turns(first: 50) { totalCount }
      }
    }
  }
}
"""


@dataclass(slots=True)
class Readers:
    """What they read is of one moment each time, whatever happens meanwhile."""

    world: World
    chance: random.Random
    read: int = 0
    """Deliberations, each time that one was shown."""
    contradictions: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    """Answers that are none of what the API promises."""

    async def keep_reading(self, ending: asyncio.Event) -> None:
        """Read until it ends."""
        async with asyncio.TaskGroup() as readers:
            for _ in range(_READERS):
                readers.create_task(self._keep_reading(ending))

    async def _keep_reading(self, ending: asyncio.Event) -> None:
        while not ending.is_set():
            service = self.chance.choice(self.world.replicas).service
            try:
                answer = await service.ask(_LOOK, first=_NEWEST)
            except httpx.TransportError:
                pass
            except AnsweredError as error:
                if set(error.codes) != {"UNAVAILABLE"}:
                    self.unexpected.append(f"a list of deliberations: {error}")
            else:
                for edge in answer["deliberations"]["edges"]:
                    self.read += 1
                    self.contradictions += contradictions(edge["node"])
            # Whoever runs chaos has two cores, and they are to be the service's.
            await asyncio.sleep(_WAIT_SECONDS)


def contradictions(shown: dict[str, Any]) -> list[str]:
    """Say what of a deliberation cannot be so at once."""
    status: str = shown["status"]
    ended = status in {"DECIDED", "FAILED", "CANCELLED"}
    taken, listed = shown["progress"]["turnsTaken"], shown["turns"]["totalCount"]
    held = {
        "an end without a time, or a time without an end": ended
        == (shown["finishedAt"] is not None),
        "an end without a reason, or a reason without an end": ended
        == (shown["stopReason"] is not None),
        "a verdict without a decision, or a decision without a verdict": (status == "DECIDED")
        == (shown["verdict"] is not None),
        "it runs, and never began": status != "RUNNING" or shown["startedAt"] is not None,
        "it waits, and has begun": status != "QUEUED" or shown["startedAt"] is None,
        f"{taken} turns taken, and {listed} listed": taken == listed,
    }
    return [f"{shown['id']}, {status}: {what}" for what, holds in held.items() if not holds]
