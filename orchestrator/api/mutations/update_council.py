"""Change a council."""

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
from orchestrator.domain import limits
from orchestrator.domain.councils import Decision, ProtocolName
from orchestrator.domain.errors import RefusedError
from orchestrator.domain.ids import Prefix
from orchestrator.domain.validation import Inspection
from orchestrator.domain.validation_councils import inspect_council_change


@strawberry.input(description="What is left out stays as it is.")
class UpdateCouncilInput:
    """A change of a council."""

    id: ID = strawberry.field(description="Which council.")
    expected_version: Maybe[int | None] = strawberry.field(
        default=None,
        description="Refused where the council has moved on. Left out, or null, nothing is compared.",
    )
    name: Maybe[str | None] = strawberry.field(default=None, description="What to call it.")
    protocol: Maybe[ProtocolName | None] = strawberry.field(
        default=None, description="The rules by which its turns are to follow."
    )
    rounds: Maybe[int | None] = strawberry.field(
        default=None, description=f"Rounds of critique and revision, from 0 to {limits.ROUNDS}."
    )
    quorum: Maybe[int | None] = strawberry.field(
        default=None,
        description="How many seats must have a standing proposal for a verdict, from 1 to as many as there are.",
    )
    decision: Maybe[Decision | None] = strawberry.field(
        default=None, description="Who is to have the last word."
    )


async def update_council(
    info: Info, input: Annotated[UpdateCouncilInput, INPUT]
) -> CouncilPayload | None:
    """Change a council; deliberations that were accepted keep what they were accepted with."""
    context = info.context
    inspection = Inspection()
    inspect_id(inspection, ("id",), input.id, Prefix.COUNCIL)
    change = inspect_council_change(
        inspection,
        name=sending.changed(input.name),
        protocol=sending.changed(input.protocol),
        rounds=sending.changed(input.rounds),
        quorum=sending.changed(input.quorum),
        decision=sending.changed(input.decision),
    )
    try:
        inspection.close()
        await context.ports.councils.update_council(
            input.id,
            sending.given(input.expected_version),
            change,
            by=context.caller.name,
        )
    except RefusedError as refused:
        return CouncilPayload(errors=user_errors(refused))
    return await council_payload(context, input.id)
