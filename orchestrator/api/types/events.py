"""What happens to a deliberation, as those who follow it are told."""

from __future__ import annotations

from datetime import datetime

import strawberry
from strawberry import ID

from orchestrator.api.types import agents, turns
from orchestrator.api.types.deliberations import Deliberation
from orchestrator.domain import deliberations


@strawberry.interface(description="Something that happened to a deliberation.")
class DeliberationEvent:
    """An event."""

    sequence: int = strawberry.field(description="The place to go on from.")
    at: datetime = strawberry.field(description="When it happened.")
    deliberation: Deliberation = strawberry.field(description="What it happened to.")


@strawberry.type(description="A process has taken it up.")
class DeliberationClaimed(DeliberationEvent):
    """A claim."""

    resumed: bool = strawberry.field(description="Whether another process had left it.")


@strawberry.type(
    description="A call has begun. Live only, with the sequence of the event before it."
)
class TurnBegan(DeliberationEvent):
    """A call has begun."""

    turn_id: ID = strawberry.field(description="The id that the turn will have.")
    kind: deliberations.TurnKind = strawberry.field(description="What the agent is asked for.")
    round: int = strawberry.field(description="From 1; the first proposals belong to round 0.")
    seat: agents.Seat = strawberry.field(description="Whose turn it is.")
    attempt: int = strawberry.field(description="From 1; more where a call had failed.")


@strawberry.type(description="Recorded: from now on it is in the graph.")
class TurnTaken(DeliberationEvent):
    """A turn was recorded."""

    turn: turns.Turn = strawberry.field(description="What was recorded.")


@strawberry.type(
    description="What an agent is saying. Live only; an attempt above the last one seen begins anew at offset 0. It comes in at most twenty pieces a second or so."
)
class TokensSpoken(DeliberationEvent):
    """A piece of an answer."""

    turn_id: ID = strawberry.field(description="The id that the turn will have.")
    attempt: int = strawberry.field(description="From 1; more where a call had failed.")
    offset: int = strawberry.field(
        description="Where in the answer this is, in characters; a gap means that pieces were left out."
    )
    text: str = strawberry.field(description="The piece.")


@strawberry.type(description="Nothing more will happen to it.")
class DeliberationEnded(DeliberationEvent):
    """The end."""
