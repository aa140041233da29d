"""One operation under way: what it waits for, all of one level together."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple, Protocol, cast

from graphql import Executor
from orchestrator.api import limits

Answer = dict[str, Any]
"""The answer's object; its keys are in order from the beginning, its values may come later."""


class Completing(Protocol):
    """What makes of values what the answer has for them."""

    def complete(self, column: Sequence[Any], run: Run) -> Sequence[Any]: ...


Fault = Callable[["Run", Exception], None]
"""Notes that a field failed, whose answer is then null."""


class Root(NamedTuple):
    """A field of the operation itself, which may fail and leaves the others their answers."""

    fault: Fault
    key: str
    answers: Sequence[Answer]
    """One, once it is made."""


class _Waiting(NamedTuple):
    values: Sequence[Any]
    shape: Completing
    key: str
    answers: Sequence[Answer]
    root: Root | None
    """What it is below of, or is itself."""


class Run:
    """What a plan is carried out with."""

    def __init__(self, executor: Executor[Any]) -> None:
        """`executor` has what was asked: the operation, its variables, the context."""
        self.executor: Executor[Any] = executor
        self.root: Root | None = None
        """What is being made now is of this."""
        self.extent: int = 0
        """Of what there is of the answer so far."""
        self._waiting: list[_Waiting] = []
        self._level: list[_Waiting] = []
        self._awaited: list[asyncio.Future[Any]] = []
        self._faults: list[tuple[Fault, Exception]] = []

    def wait(
        self,
        values: Sequence[Any],
        shape: Completing,
        key: str,
        answers: Sequence[Answer],
    ) -> None:
        """Put into each answer, under a key that it will have, what comes of one value, once that was awaited."""
        self._waiting.append(_Waiting(values, shape, key, answers, self.root))

    def grow(self, more: int) -> None:
        """Note that the answer is larger by so much, as `extent` has it.

        Raises:
            TooLargeError: it is too large now.
        """
        self.extent += more
        limits.check_answer(self.extent)

    async def settle(self) -> None:
        """Wait, a level at a time, until nothing is waited for; raises what the first to fail raised.

        All of a level are waited for, so that nothing is under way any more when this ends.
        """
        while self._waiting:
            self._level, self._waiting = self._waiting, []
            self._awaited = [asyncio.ensure_future(one) for one in _awaitables(self._level)]
            await asyncio.gather(*self._awaited, return_exceptions=True)
            for waiting, column in self._columns():
                self._fill(waiting, column)

    def give_up(self, error: Exception) -> None:
        """Settle for what has come where `settle` was cancelled: of the operation's other fields, tell the error."""
        for waiting, column in self._columns():
            if any(isinstance(value, asyncio.CancelledError) for value in column):
                self._waiting.append(waiting)
            else:
                self._fill(waiting, column)
        pending = {id(one.root): one.root for one in self._waiting if one.root is not None}
        for root in pending.values():
            root.answers[0][root.key] = None
            self._faults.append((root.fault, error))

    def _columns(self) -> Iterator[tuple[_Waiting, list[Any]]]:
        """What has come of each that was waited for, errors among it."""
        outcomes = map(_outcome, self._awaited)
        for waiting in self._level:
            yield (
                waiting,
                [
                    next(outcomes) if isinstance(value, Awaitable) else value
                    for value in waiting.values
                ],
            )

    def note_faults(self) -> None:
        """Tell of the errors that left the rest of the answer as it is; raises what a `fault` raises."""
        for fault, error in self._faults:
            fault(self, error)

    def _fill(self, waiting: _Waiting, column: list[Any]) -> None:
        error = next((one for one in column if isinstance(one, BaseException)), None)
        self.root = root = waiting.root
        if error is None:
            completed = waiting.shape.complete(column, self)
            for answer, value in zip(waiting.answers, completed, strict=True):
                answer[waiting.key] = value
        elif root is not None and root.answers is waiting.answers and isinstance(error, Exception):
            self._faults.append((root.fault, error))
        else:
            raise error

    def abandon(self) -> None:
        """Begin nothing of what has not been begun."""
        for awaitable in _awaitables(self._waiting):
            if inspect.iscoroutine(awaitable):
                awaitable.close()
        self._waiting = []


_OF_ONE = {int, float, bool, type(None)}
"""What counts as one value and no more. A list of these alone, as of what callers keep as metadata, is not gone through."""


def extent(answer: object) -> int:
    """How large an answer is: the characters of its texts and keys, and one for each value in an object or a list.

    Of one that is too large anyway, no more is counted than that it is.
    """
    total = 0
    rest = [answer]
    while rest and total <= limits.MOST_ANSWERED:
        value = rest.pop()
        if isinstance(value, str):
            total += len(value)
        elif isinstance(value, dict):
            fields = cast("dict[str, object]", value)
            total += sum(map(len, fields)) + len(fields)
            rest.extend(fields.values())
        elif isinstance(value, list):
            values = cast("list[object]", value)
            total += len(values)
            if not set(map(type, values)) <= _OF_ONE:
                rest.extend(values)
    return total


def has_awaitables(values: Sequence[Any]) -> bool:
    """Whether any of these has to be awaited."""
    return any(issubclass(kind, Awaitable) for kind in set(map(type, values)))


def _outcome(awaited: asyncio.Future[Any]) -> Any:
    return (
        asyncio.CancelledError() if awaited.cancelled() else awaited.exception() or awaited.result()
    )


def _awaitables(waiting: Sequence[_Waiting]) -> Iterator[Awaitable[Any]]:
    for value in chain.from_iterable(one.values for one in waiting):
        if isinstance(value, Awaitable):
            yield value
