"""Reading again what was seen while it was written.

Neo4j writes what is committed into its store one property after the other, for all to see: a deliberation that is read then has
ended and has no time of it, a council lacks a seat, or an agent has no model. What is removed goes as it came. It takes microseconds, but for a thread that must wait for
a processor.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from typing import TypeVar

from orchestrator.domain.errors import UnreadableError

T = TypeVar("T")

_AGAIN_SECONDS = (0, 0.01, 0.1)
"""How long is waited before each time."""


async def read_whole(
    ids: Collection[str],
    read: Callable[[list[str]], Awaitable[dict[str, T]]],
    *,
    is_whole: Callable[[T], bool],
) -> dict[str, T]:
    """Read some by their ids, and again those that are not whole; one that is not the last time either is given as it is.

    Raises:
        UnreadableError: of one, nothing could be made the last time either.
    """
    found = await read_readable(partial(read, list(ids)))
    for seconds in _AGAIN_SECONDS:
        whole = {id_: one for id_, one in found.items() if is_whole(one)}
        if len(whole) == len(found):
            break
        await asyncio.sleep(seconds)
        torn = [id_ for id_ in found if id_ not in whole]
        found = whole | await read_readable(partial(read, torn))
    return found


async def read_readable(read: Callable[[], Awaitable[T]]) -> T:
    """Read, and again where something cannot be made of it.

    Raises:
        UnreadableError: it could not the last time either.
    """
    for seconds in _AGAIN_SECONDS:
        try:
            return await read()
        except UnreadableError:
            await asyncio.sleep(seconds)
    return await read()
