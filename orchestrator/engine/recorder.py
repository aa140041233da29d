"""The recorder: every turn of this process goes to the graph through it.

A turn is written the moment it ends; turns that end while a write is under way go together in the
next one. Where many wait, a second write goes beside the first, of other deliberations. Nothing waits for
a timer, nothing is acknowledged before its commit, and nothing is dropped while its claim holds.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from orchestrator.domain.deliberations import Turn, TurnOutcome
from orchestrator.domain.errors import ClaimLostError, UnrecordableError
from orchestrator.engine.patience import until_available
from orchestrator.engine.ports import Deliberations, Recording

_LARGEST_BATCH = 128
_MOST_CHARACTERS = 4_000_000
"""Of the turns of one batch, but for a batch of one: a transaction has to fit into Neo4j's memory."""

_WRITES_AT_ONCE = 2
_WORTH_ANOTHER_WRITE = 48
"""Turns that wait: fewer cost Neo4j less when they go together in the next write."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    recording: Recording
    recorded: asyncio.Future[Turn]


class Recorder:
    """Records turns; `run` must be running for `record` to answer."""

    def __init__(self, deliberations: Deliberations) -> None:
        self._deliberations = deliberations
        self._waiting: deque[_Waiting] = deque()
        self._under_way: list[list[_Waiting]] = []
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    async def record(self, recording: Recording) -> Turn:
        """Return the turn as it was recorded, with its sequence; it may have become an absence.

        Raises:
            ClaimLostError: another process holds the deliberation; the turn was not recorded.
            UnrecordableError: not even its absence can be stored.
        """
        waiting = _Waiting(recording, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._idle.clear()
        self._look()
        # The write goes on when whoever waits for it is cancelled: what was answered is recorded.
        return await asyncio.shield(waiting.recorded)

    async def settled(self, deliberation: str) -> None:
        """Wait until no turn of a deliberation is on its way into the graph."""
        on_their_way = [
            waiting.recorded
            for waiting in (*itertools.chain.from_iterable(self._under_way), *self._waiting)
            if waiting.recording.deliberation == deliberation and not waiting.recorded.done()
        ]
        if on_their_way:
            await asyncio.wait(on_their_way)

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
                if batch := self._next_batch():
                    self._under_way.append(batch)
                    writes.create_task(self._carry_out(batch))
                    self._look()

    async def _carry_out(self, batch: list[_Waiting]) -> None:
        await self._write(batch)
        self._under_way.remove(batch)
        if not self._waiting and not self._under_way:
            self._idle.set()
        self._look()

    def _look(self) -> None:
        """Have the next write begin, if there is one and this is its time."""
        if not self._waiting:
            return
        if not self._under_way or (
            len(self._under_way) < _WRITES_AT_ONCE and len(self._waiting) >= _WORTH_ANOTHER_WRITE
        ):
            self._news.set()

    async def _all_of_this_moment(self) -> None:
        """Let everybody else have a turn, as long as that brings more: answers that came together go together."""
        before = 0
        while before < len(self._waiting) < _LARGEST_BATCH:
            before = len(self._waiting)
            await asyncio.sleep(0)

    def _next_batch(self) -> list[_Waiting]:
        # One deliberation is in one write at a time: another would only wait for its lock.
        busy = {w.recording.deliberation for batch in self._under_way for w in batch}
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
        return batch

    async def _write(self, batch: Sequence[_Waiting]) -> None:
        recordings = [waiting.recording for waiting in batch]
        try:
            recorded = await until_available(lambda: self._deliberations.record(recordings))
        except UnrecordableError as error:
            await self._write_apart(batch, error)
            return
        for waiting in batch:
            if waiting.recorded.done():
                continue
            turn = waiting.recording.turn
            sequence = recorded.sequences.get(turn.id)
            if sequence is None:
                waiting.recorded.set_exception(
                    ClaimLostError(waiting.recording.deliberation, waiting.recording.epoch)
                )
                # Whoever waited may have been cancelled: then nobody retrieves it, and that is fine.
                waiting.recorded.exception()
            else:
                waiting.recorded.set_result(dataclasses.replace(turn, sequence=sequence))

    async def _write_apart(self, batch: Sequence[_Waiting], error: UnrecordableError) -> None:
        """Split a batch that was refused until the row that cannot be stored is alone."""
        if len(batch) > 1:
            middle = len(batch) // 2
            await self._write(batch[:middle])
            await self._write(batch[middle:])
            return
        (waiting,) = batch
        turn = waiting.recording.turn
        # Why is in the graph, with the absence: what Neo4j says of a value may quote it.
        _log.warning(
            "turn_unrecordable",
            deliberation=waiting.recording.deliberation,
            epoch=waiting.recording.epoch,
            turn=turn.id,
            seat=turn.key.seat,
        )
        if not turn.taken:
            waiting.recorded.set_exception(error)
            waiting.recorded.exception()
            return
        absence = dataclasses.replace(
            turn,
            outcome=TurnOutcome.ABSENT,
            content=None,
            reasoning=None,
            finish_reason=None,
            choices=(),
            absence=f"could not be recorded: {error.reason}",
        )
        await self._write(
            [_Waiting(dataclasses.replace(waiting.recording, turn=absence), waiting.recorded)]
        )
