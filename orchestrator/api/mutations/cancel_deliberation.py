"""Cancel a deliberation."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import ID, Maybe

from orchestrator.api.context import Info
from orchestrator.api.ids import inspect_id
from orchestrator.api.mutations import sending
from orchestrator.api.mutations.payloads import DeliberationPayload, deliberation_payload
from orchestrator.api.types.inputs import INPUT
from orchestrator.api.types.user_errors import user_errors
from orchestrator.domain import limits
from orchestrator.domain.errors import RefusedError
from orchestrator.domain.ids import Prefix
from orchestrator.domain.validation import Inspection


@strawberry.input(description="Which deliberation to cancel.")
class CancelDeliberationInput:
    """Which deliberation to cancel."""

    id: ID = strawberry.field(description="Which deliberation.")
    reason: Maybe[str | None] = strawberry.field(
        default=None, description="Why; it is shown as the deliberation's `failure`."
    )


async def cancel_deliberation(
    info: Info, input: Annotated[CancelDeliberationInput, INPUT]
) -> DeliberationPayload | None:
    """End a deliberation without a verdict; the turns that were taken stay."""
    context = info.context
    inspection = Inspection()
    inspect_id(inspection, ("id",), input.id, Prefix.DELIBERATION)
    reason = inspection.optional_text(("reason",), sending.given(input.reason), limits.REASON)
    try:
        inspection.close()
        await context.ports.docket.cancel(input.id, reason, by=context.caller.name)
    except RefusedError as refused:
        return DeliberationPayload(errors=user_errors(refused))
    return await deliberation_payload(context, input.id)
