"""Deliberations that ended long ago, with all their turns, made fast: what is pruned, and what a graph has grown by."""

from __future__ import annotations

from typing import Any

from neo4j import AsyncDriver, Query

from tests.support.deliberating import BEGAN
from tests.support.neo4j import statement

TURN: dict[str, Any] = {
    "sample": 1,
    "outcome": "TAKEN",
    "content": ("It is as long as it was told to be. " * 29)[:1024],
    "finishReason": "stop",
    "attempts": 1,
    "promptVersion": "1",
    "promptTokens": 100,
    "cachedPromptTokens": 60,
    "completionTokens": 20,
    "calls": 1,
    "latencyMs": 1234,
    "startedAt": BEGAN,
    "finishedAt": BEGAN,
}

_PATIENCE = 1200.0
"""Seconds: more than the server's own bound, for all batches together."""


async def make_ended(
    driver: AsyncDriver,
    database: str,
    *,
    first: int,
    last: int,
    days: int = 100,
    process: str = "prc_one",
) -> None:
    """Make those of these numbers, over the councils that are there; they ended so many days ago, or a little longer."""
    async with driver.session(database=database) as session:
        # It commits in batches, and so runs outside a managed transaction.
        query = Query(statement("graph/make_ended"), timeout=_PATIENCE)
        parameters = {"first": first, "last": last, "days": days, "process": process, "turn": TURN}
        await (await session.run(query, parameters)).consume()
