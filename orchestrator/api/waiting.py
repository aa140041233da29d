"""Waiting for the end of a deliberation, for clients that cannot subscribe."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from orchestrator.api.clients import Kind
from orchestrator.api.context import Context
from orchestrator.domain.deliberations import Deliberation
from orchestrator.engine.events import LiveEvent, Moved

LONGEST_SECONDS = 60
"""What stands between a client and the service often cuts off what takes longer."""


async def waited(context: Context, deliberation: str, seconds: float) -> Deliberation | None:
    """Read a deliberation once it has ended, or as it is when the time is over or the process is told to end.

    Where the caller hangs up, nobody waits on. Returns none where there is no such deliberation.

    Raises:
        TooManyError: his client follows as much as one may.
    """
    with context.client.one_more(Kind.SUBSCRIPTION, context.correlation_id):
        return await _waited(context, deliberation, seconds)


async def _waited(context: Context, deliberation: str, seconds: float) -> Deliberation | None:
    # What is followed is read anew from now on: no end slips between.
    live = context.ports.docket.follow(deliberation)
    found = await _now(context, deliberation)
    if found is None or found.status.ended:
        return found
    # From when it was asked: an operation that is carried out anew does not wait anew.
    context.time.allow(seconds)
    seconds = max(0, seconds - context.time.age)
    ended = asyncio.create_task(_ended(context, deliberation, live))
    cut_short = asyncio.create_task(context.ports.service.ends())
    left = asyncio.ensure_future(context.hung_up())
    try:
        await asyncio.wait(
            (ended, cut_short, left), timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        if ended.done():
            return ended.result()
        return found if left.done() else await _now(context, deliberation)
    finally:
        for task in (ended, cut_short, left):
            task.cancel()


async def _ended(
    context: Context, deliberation: str, live: AsyncIterator[LiveEvent]
) -> Deliberation | None:
    async for event in live:
        if isinstance(event, Moved) and event.changed:
            found = await _now(context, deliberation)
            if found is None or found.status.ended:
                return found
    return None


async def _now(context: Context, deliberation: str) -> Deliberation | None:
    return await context.ports.records.deliberation(deliberation)
