"""A transcript read as a whole: what stands, what answers what, and how far it has come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.domain.deliberations import (
    Deliberation,
    RankedProposal,
    Turn,
    TurnKind,
)
from orchestrator.domain.protocols import PROTOCOLS
from orchestrator.domain.protocols.steps import Rules, Take
from orchestrator.domain.transcripts import Outcome, Transcript

_PROPOSING = frozenset({TurnKind.PROPOSAL, TurnKind.REVISION})
_ORDER = {kind: place for place, kind in enumerate(TurnKind)}


@dataclass(frozen=True, slots=True)
class Progress:
    """How many turns are recorded, how many there are where nobody is absent, and the earliest kind that is due."""

    turns_taken: int
    turns_expected: int
    phase: TurnKind | None


@dataclass(frozen=True, slots=True)
class Reading:
    """The turns of a deliberation by their ids, and what follows from them."""

    transcript: Transcript
    turns: Mapping[str, Turn]
    revised_by: Mapping[str, Turn]
    """The revision of a proposal, by the proposal's id."""
    critiques: Mapping[str, tuple[Turn, ...]]
    """The critiques of a proposal, by the proposal's id."""
    places: Mapping[str, RankedProposal]
    """The place in the verdict's ranking, by the proposal's id."""

    @property
    def outcome(self) -> Outcome | None:
        """The verdict, where there is one."""
        return self.transcript.outcome

    def among(self, identifiers: tuple[str, ...]) -> tuple[Turn, ...]:
        """The turns of these ids, in their order."""
        return tuple(self.turns[identifier] for identifier in identifiers)

    def standing(self) -> tuple[Turn, ...]:
        """The last proposal or revision of each seat: best first once there is a verdict, else by seat."""
        last: dict[int, Turn] = {}
        for turn in sorted(self.turns.values(), key=lambda turn: turn.key.round):
            if turn.key.kind in _PROPOSING and turn.taken:
                last[turn.key.seat] = turn
        unranked = len(last) + 1
        return tuple(
            sorted(
                last.values(),
                key=lambda turn: (
                    self.places[turn.id].rank if turn.id in self.places else unranked,
                    turn.key.seat,
                ),
            )
        )


def read(transcript: Transcript) -> Reading:
    """Read a transcript once, for everything that is asked of it."""
    critiques: defaultdict[str, list[Turn]] = defaultdict(list)
    for turn in transcript.turns:
        if turn.target is not None:
            critiques[turn.target].append(turn)
    ranking = () if transcript.outcome is None else transcript.outcome.verdict.ranking
    return Reading(
        transcript=transcript,
        turns={turn.id: turn for turn in transcript.turns},
        revised_by={
            turn.revises: turn
            for turn in transcript.turns
            if turn.revises is not None and turn.taken
        },
        critiques={target: tuple(turns) for target, turns in critiques.items()},
        places={place.proposal: place for place in ranking},
    )


def progress(deliberation: Deliberation, reading: Reading) -> Progress:
    """Say how far a deliberation has come."""
    protocol = PROTOCOLS[deliberation.protocol]
    rules = Rules.of(deliberation)
    phase = None
    if not deliberation.status.ended:
        step = protocol.next_step(rules, reading.transcript.turns)
        if isinstance(step, Take):
            earliest = min(step.asks, key=lambda ask: (ask.key.round, _ORDER[ask.key.kind]))
            phase = earliest.key.kind
    return Progress(len(reading.transcript.turns), protocol.turns_expected(rules), phase)
