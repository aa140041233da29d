"""Retry a deliberation."""

from __future__ import annotations

from typing import Annotated

import strawberry
import uuid_utils
from strawberry import ID, Maybe

from orchestrator.api.context import Info
from orchestrator.api.ids import inspect_id
from orchestrator.api.mutations import sending
from orchestrator.api.mutations.payloads import DeliberationPayload, deliberation_payload
from orchestrator.api.types.inputs import INPUT, KEY
from orchestrator.api.types.user_errors import user_errors
from orchestrator.domain.errors import RefusedError
from orchestrator.domain.ids import Prefix, with_prefix
from orchestrator.domain.validation import Inspection
from orchestrator.domain.values import replace
from orchestrator.engine.ports import Retry


@strawberry.input(description="Which deliberation to retry.")
class RetryDeliberationInput:
    """Which deliberation to retry."""

    id: ID = strawberry.field(description="One that failed or was cancelled.")
    idempotency_key: Maybe[str | None] = strawberry.field(default=None, description=KEY)


async def retry_deliberation(
    info: Info, input: Annotated[RetryDeliberationInput, INPUT]
) -> DeliberationPayload | None:
    """Accept a deliberation on the task of another; it is in the graph when this answers."""
    context = info.context
    inspection = Inspection()
    order = Retry(
        deliberation=with_prefix(Prefix.DELIBERATION, uuid_utils.uuid7().hex),
        of=inspect_id(inspection, ("id",), input.id, Prefix.DELIBERATION),
        created_by=context.caller.name,
        rehearsal=context.ports.service.rehearsal,
    )
    key = sending.inspect_key(inspection, input.idempotency_key)
    try:
        inspection.close()
        once = sending.idempotency(context.caller, "retryDeliberation", key, input)
        accepted = await context.ports.docket.retry(replace(order, idempotency=once))
    except RefusedError as refused:
        return DeliberationPayload(errors=user_errors(refused))
    return await deliberation_payload(context, accepted.deliberation)
