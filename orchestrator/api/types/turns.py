"""Turns: proposals, critiques and ballots, and what each has to do with the others."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import datetime

import strawberry

from orchestrator.api.context import Info
from orchestrator.api.ids import Node
from orchestrator.api.pages import Connection, connection
from orchestrator.api.shown import Shown
from orchestrator.api.types import agents as agent_types
from orchestrator.api.types import lazy
from orchestrator.api.types.endpoints import Model
from orchestrator.api.types.usage import Usage
from orchestrator.domain import councils, deliberations
from orchestrator.domain.deliberations import TurnKind
from orchestrator.domain.pages import Page, PageRequest
from orchestrator.domain.reading import Reading


@dataclass(frozen=True, slots=True)
class Table:
    """A deliberation with everything that was said in it."""

    deliberation: deliberations.Deliberation
    reading: Reading

    def seat(self, number: int) -> councils.Seat:
        """The seat of a number, as accepted."""
        return next(seat for seat in self.deliberation.seats if seat.number == number)


def _kind(self: Turn) -> TurnKind:
    return self.source.key.kind


def _sequence(self: Turn) -> int:
    return place_of(self.source)


def _round(self: Turn) -> int:
    return self.source.key.round


def _sample(self: Turn) -> int:
    return self.source.key.sample


@strawberry.interface(description="One answer of one agent, recorded once and never changed.")
class Turn(Node, Shown[deliberations.Turn]):
    """A turn."""

    kind: deliberations.TurnKind = strawberry.field(
        resolver=_kind, description="What the agent was asked for."
    )
    outcome: deliberations.TurnOutcome = strawberry.field(description="Whether it answered.")
    sequence: int = strawberry.field(
        resolver=_sequence,
        description="Its place among the deliberation's events; grows, with gaps.",
    )
    round: int = strawberry.field(
        resolver=_round, description="From 1; the first proposals belong to round 0."
    )
    sample: int = strawberry.field(
        resolver=_sample,
        description="From 1; more than one only where a seat answers several times to the same question. That is of a protocol to come: in PEER_REVIEW none does.",
    )
    content: str | None = strawberry.field(
        description="What the agent said; none where it was absent, or where `council prune` took it out: the deliberation's `prunedAt` says so."
    )
    reasoning: str | None = strawberry.field(
        description="What a reasoning model thought before it answered, kept apart."
    )
    absence: str | None = strawberry.field(description="Why the agent was absent.")
    finish_reason: str | None = strawberry.field(
        description="Why the model stopped, in its server's word."
    )
    attempts: int = strawberry.field(description="How often the model was asked.")
    prompt_version: str | None = strawberry.field(
        description="Which version of the prompts it was asked with."
    )
    latency_ms: int = strawberry.field(description="How long the agent took, in milliseconds.")
    started_at: datetime = strawberry.field(description="When it was first asked.")
    finished_at: datetime = strawberry.field(description="When it had answered, or was given up.")
    table: strawberry.Private[Table]

    @strawberry.field(description="What it belongs to.")
    def deliberation(self) -> lazy.Deliberation:
        return lazy.show_deliberation(self.table.deliberation)

    @strawberry.field(
        description="Whose turn it was, as the seat was when the deliberation was accepted."
    )
    def seat(self) -> agent_types.Seat:
        return agent_types.Seat.recorded_of(self.table.seat(self.source.key.seat))

    @strawberry.field(description="Who had the seat.", graphql_type=agent_types.Agent)
    def agent(self, info: Info) -> agent_types.Agent | Awaitable[agent_types.Agent]:
        return agent_types.agent_now(info, self.table.seat(self.source.key.seat).agent)

    @strawberry.field(description="The model that answered.")
    def model(self) -> Model:
        return Model.of(self.table.seat(self.source.key.seat).model)

    @strawberry.field(description="The tokens that it took.")
    def usage(self) -> Usage:
        return Usage.of(self.source.usage)


@strawberry.type(description="An answer to the task; one that revises another is a revision.")
class Proposal(Turn):
    """A proposal or a revision."""

    @strawberry.field(description="The own proposal that it was written in place of.")
    def revises(self) -> Proposal | None:
        return _proposal(self.table, self.source.revises)

    @strawberry.field(description="The revision that stands in its place.")
    def revised_by(self) -> Proposal | None:
        revision = self.table.reading.revised_by.get(self.id)
        return None if revision is None else _proposal(self.table, revision.id)

    @strawberry.field(description="The critiques of it.")
    def critiques(self) -> list[Critique]:
        return _critiques(self.table, self.table.reading.critiques.get(self.id, ()))

    @strawberry.field(
        description="The critiques of its predecessor that it was written in answer to."
    )
    def answers(self) -> list[Critique]:
        return _critiques(self.table, self.table.reading.among(self.source.answers))

    @strawberry.field(description="Its place in the verdict's ranking, from 1.")
    def rank(self) -> int | None:
        place = self.table.reading.places.get(self.id)
        return None if place is None else place.rank

    @strawberry.field(description="Its score in the verdict's ranking, from 0 to 1.")
    def score(self) -> float | None:
        place = self.table.reading.places.get(self.id)
        return None if place is None else place.score


@strawberry.type(description="What an agent finds wrong with another's proposal.")
class Critique(Turn):
    """A critique."""

    @strawberry.field(description="The proposal that it is about.")
    def target(self) -> Proposal:
        return proposal(self.table, self.source.target)


@strawberry.type(description="An agent's ranking of the others' proposals.")
class Ballot(Turn):
    """A ballot."""

    @strawberry.field(description="Best first; never the voter's own.")
    def choices(self) -> list[Proposal]:
        return [proposal(self.table, choice) for choice in self.source.choices]


def turn(table: Table, source: deliberations.Turn) -> Proposal | Critique | Ballot:
    """Show a turn as what it is."""
    match source.key.kind:
        case TurnKind.PROPOSAL | TurnKind.REVISION:
            shown = Proposal
        case TurnKind.CRITIQUE:
            shown = Critique
        case TurnKind.BALLOT:
            shown = Ballot
    one = shown.of(source)
    one.table = table
    return one


def proposal(table: Table, identifier: str | None) -> Proposal:
    """Show the proposal that another turn tells of; that it is missing is a fault of the graph."""
    shown = _proposal(table, identifier)
    if shown is None:
        msg = f"{table.deliberation.id} has no proposal {identifier}"
        raise LookupError(msg)
    return shown


def ballots(table: Table, identifiers: tuple[str, ...]) -> list[Ballot]:
    """Show ballots, in the order of the ids."""
    shown = (turn(table, ballot) for ballot in table.reading.among(identifiers))
    return [ballot for ballot in shown if isinstance(ballot, Ballot)]


def standing(table: Table) -> list[Proposal]:
    """Show the standing proposals."""
    return [proposal(table, last.id) for last in table.reading.standing()]


def turns_page(table: Table, page: PageRequest, kinds: list[TurnKind] | None) -> Connection[Turn]:
    """Cut a page out of the transcript, whose keys are the sequences."""
    listed = [
        source
        for source in table.reading.transcript.turns
        if kinds is None or source.key.kind in kinds
    ]

    async def count() -> int:
        return len(listed)

    return connection(
        _cut(listed, page),
        node=lambda source: turn(table, source),
        key=lambda source: str(place_of(source)),
        count=count,
    )


def _cut(listed: Sequence[deliberations.Turn], page: PageRequest) -> Page[deliberations.Turn]:
    sequences = [place_of(source) for source in listed]
    if page.backward:
        end = len(listed) if page.key is None else bisect_left(sequences, int(page.key))
        start = max(0, end - page.limit)
    else:
        start = 0 if page.key is None else bisect_right(sequences, int(page.key))
        end = min(len(listed), start + page.limit)
    return Page(items=tuple(listed[start:end]), has_next=end < len(listed), has_previous=start > 0)


def place_of(source: deliberations.Turn) -> int:
    """Where a turn stands among the events of its deliberation."""
    if source.sequence is None:
        msg = f"{source.id} has no sequence: it was not recorded"
        raise ValueError(msg)
    return source.sequence


def _proposal(table: Table, identifier: str | None) -> Proposal | None:
    source = None if identifier is None else table.reading.turns.get(identifier)
    shown = None if source is None else turn(table, source)
    return shown if isinstance(shown, Proposal) else None


def _critiques(table: Table, sources: tuple[deliberations.Turn, ...]) -> list[Critique]:
    shown = (turn(table, source) for source in sources)
    return [critique for critique in shown if isinstance(critique, Critique)]
