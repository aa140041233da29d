"""The events of a deliberation: those recorded first, then what happens, without a gap and without a double.

A transcript is read without isolation: of two turns that were committed together, one may be seen
without the other. So nothing is told beyond the sequence that the deliberation had before its
transcript was read, as all up to it was committed then, and nothing after a number that is missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from datetime import datetime

from strawberry import ID

from orchestrator.api.context import Context
from orchestrator.api.loaders import as_of
from orchestrator.api.types import events
from orchestrator.api.types.agents import Seat
from orchestrator.api.types.deliberations import Deliberation
from orchestrator.api.types.turns import Table, place_of, turn
from orchestrator.domain import deliberations
from orchestrator.domain.errors import InvalidInput, RefusedError
from orchestrator.domain.ids import turn_named
from orchestrator.domain.reading import read
from orchestrator.domain.transcripts import Transcript
from orchestrator.domain.values import replace
from orchestrator.engine.events import LiveEvent, Moved, TokensSpoken, TurnBegan

_AGAIN_SECONDS = 1.0
"""After how long is read again what could not be seen yet."""


class Follow:
    """Where one follower stands: the deliberation as it was last read, and the last sequence that he was told."""

    def __init__(
        self, context: Context, deliberation: deliberations.Deliberation, after: int | None
    ) -> None:
        """`after` is the sequence that he was told already, by an earlier subscription."""
        self._context = context
        self._deliberation = deliberation
        self._told = after or 0
        self._read = 0
        """How far it was read."""
        self._come = 0
        """How far it has come, as far as is known."""
        self._missing: frozenset[int] = frozenset()
        """The numbers that the last look did not find, although they had been committed."""
        self._half_read: int | None = None
        """The number of the end, where the last look saw it and not all of it: a second such look is at a graph with a fault."""
        self._recorded: frozenset[str] = frozenset()
        self._over = False

    async def events(
        self, live: AsyncIterator[LiveEvent]
    ) -> AsyncGenerator[events.DeliberationEvent, None]:
        """Tell everything; `live` is followed already, and the deliberation is read anew after that.

        Whoever reads slowly holds up nothing but himself: recorded events are read from the graph
        when he comes for them, and of the others `live` keeps a bounded number.
        """
        happened: LiveEvent | None = None
        while True:
            if happened is None or isinstance(happened, Moved):
                await self._context.give_way()
                async for event in self._recorded_since():
                    yield event
            elif (event := self._shown(happened)) is not None:
                yield event
            if self._over:
                return
            happened = await self._next(live)

    async def _next(self, live: AsyncIterator[LiveEvent]) -> LiveEvent | None:
        """Return what happens next; none where what has happened is to be read again."""
        while True:
            # Another server of a cluster may have answered who told this, and be ahead of the one that was read from.
            behind = self._read < self._come
            try:
                async with asyncio.timeout(_AGAIN_SECONDS if behind else None):
                    happened = await anext(live)
            except TimeoutError:
                return None
            if not isinstance(happened, Moved) or happened.sequence is None:
                return happened
            self._come = max(self._come, happened.sequence)
            if self._come != self._read:
                return happened

    async def _recorded_since(self) -> AsyncGenerator[events.DeliberationEvent, None]:
        """Read the graph where it has moved on, and tell what is new."""
        followed = await self._context.ports.records.followed(self._deliberation.id)
        if followed is None:
            # It was pruned, so it had ended; nothing is left to tell.
            self._over = True
            return
        await self._context.give_way()
        now, seen = followed
        self._come = max(self._come, now.sequence)
        if now.sequence == self._read:
            return
        # Who sits on it was read when the following began, and does not change.
        now = self._deliberation = replace(now, seats=self._deliberation.seats)
        committed = now.sequence
        if not _as_one(now, seen) and self._half_read != committed:
            self._half_read = committed
            committed -= 1
        settled = self._settled(seen, committed)
        transcript = seen.until(settled)
        table = Table(now, read(transcript))
        self._read = settled
        self._recorded = frozenset(table.reading.turns)
        if transcript.ended is not None:
            self._over = True
            self._refuse_beyond(transcript.ended)
        for event in sorted(_events(table), key=lambda event: event.sequence):
            if event.sequence > self._told:
                await self._context.give_way()
                self._told = event.sequence
                self._prime(table)
                yield event
        # Whoever follows for long does not keep all that was said.
        self._context.refresh()

    def _refuse_beyond(self, last: int) -> None:
        """Refuse who says that he was told of more than there is: he would take what he was not told, the end among it, for told."""
        if self._told > last:
            message = f"after must be {last} at most, the sequence of its end, and is {self._told}"
            raise RefusedError(InvalidInput(message=message, path=("after",)))

    def _settled(self, seen: Transcript, committed: int) -> int:
        """How far the events can be told: to the first that is missing and was not missing before.

        A number that stays away has no event: numbers grow, and may leave gaps.
        """
        missing = frozenset(range(1, committed + 1)).difference(
            [turn.sequence for turn in seen.turns if turn.sequence is not None],
            [claim.sequence for claim in seen.claims],
            () if seen.ended is None else (seen.ended,),
        )
        new, self._missing = missing - self._missing, missing
        return min(new) - 1 if new else committed

    def _shown(self, happened: TurnBegan | TokensSpoken) -> events.DeliberationEvent | None:
        """Show what only this process knows; what was said before a turn that was told already is old news."""
        named = turn_named(happened.turn)
        if named is None or happened.turn in self._recorded:
            return None
        self._prime(None)
        shown = Deliberation.of(self._deliberation)
        if isinstance(happened, TokensSpoken):
            return events.TokensSpoken(
                sequence=self._told,
                at=happened.at,
                deliberation=shown,
                turn_id=ID(happened.turn),
                attempt=happened.attempt,
                offset=happened.offset,
                text=happened.text,
            )
        _, key = named
        seat = next(seat for seat in self._deliberation.seats if seat.number == key.seat)
        return events.TurnBegan(
            sequence=self._told,
            at=happened.at,
            deliberation=shown,
            turn_id=ID(happened.turn),
            kind=key.kind,
            round=key.round,
            seat=Seat.recorded_of(seat),
            attempt=happened.attempt,
        )

    def _prime(self, table: Table | None) -> None:
        """Let the next event be resolved with what is known now, and nothing older."""
        self._context.refresh()
        loaders = self._context.loaders
        loaders.deliberations.prime(self._deliberation.id, self._deliberation)
        if table is not None:
            for brief in (False, True):
                loaders.readings.prime(as_of(self._deliberation, brief=brief), table.reading)


def _as_one(now: deliberations.Deliberation, seen: Transcript) -> bool:
    """Tell whether a deliberation that has the sequence of its end has the rest of it, too.

    Neo4j writes what is committed into its store one property after the other, for all to see.
    """
    return seen.ended != now.sequence or (now.status.ended and now.finished_at is not None)


def _events(table: Table) -> Iterator[events.DeliberationEvent]:
    """All that is recorded, in no order."""
    transcript = table.reading.transcript
    shown = Deliberation.of(table.deliberation)
    for claim in transcript.claims:
        yield events.DeliberationClaimed(
            sequence=claim.sequence, at=claim.at, deliberation=shown, resumed=claim.resumed
        )
    for source in transcript.turns:
        yield events.TurnTaken(
            sequence=place_of(source),
            at=source.finished_at,
            deliberation=shown,
            turn=turn(table, source),
        )
    if transcript.ended is not None:
        yield events.DeliberationEnded(
            sequence=transcript.ended, at=_end(table.deliberation), deliberation=shown
        )


def _end(deliberation: deliberations.Deliberation) -> datetime:
    if not deliberation.status.ended or deliberation.finished_at is None:
        msg = f"{deliberation.id} has ended, and does not say how or when"
        raise LookupError(msg)
    return deliberation.finished_at
