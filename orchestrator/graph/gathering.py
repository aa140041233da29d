"""Many calls in one transaction: what is asked while one is under way goes together in the next.

A transaction costs Neo4j and its driver ten times what a row in one costs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Generic, TypeVar

from orchestrator.domain.errors import GivenUpError, UnavailableError

T = TypeVar("T")
Answer = TypeVar("Answer")

_Batch = dict[str, tuple[T, "list[asyncio.Future[Answer]]"]]

_MOST = 32
"""Calls in one transaction: more save nothing, and it has to fit into Neo4j's memory."""


class Gathering(Generic[T, Answer]):
    """One kind of call. Nothing waits for a timer, and a caller who is cancelled stops no one else's."""

    def __init__(
        self,
        do: Callable[[Mapping[str, T]], Awaitable[Mapping[str, Answer]]],
        *,
        absent: Answer,
        alike: bool = False,
    ) -> None:
        """`do` answers for many, by their keys, in order of the keys; `absent` is for those it leaves out.

        Where calls with the same key are `alike`, as reads are, one that waits with another has the same answer.
        """
        self._do = do
        self._absent = absent
        self._alike = alike
        self._waiting: list[tuple[str, T, asyncio.Future[Answer]]] = []
        self._doing: asyncio.Task[None] | None = None

    async def __call__(self, key: str, item: T) -> Answer:
        """Return the answer for one; raises what the whole raised."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, item, answer))
        if self._doing is None:
            self._doing = asyncio.create_task(self._do_all(), name="gathering")
        return await answer

    async def _do_all(self) -> None:
        try:
            while self._waiting:
                await self._do_together(self._next_batch())
        finally:
            # Either nothing waits, or this was cancelled with the loop that it runs in.
            self._doing = None
            for _, _, answer in self._waiting:
                answer.cancel()
            self._waiting = []

    def _next_batch(self) -> _Batch[T, Answer]:
        """Take what waits, each key once: unless it is alike, a second call for one goes into the batch after."""
        batch: _Batch[T, Answer] = {}
        later: list[tuple[str, T, asyncio.Future[Answer]]] = []
        for key, item, answer in self._waiting:
            if answer.cancelled():
                continue
            if key in batch and self._alike:
                batch[key][1].append(answer)
            elif key in batch or len(batch) == _MOST:
                later.append((key, item, answer))
            else:
                batch[key] = (item, [answer])
        self._waiting = later
        return dict(sorted(batch.items()))

    async def _do_together(self, batch: _Batch[T, Answer]) -> None:
        try:
            answers = await self._do({key: item for key, (item, _) in batch.items()})
        except asyncio.CancelledError:
            for answer in _answers(batch):
                answer.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - whoever called raises it
            await self._do_apart(batch, error)
        else:
            for key, (_, waiting) in batch.items():
                for answer in waiting:
                    if not answer.done():
                        answer.set_result(answers.get(key, self._absent))

    async def _do_apart(self, batch: _Batch[T, Answer], error: Exception) -> None:
        """Where one may be at fault, or all may be too much, let the others not suffer for it."""
        # Where Neo4j is away, it is away for each of them.
        away = isinstance(error, UnavailableError) and not isinstance(error, GivenUpError)
        if len(batch) > 1 and not away:
            # At the same time: one that waits for a lock had all of them wait once already.
            await asyncio.gather(
                *(
                    self._do_together({key: one})
                    for key, one in batch.items()
                    if not all(answer.cancelled() for answer in one[1])
                )
            )
            return
        for answer in _answers(batch):
            if not answer.done():
                answer.set_exception(error)


def _answers(batch: _Batch[T, Answer]) -> Iterator[asyncio.Future[Answer]]:
    return (answer for _, waiting in batch.values() for answer in waiting)
