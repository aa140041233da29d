"""Restore a council that was archived."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import ID

from orchestrator.api.context import Info
from orchestrator.api.ids import inspect_id
from orchestrator.api.mutations.payloads import CouncilPayload, council_payload
from orchestrator.api.types.inputs import INPUT
from orchestrator.api.types.user_errors import user_errors
from orchestrator.domain.errors import RefusedError
from orchestrator.domain.ids import Prefix
from orchestrator.domain.validation import Inspection


@strawberry.input(description="Which council to restore.")
class RestoreCouncilInput:
    """Which council to restore."""

    id: ID = strawberry.field(description="Which council.")


async def restore_council(
    info: Info, input: Annotated[RestoreCouncilInput, INPUT]
) -> CouncilPayload | None:
    """Let a council serve its role again."""
    context = info.context
    inspection = Inspection()
    inspect_id(inspection, ("id",), input.id, Prefix.COUNCIL)
    try:
        inspection.close()
        await context.ports.councils.restore_council(input.id, by=context.caller.name)
    except RefusedError as refused:
        return CouncilPayload(errors=user_errors(refused))
    return await council_payload(context, input.id)
