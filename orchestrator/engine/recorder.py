"""The recorder: every turn of this process goes to the graph through it, the last one with the verdict that it leads to.

A turn is written the moment it ends; turns that end while a write is under way go together in the
next one. Where many wait, a second write goes beside the first, of other deliberations. Nothing waits for
a timer, nothing is acknowledged before its commit, and nothing is dropped while its claim holds.
What cannot be written now, such as for a lock that somebody else has, is tried again beside all the rest.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from orchestrator.domain.deliberations import Turn, TurnOutcome
from orchestrator.domain.errors import (
    ClaimLostError,
    GivenUpError,
    UnavailableError,
    UnrecordableError,
)
from orchestrator.domain.values import replace
from orchestrator.engine.patience import until_available
from orchestrator.engine.ports import Deliberations, Recorded, Recording

_LARGEST_BATCH = 128
_MOST_CHARACTERS = 4_000_000
"""Of the turns of one batch, but for a batch of one: a transaction has to fit into Neo4j's memory."""

_WRITES_AT_ONCE = 2
_WORTH_ANOTHER_WRITE = 48
"""Turns that wait: fewer cost Neo4j less when they go together in the next write."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a recording: the turn as it was recorded, and whether its conclusion is written, too."""

    turn: Turn
    decided: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    recording: Recording
    written: asyncio.Future[Written]


def warn(event: str, recordings: Sequence[Recording]) -> None:
    """Tell the log of turns: a line a deliberation, so that who looks for one finds it."""
    of: dict[tuple[str, int], list[str]] = {}
    for one in recordings:
        of.setdefault((one.deliberation, one.epoch), []).append(one.turn.id)
    for (deliberation, epoch), turns in of.items():
        _log.warning(event, deliberation=deliberation, epoch=epoch, turns=turns)


class _Write:
    """Turns that go into the graph together."""

    def __init__(self, turns: Sequence[_Waiting]) -> None:
        self.turns = turns
        self.recordings = [waiting.recording for waiting in turns]
        self.deliberations = frozenset(one.deliberation for one in self.recordings)
        self.held_up = False
        """Of one deliberation, for which the graph could not do it when it was asked: others are not to wait for that."""
        self.what: str | None = None
        """What the graph said when it was asked last and did not do it, in words."""

    def put_off(self, error: UnavailableError) -> None:
        """Note why the graph did not do it; the log is told the first time."""
        if self.what is None:
            # Why is told by `obstacles`: what Neo4j says of a value may quote it.
            warn("turns_held_up", self.recordings)
        self.held_up = isinstance(error, GivenUpError)
        self.what = error.what

    def apart(self) -> list[_Write]:
        """The same turns, each deliberation's alone."""
        of: dict[str, list[_Waiting]] = {}
        for waiting in self.turns:
            of.setdefault(waiting.recording.deliberation, []).append(waiting)
        return [_Write(turns) for turns in of.values()]

    def halves(self) -> list[_Write]:
        """The same turns in two writes."""
        middle = len(self.turns) // 2
        return [_Write(self.turns[:middle]), _Write(self.turns[middle:])]


class _TogetherError(Exception):
    """The graph could not do it now, for one of several deliberations."""


