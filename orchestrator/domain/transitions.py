"""How a deliberation came from one status to the next, and who wants to know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from orchestrator.domain.deliberations import Status
from orchestrator.domain.filters import DeliberationFilter


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """When a deliberation came to each status that it has had, and what else of it a filter asks for."""

    deliberation: str
    role: str
    council_id: str
    external_id: str | None
    status: Status
    accepted_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One step of a course; `previous` is none where it was accepted."""

    course: Course
    at: datetime
    previous: Status | None
    status: Status


def transitions(course: Course) -> tuple[Transition, ...]:
    """Return every step of a course, in order: each happens once."""
    steps = [(course.accepted_at, Status.QUEUED)]
    if course.started_at is not None:
        steps.append((course.started_at, Status.RUNNING))
    if course.finished_at is not None and course.status.ended:
        steps.append((course.finished_at, course.status))
    before = (None, *(status for _, status in steps))
    return tuple(
        Transition(course=course, at=at, previous=previous, status=status)
        for previous, (at, status) in zip(before, steps, strict=False)
    )


def matches(where: DeliberationFilter, transition: Transition) -> bool:
    """Whether a filter lets a deliberation through by the status that it had or by the one that it has got."""
    course = transition.course
    return (
        (
            where.statuses is None
            or not {transition.previous, transition.status}.isdisjoint(where.statuses)
        )
        and where.role in {None, course.role}
        and where.council_id in {None, course.council_id}
        and where.external_id in {None, course.external_id}
        and (where.accepted_since is None or course.accepted_at >= where.accepted_since)
        and (where.accepted_before is None or course.accepted_at < where.accepted_before)
    )
