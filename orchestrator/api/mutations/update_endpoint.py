"""Change an endpoint."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import ID, Maybe

from orchestrator.api.context import Info
from orchestrator.api.ids import inspect_id
from orchestrator.api.mutations import sending
from orchestrator.api.mutations.payloads import EndpointPayload, endpoint_payload
from orchestrator.api.types.inputs import INPUT
from orchestrator.api.types.user_errors import user_errors
from orchestrator.domain.errors import RefusedError
from orchestrator.domain.ids import Prefix
from orchestrator.domain.validation import Inspection
from orchestrator.domain.validation_councils import inspect_endpoint_change


@strawberry.input(
    description="What is left out stays as it is; null clears it where it can be empty."
)
class UpdateEndpointInput:
    """A change of an endpoint."""

    id: ID = strawberry.field(description="Which endpoint.")
    url: Maybe[str | None] = strawberry.field(
        default=None, description="Such as http://host:8000/v1."
    )
    api_key_variable: Maybe[str | None] = strawberry.field(
        default=None,
        description="The environment variable that holds the key; begins with COUNCIL_KEY_.",
    )


async def update_endpoint(
    info: Info, input: Annotated[UpdateEndpointInput, INPUT]
) -> EndpointPayload | None:
    """Change where an endpoint is, or by which variable its key is found."""
    context = info.context
    inspection = Inspection()
    inspect_id(inspection, ("id",), input.id, Prefix.ENDPOINT)
    change = inspect_endpoint_change(
        inspection,
        url=sending.changed(input.url),
        api_key_variable=sending.changed(input.api_key_variable),
        allow_link_local=context.ports.allow_link_local,
    )
    try:
        inspection.close()
        await context.ports.councils.update_endpoint(input.id, change, by=context.caller.name)
    except RefusedError as refused:
        return EndpointPayload(errors=user_errors(refused))
    return await endpoint_payload(context, input.id)
