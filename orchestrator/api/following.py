"""The events of a deliberation: those recorded first, then what happens, without a gap and without a double."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from datetime import datetime

from strawberry import ID

from orchestrator.api.context import Context
from orchestrator.api.types import events
from orchestrator.api.types.agents import Seat
from orchestrator.api.types.deliberations import Deliberation
from orchestrator.api.types.turns import Table, turn
from orchestrator.domain import deliberations
from orchestrator.domain.ids import turn_named
from orchestrator.domain.reading import read
from orchestrator.engine.events import LiveEvent, Moved, TokensSpoken, TurnBegan


class Follow:
    """Where one follower stands: the deliberation as it was last read, and the last sequence that he was told."""

    def __init__(
        self, context: Context, deliberation: deliberations.Deliberation, after: int | None
    ) -> None:
        """`after` is the sequence that he was told already, by an earlier subscription."""
        self._context = context
        self._deliberation = deliberation
        self._told = after or 0
        self._read: int | None = None
        self._recorded: frozenset[str] = frozenset()
        self._over = False

    async def events(
        self, live: AsyncIterator[LiveEvent | None]
    ) -> AsyncGenerator[events.DeliberationEvent, None]:
        """Tell everything; `live` was followed from before the deliberation was read.

        Whoever reads slowly holds up nothing but himself: recorded events are read from the graph
        when he comes for them, and of the others `live` keeps a bounded number.
        """
        async for event in self._recorded_since():
            yield event
        while not self._over:
            happened = await anext(live)
            if happened is None or isinstance(happened, Moved):
                async for event in self._recorded_since():
                    yield event
            else:
                event = self._shown(happened)
                if event is not None:
                    yield event

    async def _recorded_since(self) -> AsyncGenerator[events.DeliberationEvent, None]:
        """Read the graph where it has moved on, and tell what is new."""
        id_ = self._deliberation.id
        records = self._context.ports.records
        if self._read is not None:
            now = (await records.deliberations_by_id([id_])).get(id_)
            if now is None or now.sequence == self._read:
                return
            self._deliberation = now
        self._context.refresh()
        transcript = (await self._context.loaders.readings.load(id_)).transcript
        if transcript.ended is not None and not self._deliberation.status.ended:
            # It ended between the two reads.
            ended = (await records.deliberations_by_id([id_])).get(id_)
            self._deliberation = ended or self._deliberation
        table = Table(self._deliberation, read(transcript))
        self._read = self._deliberation.sequence
        self._recorded = frozenset(table.reading.turns)
        self._over = transcript.ended is not None
        for event in sorted(_events(table), key=lambda event: event.sequence):
            if event.sequence > self._told:
                self._told = event.sequence
                self._prime(table)
                yield event

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
            seat=Seat.of(seat, recorded=True),
            attempt=happened.attempt,
        )

    def _prime(self, table: Table | None) -> None:
        """Let the next event be resolved with what is known now, and nothing older."""
        self._context.refresh()
        loaders = self._context.loaders
        loaders.deliberations.prime(self._deliberation.id, self._deliberation)
        if table is not None:
            loaders.readings.prime(self._deliberation.id, table.reading)


def _events(table: Table) -> Iterator[events.DeliberationEvent]:
    """All that is recorded, in no order."""
    transcript = table.reading.transcript
    shown = Deliberation.of(table.deliberation)
    for claim in transcript.claims:
        yield events.DeliberationClaimed(
            sequence=claim.sequence, at=claim.at, deliberation=shown, resumed=claim.resumed
        )
    for source in transcript.turns:
        taken = turn(table, source)
        yield events.TurnTaken(
            sequence=taken.sequence, at=source.finished_at, deliberation=shown, turn=taken
        )
    if transcript.ended is not None:
        yield events.DeliberationEnded(
            sequence=transcript.ended, at=_end(table.deliberation), deliberation=shown
        )


def _end(deliberation: deliberations.Deliberation) -> datetime:
    if deliberation.finished_at is None:
        msg = f"{deliberation.id} has ended and does not say when"
        raise LookupError(msg)
    return deliberation.finished_at
