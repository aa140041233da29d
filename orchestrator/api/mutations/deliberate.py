"""Lay a task before a council."""

from __future__ import annotations

from typing import Annotated

import strawberry
import uuid_utils
from strawberry import Maybe

from orchestrator.api.context import Info
from orchestrator.api.ids import inspect_id
from orchestrator.api.mutations import sending
from orchestrator.api.mutations.payloads import DeliberationPayload, deliberation_payload
from orchestrator.api.scalars import Count
from orchestrator.api.selections import asked_of
from orchestrator.api.types.deliberations import Deliberation
from orchestrator.api.types.inputs import INPUT, KEY, CouncilBy, TaskInput
from orchestrator.api.types.user_errors import user_errors
from orchestrator.domain import limits
from orchestrator.domain.councils import Decision, ProtocolName
from orchestrator.domain.deliberations import Priority
from orchestrator.domain.errors import RefusedError
from orchestrator.domain.ids import Prefix, with_prefix
from orchestrator.domain.validation import Inspection
from orchestrator.domain.validation_deliberations import (
    inspect_deadline,
    inspect_rounds,
    inspect_task,
    inspect_token_budget,
)
from orchestrator.domain.values import replace
from orchestrator.engine.ports import CouncilById, CouncilByRole, CouncilSought, Order


@strawberry.input(description="A task for a council. What is left out is the council's.")
class DeliberateInput:
    """A task for a council."""

    council: CouncilBy = strawberry.field(description="Who is to deliberate.")
    task: TaskInput = strawberry.field(description="On what.")
    protocol: Maybe[ProtocolName | None] = strawberry.field(
        default=None, description="By which rules, this time."
    )
    rounds: Maybe[int | None] = strawberry.field(
        default=None,
        description=f"Rounds of critique and revision, this time, from 0 to {limits.ROUNDS}.",
    )
    decision: Maybe[Decision | None] = strawberry.field(
        default=None, description="Who has the last word, this time."
    )
    priority: Maybe[Priority | None] = strawberry.field(
        default=None, description="Left out, NORMAL."
    )
    deadline_seconds: Maybe[int | None] = strawberry.field(
        default=None,
        description=f"How long it may take, from when it is accepted: from 1 to {limits.DEADLINE_SECONDS}.",
    )
    token_budget: Maybe[Count | None] = strawberry.field(
        default=None,
        description=f"How many tokens it may use, read and written, attempts that failed among them: from 1 to {limits.TOKEN_BUDGET}.",
    )
    idempotency_key: Maybe[str | None] = strawberry.field(default=None, description=KEY)


async def deliberate(
    info: Info, input: Annotated[DeliberateInput, INPUT]
) -> DeliberationPayload | None:
    """Accept a deliberation; it is in the graph when this answers."""
    context = info.context
    inspection = Inspection()
    body = uuid_utils.uuid7().hex
    order = Order(
        deliberation=with_prefix(Prefix.DELIBERATION, body),
        council=_inspect_council(inspection, input.council),
        task=inspect_task(
            inspection,
            ("task",),
            id=with_prefix(Prefix.TASK, body),
            description=input.task.description,
            context=sending.given(input.task.context),
            rubric=sending.given(input.task.rubric),
            requirements=sending.given(input.task.requirements),
            external_id=sending.given(input.task.external_id),
            metadata=sending.given(input.task.metadata),
        ),
        protocol=sending.given(input.protocol),
        rounds=inspect_rounds(inspection, sending.given(input.rounds)),
        decision=sending.given(input.decision),
        priority=sending.given(input.priority) or Priority.NORMAL,
        deadline=inspect_deadline(inspection, sending.given(input.deadline_seconds)),
        token_budget=inspect_token_budget(inspection, sending.given(input.token_budget)),
        created_by=context.caller.name,
        rehearsal=context.ports.service.rehearsal,
    )
    key = sending.inspect_key(inspection, input.idempotency_key)
    try:
        inspection.close()
        once = sending.idempotency(context.caller, "deliberate", key, input)
        accepted = await context.ports.docket.accept(replace(order, idempotency=once))
    except RefusedError as refused:
        return DeliberationPayload(errors=user_errors(refused))
    if asked_of(info, "deliberation") <= {"id", "__typename"}:
        return DeliberationPayload(deliberation=Deliberation.named(accepted.deliberation))
    return await deliberation_payload(context, accepted.deliberation)


def _inspect_council(inspection: Inspection, by: CouncilBy) -> CouncilSought:
    if by.id is not None:
        inspect_id(inspection, ("council", "id"), by.id.value, Prefix.COUNCIL)
        return CouncilById(id=by.id.value)
    # GraphQL itself sees to it that exactly one of the two is there.
    role = "" if by.role is None else by.role.value
    return CouncilByRole(role=inspection.name(("council", "role"), role, limits.ROLE_NAME))
