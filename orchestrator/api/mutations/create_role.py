"""Make a role."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import Maybe

from orchestrator.api.context import Info
from orchestrator.api.mutations import sending
from orchestrator.api.mutations.payloads import RolePayload, read_back
from orchestrator.api.types.councils import Role
from orchestrator.api.types.inputs import INPUT, KEY
from orchestrator.api.types.user_errors import user_errors
from orchestrator.domain import limits
from orchestrator.domain.errors import RefusedError
from orchestrator.domain.validation import Inspection


@strawberry.input(description="A role to make.")
class CreateRoleInput:
    """A role to make."""

    name: str = strawberry.field(description="Unique.")
    description: Maybe[str | None] = strawberry.field(default=None, description="What it is about.")
    idempotency_key: Maybe[str | None] = strawberry.field(default=None, description=KEY)


async def create_role(info: Info, input: Annotated[CreateRoleInput, INPUT]) -> RolePayload | None:
    """Make a role, without a council."""
    context = info.context
    inspection = Inspection()
    inspection.name(("name",), input.name, limits.ROLE_NAME)
    description = inspection.optional_text(
        ("description",), sending.given(input.description), limits.ROLE_DESCRIPTION
    )
    key = sending.inspect_key(inspection, input.idempotency_key)
    try:
        inspection.close()
        identifier = await context.ports.councils.create_role(
            input.name,
            description,
            sending.idempotency(context.caller, "createRole", key, input),
            by=context.caller.name,
        )
    except RefusedError as refused:
        return RolePayload(errors=user_errors(refused))
    context.written()
    role = await read_back(context.loaders.roles, identifier)
    return RolePayload(role=Role.of(role))
