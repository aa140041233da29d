"""Seat a new agent on a council."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import ID, Maybe

from orchestrator.api.context import Info
from orchestrator.api.ids import inspect_id
from orchestrator.api.mutations import sending
from orchestrator.api.mutations.agents import inspect_agent_input
from orchestrator.api.mutations.payloads import AgentPayload, agent_payload
from orchestrator.api.types.inputs import INPUT, KEY, AgentInput
from orchestrator.api.types.user_errors import user_errors
from orchestrator.domain.errors import RefusedError
from orchestrator.domain.ids import Prefix
from orchestrator.domain.validation import Inspection


@strawberry.input(description="An agent to seat.")
class RegisterAgentInput:
    """An agent to seat."""

    council_id: ID = strawberry.field(description="On which council.")
    agent: AgentInput = strawberry.field(description="Who is to sit there.")
    idempotency_key: Maybe[str | None] = strawberry.field(default=None, description=KEY)


async def register_agent(
    info: Info, input: Annotated[RegisterAgentInput, INPUT]
) -> AgentPayload | None:
    """Make an agent and give it the next seat."""
    context = info.context
    inspection = Inspection()
    inspect_id(inspection, ("councilId",), input.council_id, Prefix.COUNCIL)
    draft = inspect_agent_input(inspection, ("agent",), input.agent)
    key = sending.inspect_key(inspection, input.idempotency_key)
    try:
        inspection.close()
        identifier = await context.ports.councils.register_agent(
            input.council_id,
            draft,
            sending.idempotency(context.caller, "registerAgent", key, input),
            by=context.caller.name,
        )
    except RefusedError as refused:
        return AgentPayload(errors=user_errors(refused))
    return await agent_payload(context, identifier)
