"""Retire an agent."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import ID

from orchestrator.api.context import Info
from orchestrator.api.ids import inspect_id
from orchestrator.api.mutations.payloads import AgentPayload, agent_payload
from orchestrator.api.types.inputs import INPUT
from orchestrator.api.types.user_errors import user_errors
from orchestrator.domain.errors import RefusedError
from orchestrator.domain.ids import Prefix
from orchestrator.domain.validation import Inspection


@strawberry.input(description="Which agent to retire.")
class RetireAgentInput:
    """Which agent to retire."""

    id: ID = strawberry.field(description="Which agent.")


async def retire_agent(
    info: Info, input: Annotated[RetireAgentInput, INPUT]
) -> AgentPayload | None:
    """Take an agent from its seat for good."""
    context = info.context
    inspection = Inspection()
    inspect_id(inspection, ("id",), input.id, Prefix.AGENT)
    try:
        inspection.close()
        await context.ports.councils.retire_agent(input.id, by=context.caller.name)
    except RefusedError as refused:
        return AgentPayload(errors=user_errors(refused))
    return await agent_payload(context, input.id)
