"""Forget an endpoint."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import ID

from orchestrator.api.context import Info
from orchestrator.api.ids import inspect_id
from orchestrator.api.mutations.payloads import EndpointPayload
from orchestrator.api.types.endpoints import Endpoint
from orchestrator.api.types.inputs import INPUT
from orchestrator.api.types.user_errors import user_errors
from orchestrator.domain.errors import RefusedError
from orchestrator.domain.ids import Prefix
from orchestrator.domain.validation import Inspection


@strawberry.input(description="Which endpoint to forget.")
class RemoveEndpointInput:
    """Which endpoint to forget."""

    id: ID = strawberry.field(description="Which endpoint.")


async def remove_endpoint(
    info: Info, input: Annotated[RemoveEndpointInput, INPUT]
) -> EndpointPayload | None:
    """Forget an endpoint to which nothing is bound."""
    context = info.context
    inspection = Inspection()
    inspect_id(inspection, ("id",), input.id, Prefix.ENDPOINT)
    try:
        inspection.close()
        removed = await context.ports.councils.remove_endpoint(input.id, by=context.caller.name)
    except RefusedError as refused:
        return EndpointPayload(errors=user_errors(refused))
    context.written()
    context.ports.watch.look()
    return EndpointPayload(endpoint=Endpoint.of(removed))
