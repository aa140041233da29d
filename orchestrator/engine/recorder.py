"""The recorder: every turn of this process goes to the graph through it, one write at a time.

A turn is written the moment it ends; turns that end while a write is under way go together in the
next one. Nothing waits for a timer, nothing is acknowledged before its commit, and nothing is dropped
while its claim holds.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
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

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Waiting:
    recording: Recording
    recorded: asyncio.Future[Turn]


class Recorder:
    """Records turns; `run` must be running for `record` to answer."""

    def __init__(self, deliberations: Deliberations) -> None:
        self._deliberations = deliberations
        self._waiting: deque[_Waiting] = deque()
        self._writing: list[_Waiting] = []
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
        self._news.set()
        self._idle.clear()
        # The write goes on when whoever waits for it is cancelled: what was answered is recorded.
        return await asyncio.shield(waiting.recorded)

    async def settled(self, deliberation: str) -> None:
        """Wait until no turn of a deliberation is on its way into the graph."""
        on_their_way = [
            waiting.recorded
            for waiting in (*self._writing, *self._waiting)
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
        while True:
            await self._news.wait()
            await self._all_of_this_moment()
            self._writing = self._next_batch()
            if not self._waiting:
                self._news.clear()
            await self._write(self._writing)
            self._writing = []
            if not self._waiting:
                self._idle.set()

    async def _all_of_this_moment(self) -> None:
        """Let everybody else have a turn, as long as that brings more: answers that came together go together."""
        before = 0
        while before < len(self._waiting) < _LARGEST_BATCH:
            before = len(self._waiting)
            await asyncio.sleep(0)

    def _next_batch(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        characters = 0
        while self._waiting and len(batch) < _LARGEST_BATCH:
            turn = self._waiting[0].recording.turn
            characters += len(turn.content or "") + len(turn.reasoning or "")
            if batch and characters > _MOST_CHARACTERS:
                break
            batch.append(self._waiting.popleft())
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
