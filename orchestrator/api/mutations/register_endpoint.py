"""Make an endpoint known."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import Maybe

from orchestrator.api.context import Info
from orchestrator.api.mutations import sending
from orchestrator.api.mutations.payloads import EndpointPayload, endpoint_payload
from orchestrator.api.types.inputs import INPUT, KEY
from orchestrator.api.types.user_errors import user_errors
from orchestrator.domain.errors import RefusedError
from orchestrator.domain.validation import Inspection
from orchestrator.domain.validation_councils import inspect_endpoint


@strawberry.input(description="An endpoint to make known.")
class RegisterEndpointInput:
    """An endpoint to make known."""

    name: str = strawberry.field(description="Unique.")
    url: str = strawberry.field(description="Such as http://host:8000/v1.")
    api_key_variable: Maybe[str | None] = strawberry.field(
        default=None,
        description="The environment variable that holds the key, which is never stored; begins with COUNCIL_KEY_.",
    )
    idempotency_key: Maybe[str | None] = strawberry.field(default=None, description=KEY)


async def register_endpoint(
    info: Info, input: Annotated[RegisterEndpointInput, INPUT]
) -> EndpointPayload | None:
    """Make an endpoint known; its health is watched from then on."""
    context = info.context
    inspection = Inspection()
    variable = sending.given(input.api_key_variable)
    inspect_endpoint(
        inspection,
        name=input.name,
        url=input.url,
        api_key_variable=variable,
        allow_link_local=context.ports.allow_link_local,
    )
    key = sending.inspect_key(inspection, input.idempotency_key)
    try:
        inspection.close()
        identifier = await context.ports.councils.register_endpoint(
            input.name,
            input.url,
            variable,
            sending.idempotency(context.caller, "registerEndpoint", key, input),
            by=context.caller.name,
        )
    except RefusedError as refused:
        return EndpointPayload(errors=user_errors(refused))
    return await endpoint_payload(context, identifier)
