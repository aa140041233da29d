"""Change an agent."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import ID, Maybe

from orchestrator.api.context import Info
from orchestrator.api.ids import inspect_id
from orchestrator.api.mutations import sending
from orchestrator.api.mutations.payloads import AgentPayload, agent_payload
from orchestrator.api.scalars import Json
from orchestrator.api.types.inputs import INPUT
from orchestrator.api.types.user_errors import user_errors
from orchestrator.domain import limits
from orchestrator.domain.errors import RefusedError
from orchestrator.domain.ids import Prefix
from orchestrator.domain.validation import Inspection
from orchestrator.domain.validation_councils import inspect_agent_change


@strawberry.input(
    description="What is left out stays as it is; null clears it where it can be empty."
)
class UpdateAgentInput:
    """A change of an agent."""

    id: ID = strawberry.field(description="Which agent.")
    persona: Maybe[str | None] = strawberry.field(
        default=None, description="What makes it differ from its neighbours."
    )
    temperature: Maybe[float | None] = strawberry.field(default=None, description="From 0 to 2.")
    max_tokens: Maybe[int | None] = strawberry.field(
        default=None,
        description=f"Tokens that an answer may have, from 1 to {limits.TOKENS}.",
    )
    model: Maybe[str | None] = strawberry.field(default=None, description="By name.")
    endpoint: Maybe[str | None] = strawberry.field(
        default=None, description="By name; null for any that serves the model."
    )
    metadata: Maybe[Json | None] = strawberry.field(
        default=None, description="Whatever its owner wants to remember of it."
    )


async def update_agent(
    info: Info, input: Annotated[UpdateAgentInput, INPUT]
) -> AgentPayload | None:
    """Change an agent; seats of deliberations that were accepted stay as they were."""
    context = info.context
    inspection = Inspection()
    inspect_id(inspection, ("id",), input.id, Prefix.AGENT)
    change = inspect_agent_change(
        inspection,
        persona=sending.changed(input.persona),
        temperature=sending.changed(input.temperature),
        max_tokens=sending.changed(input.max_tokens),
        model=sending.changed(input.model),
        endpoint=sending.changed(input.endpoint),
        metadata=sending.changed(input.metadata),
    )
    try:
        inspection.close()
        await context.ports.councils.update_agent(input.id, change, by=context.caller.name)
    except RefusedError as refused:
        return AgentPayload(errors=user_errors(refused))
    return await agent_payload(context, input.id)
