"""What a caller wants deliberated: from what he sent to a task and an order's parts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from orchestrator.domain import limits
from orchestrator.domain.deliberations import Task
from orchestrator.domain.validation import Inspection, Path


def inspect_task(
    inspection: Inspection,
    path: Path,
    *,
    id: str,
    description: str,
    context: str | None,
    rubric: str | None,
    requirements: Sequence[str] | None,
    external_id: str | None,
    metadata: object,
) -> Task:
    """Look at a task that is to have the id."""
    wanted = tuple(requirements or ())
    if len(wanted) > limits.REQUIREMENTS:
        inspection.add(
            (*path, "requirements"),
            f"requirements must not be more than {limits.REQUIREMENTS}, and are {len(wanted)}",
        )
    else:
        for place, requirement in enumerate(wanted):
            inspection.text((*path, "requirements", str(place)), requirement, limits.REQUIREMENT)
    return Task(
        id=id,
        description=inspection.text((*path, "description"), description, limits.DESCRIPTION),
        context=inspection.optional_text((*path, "context"), context, limits.CONTEXT),
        rubric=inspection.optional_text((*path, "rubric"), rubric, limits.RUBRIC),
        requirements=wanted,
        external_id=inspection.optional_name((*path, "externalId"), external_id),
        metadata=inspection.metadata((*path, "metadata"), metadata),
    )


def inspect_rounds(inspection: Inspection, rounds: int | None) -> int | None:
    """Look at the rounds of one deliberation, where they are not the council's."""
    return inspection.whole(("rounds",), rounds, 0, limits.ROUNDS)


def inspect_deadline(inspection: Inspection, seconds: int | None) -> timedelta | None:
    """Look at how long it may take."""
    inspection.whole(("deadlineSeconds",), seconds, 1, limits.DEADLINE_SECONDS)
    return None if seconds is None else timedelta(seconds=seconds)


def inspect_token_budget(inspection: Inspection, tokens: int | None) -> int | None:
    """Look at how many tokens it may use."""
    return inspection.whole(("tokenBudget",), tokens, 1, limits.TOKEN_BUDGET)
