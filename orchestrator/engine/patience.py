"""How long to try again: for ever with the graph, whose word is needed, and for a while with a model."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import stamina

from orchestrator.domain.errors import UnavailableError

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Attempts, and the seconds between them: doubled each time up to `longest_wait`, and jittered.

    An endpoint that is down is waited for, and that is no attempt: `endpoint` is for how long, where the
    deliberation has no deadline.
    """

    endpoint: timedelta = timedelta(minutes=15)
    attempts: int = 6
    first_wait: float = 0.5
    longest_wait: float = 8.0
    jitter: float = 0.5


async def retried(
    operation: Callable[[], Awaitable[T]],
    *,
    on: type[Exception] | Callable[[Exception], bool],
    attempts: int | None,
    within: float | None,
    wait_initial: float,
    wait_max: float,
    wait_jitter: float,
) -> T:
    """Do something again as `stamina.retry` would, whose machinery begins with the first failure.

    Built for every operation, nearly all of which succeed at once, it would cost a fifth of what a statement does.
    """
    began = asyncio.get_running_loop().time()
    try:
        return await operation()
    except Exception as exc:  # noqa: BLE001 - stamina is given it as its first attempt's, and raises it if it is not `on`
        failure = exc
    if within is not None:
        within -= asyncio.get_running_loop().time() - began
    async for attempt in stamina.retry_context(
        on=on,
        attempts=attempts,
        timeout=within,
        wait_initial=wait_initial,
        wait_max=wait_max,
        wait_jitter=wait_jitter,
    ):
        with attempt:
            if attempt.num == 1:
                raise failure
            return await operation()
    raise AssertionError("unreachable: the last attempt returns or raises")


async def until_available(
    operation: Callable[[], Awaitable[T]], *, tell: Callable[[UnavailableError], None] | None = None
) -> T:
    """Ask the graph until it answers: what was received is held, never dropped.

    `tell` is told each time why it did not.
    """

    async def attempt() -> T:
        try:
            return await operation()
        except UnavailableError as error:
            if tell is not None:
                tell(error)
            raise

    return await retried(
        attempt,
        on=UnavailableError,
        attempts=None,
        within=None,
        wait_initial=0.1,
        wait_max=2.0,
        wait_jitter=0.2,
    )
