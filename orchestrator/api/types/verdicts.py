"""Verdicts: what a deliberation came to."""

from __future__ import annotations

from datetime import datetime

import strawberry
from strawberry import ID

from orchestrator.api.ids import Node
from orchestrator.api.types import turns
from orchestrator.domain import councils
from orchestrator.domain.transcripts import Outcome


@strawberry.type(
    description="A standing proposal's place in a verdict. score: the mean, over the ballots that could rank it, of (choices - position) / (choices - 1)."
)
class RankedProposal:
    """A place in the ranking."""

    rank: int = strawberry.field(description="From 1.")
    score: float = strawberry.field(
        description="The mean, over the ballots that could rank it, of (choices - position) / (choices - 1)."
    )
    votes: int = strawberry.field(description="Ballots that put it first.")
    proposal: turns.Proposal = strawberry.field(description="What has this place.")


@strawberry.type(
    description="What a deliberation came to: a ranking with a winner, its evidence and its dissent."
)
class Verdict(Node):
    """A verdict."""

    decision: councils.Decision = strawberry.field(description="Who had the last word.")
    margin: float = strawberry.field(
        description="Score of the first less score of the second; 1 where there is no second."
    )
    agreement: float | None = strawberry.field(
        description="Kendall's W of the ballots, 0 to 1; none where it means nothing: a ballot is absent, or a pair was ranked by one voter only."
    )
    partial: bool = strawberry.field(
        description="Reached with turns absent, or before every phase was through."
    )
    decided_at: datetime = strawberry.field(description="When it was recorded.")
    source: strawberry.Private[Outcome]
    table: strawberry.Private[turns.Table]

    @classmethod
    def of(cls, outcome: Outcome, table: turns.Table) -> Verdict:
        """Show a verdict."""
        verdict = outcome.verdict
        return cls(
            id=ID(outcome.id),
            decision=verdict.decision,
            margin=verdict.margin,
            agreement=verdict.agreement,
            partial=verdict.partial,
            decided_at=outcome.decided_at,
            source=outcome,
            table=table,
        )

    @strawberry.field(description="The best of the standing proposals.")
    def winner(self) -> turns.Proposal:
        return turns.proposal(self.table, self.source.verdict.winner)

    @strawberry.field(description="The standing proposals, best first.")
    def ranking(self) -> list[RankedProposal]:
        return [
            RankedProposal(
                rank=place.rank,
                score=place.score,
                votes=place.votes,
                proposal=turns.proposal(self.table, place.proposal),
            )
            for place in self.source.verdict.ranking
        ]

    @strawberry.field(description="The ballots that were counted.")
    def ballots(self) -> list[turns.Ballot]:
        return turns.ballots(self.table, self.source.verdict.ballots)

    @strawberry.field(
        description="The ballots that did not put the winner first, although they could."
    )
    def dissent(self) -> list[turns.Ballot]:
        return turns.ballots(self.table, self.source.verdict.dissent)