class Recorder:
    """Records turns; `run` must be running for `record` to answer."""

    def __init__(self, deliberations: Deliberations) -> None:
        self._deliberations = deliberations
        self._waiting: deque[_Waiting] = deque()
        self._under_way: list[_Write] = []
        self._split: list[_Write] = []
        """Parts of writes that were more than the graph would take; they come before what is new."""
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    async def record(self, recording: Recording) -> Written:
        """Return the turn as it was recorded, with its sequence; it may have become an absence, which concludes nothing.

        Raises:
            ClaimLostError: another process holds the deliberation; the turn was not recorded.
            UnrecordableError: not even its absence can be stored.
        """
        waiting = _Waiting(recording, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._idle.clear()
        self._look()
        # The write goes on when whoever waits for it is cancelled: what was answered is recorded.
        return await asyncio.shield(waiting.written)

    async def settled(self, deliberation: str) -> None:
        """Wait until no turn of a deliberation is on its way into the graph."""
        on_their_way = [
            waiting.written
            for waiting in self._on_their_way()
            if waiting.recording.deliberation == deliberation
        ]
        if on_their_way:
            await asyncio.wait(on_their_way)

    @property
    def unrecorded(self) -> list[Recording]:
        """What is not in the graph yet."""
        return [waiting.recording for waiting in self._on_their_way()]

    def _on_their_way(self) -> list[_Waiting]:
        writes = itertools.chain(self._under_way, self._split)
        turns = itertools.chain.from_iterable(write.turns for write in writes)
        return [
            waiting
            for waiting in itertools.chain(turns, self._waiting)
            if not waiting.written.done()
        ]

    def obstacles(self, deliberation: str) -> tuple[str, ...]:
        """Say what keeps turns of a deliberation from being recorded, in words."""
        return tuple(
            f"its turns to be recorded, since {write.what}"
            for write in self._under_way
            if write.what is not None and deliberation in write.deliberations
        )

    async def emptied(self, patience: timedelta) -> bool:
        """Wait until nothing waits to be written; false where it still does after `patience`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience.total_seconds()):
                await self._idle.wait()
        return self._idle.is_set()

    async def run(self) -> None:
        """Write what comes, until cancelled."""
        async with asyncio.TaskGroup() as writes:
            while True:
                await self._news.wait()
                self._news.clear()
                await self._all_of_this_moment()
                if write := self._next():
                    self._under_way.append(write)
                    writes.create_task(self._carry_out(write))
                    self._look()

    async def _carry_out(self, write: _Write) -> None:
        parts = await self._do(write)
        self._under_way.remove(write)
        self._split[:0] = parts
        if not self._waiting and not self._under_way and not self._split:
            self._idle.set()
        self._look()

    def _look(self) -> None:
        """Have the next write begin, if there is one and this is its time."""
        at_once = sum(not write.held_up for write in self._under_way)
        enough = len(self._waiting) >= _WORTH_ANOTHER_WRITE or bool(self._split)
        if (self._waiting or self._split) and (
            not at_once or (at_once < _WRITES_AT_ONCE and enough)
        ):
            self._news.set()

    async def _all_of_this_moment(self) -> None:
        """Let everybody else have a turn, as long as that brings more: answers that came together go together."""
        before = 0
        while before < len(self._waiting) < _LARGEST_BATCH:
            before = len(self._waiting)
            await asyncio.sleep(0)

    def _next(self) -> _Write | None:
        # One deliberation is in one write at a time: another would only wait for its lock.
        busy = {one for write in self._under_way for one in write.deliberations}
        for part in self._split:
            if busy.isdisjoint(part.deliberations):
                self._split.remove(part)
                return part
            busy |= part.deliberations
        batch: list[_Waiting] = []
        later: list[_Waiting] = []
        characters = 0
        while self._waiting and len(batch) < _LARGEST_BATCH:
            waiting = self._waiting[0]
            if waiting.recording.deliberation in busy:
                later.append(self._waiting.popleft())
                continue
            turn = waiting.recording.turn
            characters += len(turn.content or "") + len(turn.reasoning or "")
            if batch and characters > _MOST_CHARACTERS:
                break
            batch.append(self._waiting.popleft())
        self._waiting.extendleft(reversed(later))
        return _Write(batch) if batch else None

    async def _do(self, write: _Write) -> list[_Write]:
        """Write it, and return what has to be written in its place."""

        async def record() -> Recorded:
            try:
                return await self._deliberations.record(write.recordings)
            except GivenUpError as error:
                if len(write.deliberations) > 1:
                    raise _TogetherError from error
                raise

        def held_up(error: UnavailableError) -> None:
            write.put_off(error)
            self._look()

        try:
            recorded = await until_available(record, tell=held_up)
        except _TogetherError:
            return write.apart()
        except UnrecordableError as error:
            return write.halves() if len(write.turns) > 1 else self._refused(write.turns[0], error)
        for waiting in write.turns:
            if waiting.written.done():
                continue
            turn = waiting.recording.turn
            claim = (waiting.recording.deliberation, waiting.recording.epoch)
            sequence = recorded.sequences.get(turn.id)
            if sequence is None:
                waiting.written.set_exception(ClaimLostError(*claim))
                # Whoever waited may have been cancelled: then nobody retrieves it, and that is fine.
                waiting.written.exception()
            else:
                turn = replace(turn, sequence=sequence)
                decided = waiting.recording.conclusion is not None and claim in recorded.decided
                waiting.written.set_result(Written(turn, decided))
        return []

    def _refused(self, waiting: _Waiting, error: UnrecordableError) -> list[_Write]:
        """Have what cannot be stored recorded as absent; what is that already is an error of the program."""
        turn = waiting.recording.turn
        if waiting.recording.conclusion is not None:
            # It may be the conclusion that the graph does not take.
            alone = replace(waiting.recording, conclusion=None)
            return [_Write([_Waiting(alone, waiting.written)])]
        # Why is in the graph, with the absence: what Neo4j says of a value may quote it.
        _log.warning(
            "turn_unrecordable",
            deliberation=waiting.recording.deliberation,
            epoch=waiting.recording.epoch,
            turn=turn.id,
            seat=turn.key.seat,
        )
        if not turn.taken:
            waiting.written.set_exception(error)
            waiting.written.exception()
            return []
        absence = replace(
            turn,
            outcome=TurnOutcome.ABSENT,
            content=None,
            reasoning=None,
            finish_reason=None,
            choices=(),
            absence=f"could not be recorded: {error.reason}",
        )
        recording = replace(waiting.recording, turn=absence)
        return [_Write([_Waiting(recording, waiting.written)])]
