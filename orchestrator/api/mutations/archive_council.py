"""Archive a council."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import ID, Maybe

from orchestrator.api.context import Info
from orchestrator.api.ids import inspect_id
from orchestrator.api.mutations import sending
from orchestrator.api.mutations.payloads import CouncilPayload, council_payload
from orchestrator.api.types.inputs import INPUT
from orchestrator.api.types.user_errors import user_errors
from orchestrator.domain.errors import RefusedError
from orchestrator.domain.ids import Prefix
from orchestrator.domain.validation import Inspection


@strawberry.input(description="Which council to archive.")
class ArchiveCouncilInput:
    """Which council to archive."""

    id: ID = strawberry.field(description="Which council.")
    expected_version: Maybe[int | None] = strawberry.field(
        default=None,
        description="Refused where the council has moved on. Left out, or null, nothing is compared.",
    )


async def archive_council(
    info: Info, input: Annotated[ArchiveCouncilInput, INPUT]
) -> CouncilPayload | None:
    """Let a council serve no role any more."""
    context = info.context
    inspection = Inspection()
    inspect_id(inspection, ("id",), input.id, Prefix.COUNCIL)
    try:
        inspection.close()
        await context.ports.councils.archive_council(
            input.id, sending.given(input.expected_version), by=context.caller.name
        )
    except RefusedError as refused:
        return CouncilPayload(errors=user_errors(refused))
    return await council_payload(context, input.id)
