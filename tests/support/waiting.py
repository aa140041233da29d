"""Waiting for a condition, with a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def until(condition: Callable[[], bool], seconds: float = 40.0) -> None:
    """Return once the condition holds; TimeoutError where it does not in time."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the condition is outside of this process or loop
            await asyncio.sleep(0.005)


async def eventually(
    look: Callable[[], Awaitable[T]], holds: Callable[[T], bool], seconds: float = 40.0
) -> T:
    """Look again until what is seen holds, and return it; TimeoutError with the last look where it never does."""
    seen: T | None = None
    try:
        async with asyncio.timeout(seconds):
            while not holds(seen := await look()):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.05)
            return seen
    except TimeoutError as exc:
        raise TimeoutError(f"after {seconds} s it is still {seen!r}") from exc
