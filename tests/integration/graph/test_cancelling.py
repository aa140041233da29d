"""Cancelling: an end without a verdict, whoever holds the deliberation, once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from orchestrator.domain.deliberations import Status, StopReason
from orchestrator.domain.errors import Conflict, NotFound, RefusedError
from orchestrator.engine.ports import Deliberations, Held
from orchestrator.graph.councils import Councils
from orchestrator.graph.deliberations import GraphDeliberations
from orchestrator.graph.doctor import examine
from tests.integration.graph.conftest import Run
from tests.support.deliberating import (
    LEASE,
    a_verdict,
    all_turns,
    an_order,
    proposals,
    recordings,
)

pytestmark = pytest.mark.neo4j


@pytest.fixture
async def deliberations(seeded: Councils) -> Deliberations:
    found = GraphDeliberations(seeded.graph)
    await found.enter("prc_one", "host", LEASE)
    return found


async def claimed(deliberations: Deliberations) -> Held:
    await deliberations.accept(an_order())
    (held,) = await deliberations.claim("prc_one", 1, (), ())
    return held


async def test_what_runs_is_ended_and_keeps_its_turns_and_what_they_cost(
    seeded: Councils, deliberations: Deliberations, run: Run
) -> None:
    held = await claimed(deliberations)
    await deliberations.record(recordings(held, proposals(held.deliberation)))
    running = (await deliberations.load(held.deliberation)).deliberation
    await deliberations.cancel(held.deliberation, "the wrong council")

    case = await deliberations.load(held.deliberation)
    found = case.deliberation
    assert (found.status, found.stop_reason, found.failure) == (
        Status.CANCELLED,
        StopReason.CANCELLED,
        "the wrong council",
    )
    assert found.finished_at is not None
    assert (found.sequence, found.usage, len(case.turns)) == (5, running.usage, 3)
    (shown,) = await run("show_deliberation", deliberation=held.deliberation)
    assert set(shown["labels"]) == {"Deliberation", "Cancelled"}
    assert shown["properties"]["epoch"] == held.epoch + 1
    assert not {"holder", "waiting"} & set(shown["properties"])
    # It is nobody's claim.
    assert len(shown["claims"]) == 1
    assert await deliberations.renew("prc_one", LEASE, {}) == ()
    assert await examine(seeded.graph) == ()


async def test_what_nobody_has_taken_up_yet_is_never_taken_up(
    seeded: Councils, deliberations: Deliberations, run: Run
) -> None:
    deliberation = (await deliberations.accept(an_order())).deliberation
    await deliberations.cancel(deliberation, None)
    assert await deliberations.claim("prc_one", 1, (), ()) == ()
    (shown,) = await run("show_deliberation", deliberation=deliberation)
    assert set(shown["labels"]) == {"Deliberation", "Cancelled"}
    assert not {"holder", "waiting", "startedAt", "failure"} & set(shown["properties"])
    assert await examine(seeded.graph) == ()


async def test_cancelling_again_changes_nothing(
    deliberations: Deliberations, whole_graph: Callable[[], Awaitable[list[Any]]]
) -> None:
    held = await claimed(deliberations)
    await deliberations.cancel(held.deliberation, "once")
    before = await whole_graph()
    await deliberations.cancel(held.deliberation, "twice")
    assert await whole_graph() == before


@pytest.mark.parametrize("status", [Status.DECIDED, Status.FAILED])
async def test_what_has_ended_otherwise_is_a_conflict_that_shows_it(
    deliberations: Deliberations,
    whole_graph: Callable[[], Awaitable[list[Any]]],
    status: Status,
) -> None:
    held = await claimed(deliberations)
    turns = all_turns(held.deliberation)
    await deliberations.record(recordings(held, turns))
    if status is Status.DECIDED:
        assert await deliberations.decide(held, 13, a_verdict(turns), StopReason.COMPLETED)
    else:
        assert await deliberations.fail(held, 13, StopReason.QUORUM_LOST, "nobody is left")
    before = await whole_graph()
    with pytest.raises(RefusedError) as refused:
        await deliberations.cancel(held.deliberation, None)
    assert refused.value.mistakes == (
        Conflict(
            message=f"it has ended already, and is {status}",
            path=("id",),
            existing=held.deliberation,
        ),
    )
    assert await whole_graph() == before


async def test_what_is_not_there_is_not_found(deliberations: Deliberations) -> None:
    with pytest.raises(RefusedError) as refused:
        await deliberations.cancel("dlb_none", None)
    (mistake,) = refused.value.mistakes
    assert isinstance(mistake, NotFound)
    assert (mistake.path, mistake.sought) == (("id",), "dlb_none")
