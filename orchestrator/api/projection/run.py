"""One operation under way: what it waits for, all of one level together."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple, Protocol

from graphql import Executor

Answer = dict[str, Any]
"""The answer's object; its keys are in order from the beginning, its values may come later."""


class Completing(Protocol):
    """What makes of values what the answer has for them."""

    def complete(self, column: Sequence[Any], run: Run) -> Sequence[Any]: ...


Fault = Callable[[Exception], None]
"""Notes that a field failed, whose answer is then null."""


class _Waiting(NamedTuple):
    values: Sequence[Any]
    shape: Completing
    key: str
    answers: Sequence[Answer]
    fault: Fault | None


class Run:
    """What a plan is carried out with."""

    def __init__(self, executor: Executor[Any]) -> None:
        """`executor` has what was asked: the operation, its variables, the context."""
        self.executor: Executor[Any] = executor
        self._waiting: list[_Waiting] = []
        self._faults: list[tuple[Fault, Exception]] = []

    def wait(
        self,
        values: Sequence[Any],
        shape: Completing,
        key: str,
        answers: Sequence[Answer],
        fault: Fault | None,
    ) -> None:
        """Put into each answer, under a key that it will have, what comes of one value, once that was awaited.

        Where there is a `fault` it is told of an error, and the answer is null.
        """
        self._waiting.append(_Waiting(values, shape, key, answers, fault))

    async def settle(self) -> None:
        """Wait, a level at a time, until nothing is waited for; raises what the first to fail raised.

        All of a level are waited for, so that nothing is under way any more when this ends.
        """
        while self._waiting:
            level, self._waiting = self._waiting, []
            outcomes = iter(await asyncio.gather(*_awaitables(level), return_exceptions=True))
            for waiting in level:
                column = [
                    next(outcomes) if isinstance(value, Awaitable) else value
                    for value in waiting.values
                ]
                self._fill(waiting, column)

    def note_faults(self) -> None:
        """Tell of the errors that left the rest of the answer as it is; raises what a `fault` raises."""
        for fault, error in self._faults:
            fault(error)

    def _fill(self, waiting: _Waiting, column: list[Any]) -> None:
        error = next((one for one in column if isinstance(one, BaseException)), None)
        if error is None:
            completed = waiting.shape.complete(column, self)
            for answer, value in zip(waiting.answers, completed, strict=True):
                answer[waiting.key] = value
        elif waiting.fault is not None and isinstance(error, Exception):
            self._faults.append((waiting.fault, error))
        else:
            raise error

    def abandon(self) -> None:
        """Begin nothing of what has not been begun."""
        for awaitable in _awaitables(self._waiting):
            if inspect.iscoroutine(awaitable):
                awaitable.close()
        self._waiting = []


def has_awaitables(values: Sequence[Any]) -> bool:
    """Whether any of these has to be awaited."""
    return any(issubclass(kind, Awaitable) for kind in set(map(type, values)))


def _awaitables(waiting: Sequence[_Waiting]) -> Iterator[Awaitable[Any]]:
    for value in chain.from_iterable(one.values for one in waiting):
        if isinstance(value, Awaitable):
            yield value
