"""What a deliberation says of itself."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.domain.deliberations import Deliberation, Status, StopReason, Usage
from orchestrator.domain.values import replace
from tests.support.samples import NOW, a_deliberation

_QUEUED = a_deliberation(status=Status.QUEUED)
_RUNNING = replace(_QUEUED, status=Status.RUNNING, started_at=NOW, sequence=1)
_DECIDED = replace(
    _RUNNING, status=Status.DECIDED, stop_reason=StopReason.COMPLETED, finished_at=NOW, sequence=14
)
_FAILED = replace(
    _DECIDED, status=Status.FAILED, stop_reason=StopReason.DEADLINE, failure="it took too long"
)
_CANCELLED = replace(_DECIDED, status=Status.CANCELLED, stop_reason=StopReason.CANCELLED)


@pytest.mark.parametrize(
    "deliberation",
    [
        _QUEUED,
        _RUNNING,
        _DECIDED,
        _FAILED,
        _CANCELLED,
        replace(_CANCELLED, started_at=None, sequence=1),
    ],
    ids=["queued", "running", "decided", "failed", "cancelled", "cancelled before it began"],
)
def test_what_one_transaction_leaves_is_of_one_moment(deliberation: Deliberation) -> None:
    assert deliberation.of_one_moment


@pytest.mark.parametrize(
    ("deliberation", "not_yet"),
    [
        (_RUNNING, {"status": Status.QUEUED}),
        (_RUNNING, {"started_at": None}),
        (_RUNNING, {"sequence": 0}),
        (replace(_RUNNING, sequence=0), {"status": Status.QUEUED}),
        (replace(_RUNNING, started_at=None), {"status": Status.QUEUED}),
        (_DECIDED, {"status": Status.RUNNING}),
        (_DECIDED, {"finished_at": None}),
        (_DECIDED, {"stop_reason": None}),
        (_FAILED, {"failure": None}),
        (replace(_DECIDED, finished_at=None), {"status": Status.RUNNING}),
        (replace(_DECIDED, stop_reason=None), {"status": Status.RUNNING}),
        (replace(_DECIDED, finished_at=None), {"stop_reason": None}),
    ],
)
def test_half_of_what_a_transaction_writes_is_not(
    deliberation: Deliberation, not_yet: dict[str, Any]
) -> None:
    assert not replace(deliberation, **not_yet).of_one_moment


def test_two_usages_together_are_each_of_their_counts_together() -> None:
    one, other = (
        Usage(
            prompt_tokens=each,
            cached_prompt_tokens=2 * each,
            completion_tokens=3 * each,
            calls=4 * each,
        )
        for each in (1, 10)
    )

    assert one + other == Usage(
        prompt_tokens=11, cached_prompt_tokens=22, completion_tokens=33, calls=44
    )
