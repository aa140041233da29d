"""What a list can be filtered by, and which page of it is asked for."""

from __future__ import annotations

from datetime import datetime

import strawberry
from strawberry import ID

from orchestrator.api.ids import kind_of
from orchestrator.api.pages import page_request
from orchestrator.domain import filters, limits
from orchestrator.domain.deliberations import Status
from orchestrator.domain.errors import InvalidInput, RefusedError
from orchestrator.domain.ids import Prefix
from orchestrator.domain.pages import PageRequest
from orchestrator.domain.validation import name_mistake, text_mistake


@strawberry.input(description="Which councils; what is left out does not filter.")
class CouncilFilter:
    """Which councils."""

    role: str | None = strawberry.field(default=None, description="The name of their role.")
    name_contains: str | None = strawberry.field(
        default=None, description="A part of their name, in any case."
    )
    include_archived: bool | None = strawberry.field(
        default=False, description="Those too that serve no role any more."
    )


@strawberry.input(description="Which tasks; what is left out does not filter.")
class TaskFilter:
    """Which tasks."""

    external_id: str | None = strawberry.field(default=None, description="The caller's own name.")


@strawberry.input(description="Which deliberations; what is left out does not filter.")
class DeliberationFilter:
    """Which deliberations."""

    statuses: list[Status] | None = strawberry.field(
        default=None, description="Those that stand at one of these."
    )
    role: str | None = strawberry.field(
        default=None, description="The name of the role that their council served."
    )
    council_id: ID | None = strawberry.field(default=None, description="Those of this council.")
    accepted_since: datetime | None = strawberry.field(
        default=None, description="Those accepted then or later."
    )
    accepted_before: datetime | None = strawberry.field(
        default=None, description="Those accepted earlier."
    )
    external_id: str | None = strawberry.field(
        default=None, description="Those whose task has this name of the caller's own."
    )


def page_by_id(
    kind: Prefix, first: int | None, after: str | None, last: int | None, before: str | None
) -> PageRequest:
    """Read the arguments of a connection that is ordered by the ids of a kind; raises RefusedError."""
    return page_request(first, after, last, before, is_key=lambda key: kind_of(key) is kind)


def councils(given: CouncilFilter | None) -> filters.CouncilFilter:
    """Read a filter; raises RefusedError."""
    if given is None:
        return filters.CouncilFilter()
    _refuse(role=_name(given.role), nameContains=_part_mistake(given.name_contains))
    return filters.CouncilFilter(
        role=given.role,
        name_contains=given.name_contains or None,
        include_archived=bool(given.include_archived),
    )


def tasks(given: TaskFilter | None) -> str | None:
    """Read a filter: the external id, where there is one; raises RefusedError."""
    if given is None:
        return None
    _refuse(externalId=_name(given.external_id))
    return given.external_id


def deliberations(
    given: DeliberationFilter | None, *, council: str | None = None, task: str | None = None
) -> filters.DeliberationFilter:
    """Read a filter, within what a council held or what is about a task; raises RefusedError."""
    if given is None:
        return filters.DeliberationFilter(council_id=council, task=task)
    _refuse(
        role=_name(given.role),
        councilId=_council_mistake(given.council_id, council),
        externalId=_name(given.external_id),
    )
    return filters.DeliberationFilter(
        statuses=None if given.statuses is None else tuple(dict.fromkeys(given.statuses)),
        role=given.role,
        council_id=council or given.council_id,
        task=task,
        accepted_since=given.accepted_since,
        accepted_before=given.accepted_before,
        external_id=given.external_id,
    )


def _name(value: str | None) -> str | None:
    return None if value is None else name_mistake(value)


def _part_mistake(given: str | None) -> str | None:
    if given is None:
        return None
    if len(given) > limits.NAME:
        return f"must not be longer than a name, {limits.NAME} characters, and has {len(given)}"
    return text_mistake(given)


def _council_mistake(given: str | None, council: str | None) -> str | None:
    if given is None:
        return None
    if council is not None and given != council:
        return "must be left out here, where only one council's deliberations are listed"
    if kind_of(given) is not Prefix.COUNCIL:
        return f"must be the id of a council; such ids begin with {Prefix.COUNCIL}_"
    return None


def _refuse(**mistakes: str | None) -> None:
    found = [
        InvalidInput(message=f"{field} {mistake}", path=("filter", field))
        for field, mistake in mistakes.items()
        if mistake is not None
    ]
    if found:
        raise RefusedError(*found)
