"""From status to status, each step once, and who wants to know of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.domain.deliberations import Status
from orchestrator.domain.filters import DeliberationFilter
from orchestrator.domain.transitions import Course, matches, transitions
from orchestrator.domain.values import replace

THEN = datetime(2026, 1, 1, tzinfo=UTC)
QUEUED = Course(
    deliberation="dlb_1",
    role="DEV",
    council_id="cou_1",
    external_id="T-1",
    status=Status.QUEUED,
    accepted_at=THEN,
    started_at=None,
    finished_at=None,
)
RUNNING = replace(QUEUED, status=Status.RUNNING, started_at=THEN + timedelta(seconds=1))
DECIDED = replace(RUNNING, status=Status.DECIDED, finished_at=THEN + timedelta(seconds=2))
CANCELLED_AT_ONCE = replace(
    QUEUED, status=Status.CANCELLED, finished_at=THEN + timedelta(seconds=1)
)


@pytest.mark.parametrize(
    ("course", "steps"),
    [
        (QUEUED, [(0, None, Status.QUEUED)]),
        (RUNNING, [(0, None, Status.QUEUED), (1, Status.QUEUED, Status.RUNNING)]),
        (
            DECIDED,
            [
                (0, None, Status.QUEUED),
                (1, Status.QUEUED, Status.RUNNING),
                (2, Status.RUNNING, Status.DECIDED),
            ],
        ),
        (
            CANCELLED_AT_ONCE,
            [(0, None, Status.QUEUED), (1, Status.QUEUED, Status.CANCELLED)],
        ),
        # Half of what the transaction of its end writes, as the graph may show it.
        *(
            (half, [(0, None, Status.QUEUED), (1, Status.QUEUED, Status.RUNNING)])
            for half in (
                replace(DECIDED, status=Status.RUNNING),
                replace(DECIDED, finished_at=None),
            )
        ),
    ],
)
def test_course_has_a_step_for_each_status_that_it_came_to(
    course: Course, steps: list[tuple[int, Status | None, Status]]
) -> None:
    assert [((s.at - THEN).seconds, s.previous, s.status) for s in transitions(course)] == steps


@pytest.mark.parametrize(
    ("where", "steps"),
    [
        (DeliberationFilter(), 3),
        (DeliberationFilter(statuses=(Status.QUEUED,)), 2),
        (DeliberationFilter(statuses=(Status.RUNNING,)), 2),
        (DeliberationFilter(statuses=(Status.DECIDED, Status.FAILED)), 1),
        (DeliberationFilter(statuses=(Status.CANCELLED,)), 0),
        (DeliberationFilter(statuses=()), 0),
        (DeliberationFilter(role="DEV", council_id="cou_1", external_id="T-1"), 3),
        (DeliberationFilter(role="QA"), 0),
        (DeliberationFilter(council_id="cou_2"), 0),
        (DeliberationFilter(external_id="T-2"), 0),
        (DeliberationFilter(accepted_since=THEN), 3),
        (DeliberationFilter(accepted_since=THEN + timedelta(seconds=1)), 0),
        (DeliberationFilter(accepted_before=THEN), 0),
    ],
)
def test_filter_lets_through_by_the_status_before_or_after(
    where: DeliberationFilter, steps: int
) -> None:
    assert sum(matches(where, step) for step in transitions(DECIDED)) == steps
