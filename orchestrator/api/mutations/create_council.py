"""Make a council that serves a role."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import Maybe

from orchestrator.api.context import Info
from orchestrator.api.mutations import sending
from orchestrator.api.mutations.agents import inspect_agent_input
from orchestrator.api.mutations.payloads import CouncilPayload, council_payload
from orchestrator.api.types.inputs import INPUT, KEY, AgentInput
from orchestrator.api.types.user_errors import user_errors
from orchestrator.domain import limits
from orchestrator.domain.councils import Decision, ProtocolName
from orchestrator.domain.drafts import AgentDraft
from orchestrator.domain.errors import RefusedError
from orchestrator.domain.validation import Inspection
from orchestrator.domain.validation_councils import inspect_council


@strawberry.input(description="A council to make; what is left out becomes a default.")
class CreateCouncilInput:
    """A council to make."""

    role: str = strawberry.field(description="By name; it must not have a council now.")
    name: Maybe[str | None] = strawberry.field(
        default=None, description="Left out, one with a number never used."
    )
    agents: Maybe[list[AgentInput] | None] = strawberry.field(
        default=None,
        description="Either the agents one by one, or how many to make from the defaults. That number is `seats`.",
    )
    seats: Maybe[int | None] = strawberry.field(
        default=None,
        description=f"How many agents to make from the defaults, from 1 to {limits.SEATS}; or give `agents`, no more of them.",
    )
    protocol: Maybe[ProtocolName | None] = strawberry.field(
        default=None, description="Left out, PEER_REVIEW."
    )
    rounds: Maybe[int | None] = strawberry.field(
        default=None,
        description=f"Rounds of critique and revision, from 0 to {limits.ROUNDS}; left out, 1.",
    )
    quorum: Maybe[int | None] = strawberry.field(
        default=None,
        description="How many seats must have a standing proposal for a verdict, from 1 to as many as there are; left out, more than half of them.",
    )
    decision: Maybe[Decision | None] = strawberry.field(
        default=None, description="Left out, BALLOTS."
    )
    idempotency_key: Maybe[str | None] = strawberry.field(default=None, description=KEY)


async def create_council(
    info: Info, input: Annotated[CreateCouncilInput, INPUT]
) -> CouncilPayload | None:
    """Make a council with its agents."""
    context = info.context
    inspection = Inspection()
    agents = sending.given(input.agents)
    draft = inspect_council(
        inspection,
        role=input.role,
        name=sending.given(input.name),
        agents=None
        if agents is None
        else [
            # Far too many are told of once, not one by one.
            inspect_agent_input(inspection, ("agents", str(place)), agent)
            if len(agents) <= limits.SEATS
            else AgentDraft()
            for place, agent in enumerate(agents)
        ],
        seats=sending.given(input.seats),
        protocol=sending.given(input.protocol),
        rounds=sending.given(input.rounds),
        quorum=sending.given(input.quorum),
        decision=sending.given(input.decision),
    )
    key = sending.inspect_key(inspection, input.idempotency_key)
    try:
        inspection.close()
        identifier = await context.ports.councils.create_council(
            draft,
            sending.idempotency(context.caller, "createCouncil", key, input),
            by=context.caller.name,
        )
    except RefusedError as refused:
        return CouncilPayload(errors=user_errors(refused))
    return await council_payload(context, identifier)
