"""Claims and leases: who works on what, in which order, and never two at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import cast

import pytest

from orchestrator.domain.deliberations import Priority, Status, StopReason
from orchestrator.domain.errors import UnreadableError
from orchestrator.domain.ids import body
from orchestrator.engine.ports import Case, Deliberations, Held
from orchestrator.graph.councils import Councils
from orchestrator.graph.deliberations import GraphDeliberations
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
    for process in ("prc_one", "prc_two", "prc_three"):
        await found.enter(process, "host", LEASE)
    return found


async def accepted(
    deliberations: Deliberations, role: str = "DEV", priority: Priority = Priority.NORMAL
) -> str:
    order = an_order(role, priority=priority)
    return (await deliberations.accept(order)).deliberation


def names(held: Sequence[Held]) -> list[str]:
    return sorted(one.deliberation for one in held)


async def claimed_one_by_one(deliberations: Deliberations, process: str, count: int) -> list[str]:
    """In the order in which they would be claimed, though what is claimed before counts as running."""
    found: list[str] = []
    for _ in range(count):
        (held,) = await deliberations.claim(process, 1, (), found)
        found.append(held.deliberation)
    return found


async def test_a_claim_is_written_down_and_numbered(deliberations: Deliberations, run: Run) -> None:
    deliberation = await accepted(deliberations)
    (held,) = await deliberations.claim("prc_one", 5, (), ())
    assert held == Held(deliberation=deliberation, epoch=1, time_left=None, resumed=False)

    (shown,) = await run("show_deliberation", deliberation=deliberation)
    assert shown["claims"] == [[f"clm_{body(deliberation)}-1", 1, 1, False, "prc_one"]]
    assert set(shown["labels"]) == {"Deliberation", "Running"}
    assert shown["properties"]["holder"] == "prc_one"
    assert "waiting" not in shown["properties"]
    found = (await deliberations.load(deliberation)).deliberation
    assert (found.status, found.sequence, found.resumptions) == (Status.RUNNING, 1, 0)
    assert found.started_at is not None


async def test_the_first_claim_brings_what_there_is_to_load_and_no_later_one_does(
    deliberations: Deliberations,
) -> None:
    deliberation = await accepted(deliberations)
    (held,) = await deliberations.claim("prc_one", 5, (), ())
    assert held.case is not None
    assert held.case == await deliberations.load(deliberation)
    (again,) = await deliberations.claim("prc_two", 5, ("prc_one",), ())
    assert (again.resumed, again.case) == (True, None)


async def test_how_long_it_is_under_way_is_told_by_the_clock_of_the_graph(
    deliberations: Deliberations, run: Run
) -> None:
    deliberation = await accepted(deliberations)
    assert (await deliberations.load(deliberation)).under_way == timedelta(0)
    await deliberations.claim("prc_one", 5, (), ())
    await run("begin_an_hour_ago", deliberation=deliberation)
    under_way = (await deliberations.load(deliberation)).under_way
    assert timedelta(hours=1) <= under_way < timedelta(hours=2)


async def test_one_that_cannot_be_read_keeps_no_other_from_being_claimed(
    deliberations: Deliberations, run: Run
) -> None:
    unreadable, readable = await accepted(deliberations), await accepted(deliberations)
    await run("change_protocol", deliberation=unreadable, protocol="ONE_OF_A_LATER_VERSION")
    claimed = await deliberations.claim("prc_one", 5, (), ())
    assert {held.deliberation: held.case is None for held in claimed} == {
        unreadable: True,
        readable: False,
    }


async def test_one_that_cannot_be_read_keeps_no_other_from_being_loaded_with_it(
    deliberations: Deliberations, run: Run
) -> None:
    unreadable, readable = await accepted(deliberations), await accepted(deliberations)
    await run("change_protocol", deliberation=unreadable, protocol="ONE_OF_A_LATER_VERSION")
    loads = (deliberations.load(id_) for id_ in (unreadable, readable))
    first, second = await asyncio.gather(*loads, return_exceptions=True)
    assert isinstance(first, UnreadableError)
    assert isinstance(second, Case)


@pytest.mark.parametrize("ending", ["decide", "fail"])
async def test_what_ended_just_after_it_was_given_back_is_sought_by_nobody(
    deliberations: Deliberations, run: Run, ending: str
) -> None:
    deliberation = await accepted(deliberations)
    (held,) = await deliberations.claim("prc_one", 5, (), ())
    turns = all_turns(deliberation)
    await deliberations.record(recordings(held, turns))
    await deliberations.release("prc_one")
    # Sent before, and carried out after.
    if ending == "decide":
        assert await deliberations.decide(held, 13, a_verdict(turns), StopReason.COMPLETED)
    else:
        assert await deliberations.fail(held, 13, StopReason.QUORUM_LOST, "nobody is left")
    (shown,) = await run("show_deliberation", deliberation=deliberation)
    assert "waiting" not in shown["properties"]
    assert await deliberations.claim("prc_two", 5, (), ()) == ()


async def test_nothing_is_claimed_beyond_the_room(deliberations: Deliberations) -> None:
    for _ in range(5):
        await accepted(deliberations)
    first = names(await deliberations.claim("prc_one", 2, (), ()))
    assert len(first) == 2
    assert len(await deliberations.claim("prc_one", 0, (), first)) == 0
    others = names(await deliberations.claim("prc_one", 9, (), first))
    assert len(others) == 3
    assert len(await deliberations.claim("prc_one", 9, (), [*first, *others])) == 0


async def test_what_it_holds_without_knowing_is_claimed_before_anything_more(
    deliberations: Deliberations,
) -> None:
    in_order = [await accepted(deliberations) for _ in range(5)]
    # Its acknowledgement was lost.
    untold = await deliberations.claim("prc_one", 2, (), ())
    again = await deliberations.claim("prc_one", 2, (), ())
    assert again == untold
    assert names(await deliberations.claim("prc_one", 3, (), in_order[:1])) == in_order[1:4]
    assert names(await deliberations.claim("prc_one", 9, (), names(untold))) == in_order[2:]
    assert await deliberations.claim("prc_one", 9, (), in_order) == ()


async def test_of_what_it_holds_without_knowing_it_is_told_whether_another_had_left_it(
    deliberations: Deliberations,
) -> None:
    await accepted(deliberations)
    await deliberations.claim("prc_two", 1, (), ())
    resumed = await deliberations.claim("prc_one", 1, ("prc_two",), ())
    await accepted(deliberations)
    assert await deliberations.claim("prc_one", 1, (), ()) == resumed


async def test_what_is_due_is_claimed_beyond_the_room_as_many_as_are_asked_for(
    deliberations: Deliberations, run: Run
) -> None:
    *due, other, _ = [await accepted(deliberations) for _ in range(5)]
    for deliberation in due:
        await run("pass_deadline", deliberation=deliberation)
    first = await deliberations.claim("prc_one", 0, (), (), due=2)
    assert len(first) == 2
    # Of the third nothing is taken from the room, though it stands before what that is for.
    others = await deliberations.claim("prc_one", 1, (), names(first), due=2)
    assert sorted([*names(first), *names(others)]) == sorted([*due, other])
    assert {held.deliberation for held in (*first, *others) if held.due} == set(due)


async def test_what_is_due_takes_no_more_than_the_room_where_nothing_is_asked_for_beyond_it(
    deliberations: Deliberations, run: Run
) -> None:
    due = [await accepted(deliberations) for _ in range(3)]
    for deliberation in due:
        await run("pass_deadline", deliberation=deliberation)
    assert await deliberations.claim("prc_one", 0, (), ()) == ()
    assert len(await deliberations.claim("prc_one", 2, (), ())) == 2


async def test_what_a_dead_process_left_is_claimed_without_room_once_it_is_due(
    deliberations: Deliberations, run: Run
) -> None:
    due, _ = await accepted(deliberations), await accepted(deliberations)
    await deliberations.claim("prc_two", 2, (), ())
    await run("pass_deadline", deliberation=due)
    assert await deliberations.claim("prc_one", 0, (), (), due=9) == ()
    (held,) = await deliberations.claim("prc_one", 0, ("prc_two",), (), due=9)
    assert (held.deliberation, held.epoch, held.resumed) == (due, 2, True)


async def test_what_was_cancelled_before_its_deadline_passed_is_not_claimed_for_it(
    deliberations: Deliberations, run: Run
) -> None:
    deliberation = await accepted(deliberations)
    await deliberations.cancel(deliberation, None)
    await run("pass_deadline", deliberation=deliberation)
    assert await deliberations.claim("prc_one", 0, (), (), due=9) == ()


async def test_a_process_that_has_not_entered_claims_nothing(
    deliberations: Deliberations,
) -> None:
    await accepted(deliberations)
    assert await deliberations.claim("prc_unknown", 1, (), ()) == ()


async def test_the_time_left_until_a_deadline_comes_with_the_claim_and_with_each_renewal(
    deliberations: Deliberations,
) -> None:
    await deliberations.accept(an_order(deadline=timedelta(seconds=100)))
    (claimed,) = await deliberations.claim("prc_one", 1, (), ())
    (renewed,) = cast("tuple[Held, ...]", await deliberations.renew("prc_one", LEASE, {}))
    assert claimed.time_left is not None
    assert renewed.time_left is not None
    assert timedelta(0) < renewed.time_left <= claimed.time_left <= timedelta(seconds=100)


async def test_a_deadline_that_has_passed_is_claimed_all_the_same(
    deliberations: Deliberations,
) -> None:
    await deliberations.accept(an_order(deadline=timedelta(0)))
    (claimed,) = await deliberations.claim("prc_one", 1, (), ())
    assert claimed.time_left is not None
    assert claimed.time_left <= timedelta(0)


async def test_higher_priorities_come_first(deliberations: Deliberations) -> None:
    low = await accepted(deliberations, priority=Priority.LOW)
    normal = await accepted(deliberations)
    high = await accepted(deliberations, priority=Priority.HIGH)
    assert await claimed_one_by_one(deliberations, "prc_one", 3) == [high, normal, low]


async def test_what_was_under_way_comes_before_what_is_new_within_a_priority(
    deliberations: Deliberations,
) -> None:
    high = await accepted(deliberations, priority=Priority.HIGH)
    first = await accepted(deliberations)
    (_, left) = sorted(
        await deliberations.claim("prc_one", 2, (), ()), key=lambda h: h.deliberation
    )
    assert left.deliberation == first
    await deliberations.release("prc_one")
    new = await accepted(deliberations)
    new_high = await accepted(deliberations, priority=Priority.HIGH)
    assert await claimed_one_by_one(deliberations, "prc_two", 4) == [high, new_high, first, new]


async def test_first_come_is_first_served(deliberations: Deliberations) -> None:
    in_order = [await accepted(deliberations) for _ in range(4)]
    assert await claimed_one_by_one(deliberations, "prc_one", 4) == in_order


async def test_a_role_with_a_long_queue_does_not_keep_others_waiting(
    deliberations: Deliberations,
) -> None:
    dev = [await accepted(deliberations, "DEV") for _ in range(6)]
    qa = [await accepted(deliberations, "QA") for _ in range(2)]
    data = [await accepted(deliberations, "DATA")]
    first = await deliberations.claim("prc_one", 5, (), ())
    assert names(first) == sorted([*dev[:2], *qa, *data])


async def test_the_role_with_the_fewest_running_comes_first(
    deliberations: Deliberations,
) -> None:
    for _ in range(2):
        await accepted(deliberations, "DEV")
    await deliberations.claim("prc_one", 2, (), ())
    dev = [await accepted(deliberations, "DEV") for _ in range(2)]
    qa = [await accepted(deliberations, "QA") for _ in range(4)]
    # Two of DEV run elsewhere: two of QA come first, then each in turn, the older before.
    assert await claimed_one_by_one(deliberations, "prc_two", 6) == [
        qa[0],
        qa[1],
        dev[0],
        qa[2],
        dev[1],
        qa[3],
    ]


async def test_what_is_held_is_not_claimed_by_another_while_the_lease_lasts(
    deliberations: Deliberations,
) -> None:
    await accepted(deliberations)
    await deliberations.claim("prc_one", 1, (), ())
    assert await deliberations.claim("prc_two", 1, (), ()) == ()


async def test_a_claim_of_a_rehearsal_says_so_be_it_the_first_a_takeover_or_told_again(
    deliberations: Deliberations, run: Run
) -> None:
    for _ in range(2):
        await deliberations.accept(an_order(rehearsal=True))
    (first,) = await deliberations.claim("prc_one", 1, (), ())
    (again,) = await deliberations.claim("prc_one", 1, (), ())
    await run("expire_lease", process="prc_one")
    (second,) = await deliberations.claim("prc_two", 1, (), ())
    told = [(held.deliberation, held.epoch, held.rehearsal) for held in (first, again, second)]
    assert told == [(first.deliberation, epoch, True) for epoch in (1, 1, 2)]


async def test_what_a_silent_process_held_is_taken_over_with_a_higher_epoch(
    deliberations: Deliberations, run: Run
) -> None:
    deliberation = await accepted(deliberations)
    (first,) = await deliberations.claim("prc_one", 1, (), ())
    await run("expire_lease", process="prc_one")
    (second,) = await deliberations.claim("prc_two", 1, (), ())
    assert second == Held(deliberation=deliberation, epoch=first.epoch + 1, resumed=True)
    assert (await deliberations.load(deliberation)).deliberation.resumptions == 1
    assert await deliberations.renew("prc_one", LEASE, {}) == ()
    (shown,) = await run("show_deliberation", deliberation=deliberation)
    assert [claim[1:] for claim in shown["claims"]] == [
        [1, 1, False, "prc_one"],
        [2, 2, True, "prc_two"],
    ]


async def test_what_a_dead_process_held_is_not_kept_by_a_clock_of_neo4j_that_was_set_back(
    deliberations: Deliberations, run: Run
) -> None:
    deliberation = await accepted(deliberations)
    await deliberations.claim("prc_one", 1, (), ())
    await run("set_clock_back", process="prc_one")
    (held,) = await deliberations.claim("prc_two", 1, (), ())
    assert (held.deliberation, held.resumed) == (deliberation, True)


async def test_what_a_process_held_that_is_known_to_be_gone_is_taken_over_at_once(
    deliberations: Deliberations,
) -> None:
    deliberation = await accepted(deliberations)
    await deliberations.claim("prc_one", 1, (), ())
    (held,) = await deliberations.claim("prc_two", 1, ("prc_one", "prc_never"), ())
    assert (held.deliberation, held.resumed) == (deliberation, True)


async def test_who_was_not_overtaken_goes_on_after_his_lease_ran_out(
    deliberations: Deliberations, run: Run
) -> None:
    deliberation = await accepted(deliberations)
    (held,) = await deliberations.claim("prc_one", 1, (), ())
    await run("expire_lease", process="prc_one")
    assert await deliberations.claim("prc_one", 1, ("prc_one",), ()) == ()
    assert await deliberations.renew("prc_one", LEASE, {}) == (held,)
    assert await deliberations.claim("prc_two", 1, (), ()) == ()
    recorded = await deliberations.record(recordings(held, proposals(deliberation)))
    assert len(recorded.sequences) == 3


async def test_a_renewal_tells_what_is_held_whether_it_was_known_or_not(
    deliberations: Deliberations,
) -> None:
    await accepted(deliberations)
    (held,) = await deliberations.claim("prc_one", 1, (), ())
    for known in ({}, {held.deliberation: held.epoch}, {held.deliberation: held.epoch + 1}):
        assert await deliberations.renew("prc_one", LEASE, known) == (held,)


async def test_while_another_takes_it_over_nobody_is_told_of_the_others_epoch(
    deliberations: Deliberations, run: Run
) -> None:
    await accepted(deliberations)
    (held,) = await deliberations.claim("prc_one", 1, (), ())
    await run("half_overtake", deliberation=held.deliberation, process="prc_two")
    # Something else has to wait, or a claim looks no further.
    await accepted(deliberations)
    for known in ({}, {held.deliberation: held.epoch}):
        assert await deliberations.renew("prc_one", LEASE, known) == ()
    assert held.deliberation not in {
        one.deliberation for one in await deliberations.claim("prc_one", 9, (), ())
    }


async def test_a_process_that_is_not_in_the_graph_is_told_so_and_claims_once_it_has_entered(
    deliberations: Deliberations, run: Run
) -> None:
    deliberation = await accepted(deliberations)
    await run("remove_process", process="prc_one")
    assert await deliberations.renew("prc_one", LEASE, {}) is None
    assert await deliberations.claim("prc_one", 1, (), ()) == ()
    await deliberations.enter("prc_one", "host", LEASE)
    assert await deliberations.renew("prc_one", LEASE, {}) == ()
    (held,) = await deliberations.claim("prc_one", 1, (), ())
    assert held.deliberation == deliberation


async def test_what_is_given_back_is_under_way_and_free(
    deliberations: Deliberations, run: Run
) -> None:
    deliberation = await accepted(deliberations)
    await deliberations.claim("prc_one", 1, (), ())
    await deliberations.release("prc_one")
    (shown,) = await run("show_deliberation", deliberation=deliberation)
    assert "holder" not in shown["properties"]
    assert shown["properties"]["status"] == "RUNNING"
    assert await deliberations.renew("prc_one", LEASE, {}) == ()
    (held,) = await deliberations.claim("prc_two", 1, (), ())
    assert (held.epoch, held.resumed) == (2, True)


async def test_the_lease_of_who_gave_back_its_claims_is_over_so_that_a_late_one_is_free_at_once(
    deliberations: Deliberations,
) -> None:
    await accepted(deliberations)
    await deliberations.release("prc_one")
    (late,) = await deliberations.claim("prc_one", 1, (), ())
    (held,) = await deliberations.claim("prc_two", 1, (), ())
    assert (held.deliberation, held.epoch, held.resumed) == (late.deliberation, 2, True)


async def test_nothing_that_has_ended_is_claimed_or_given_back(
    deliberations: Deliberations, run: Run
) -> None:
    deliberation = await accepted(deliberations)
    (held,) = await deliberations.claim("prc_one", 1, (), ())
    assert await deliberations.fail(held, 1, StopReason.ERROR, "it broke")
    await deliberations.release("prc_one")
    assert await deliberations.claim("prc_two", 1, ("prc_one",), ()) == ()
    (shown,) = await run("show_deliberation", deliberation=deliberation)
    assert not {"holder", "waiting"} & set(shown["properties"])
    assert set(shown["labels"]) == {"Deliberation", "Failed"}


async def test_two_that_claim_at_once_never_get_the_same_and_leave_nothing(
    deliberations: Deliberations, run: Run
) -> None:
    known: dict[str, list[str]] = {"prc_one": [], "prc_two": [], "prc_three": []}
    for _ in range(3):
        waiting = [await accepted(deliberations) for _ in range(30)]
        claimed = await asyncio.gather(
            *(deliberations.claim(process, 15, (), holds) for process, holds in known.items())
        )
        assert names([held for some in claimed for held in some]) == sorted(waiting)
        for holds, some in zip(known.values(), claimed, strict=True):
            holds.extend(names(some))
        for deliberation in waiting:
            (shown,) = await run("show_deliberation", deliberation=deliberation)
            assert len(shown["claims"]) == 1


async def test_an_entry_asked_twice_keeps_the_beginning(
    deliberations: Deliberations, run: Run
) -> None:
    (before,) = await run("show_process", process="prc_one")
    await deliberations.enter("prc_one", "elsewhere", 2 * LEASE)
    (after,) = await run("show_process", process="prc_one")
    assert before["host"] == "host"
    assert (after["host"], after["startedAt"]) == (before["host"], before["startedAt"])
    assert after["leaseUntil"] > before["leaseUntil"]
    await accepted(deliberations)
    assert len(await deliberations.claim("prc_one", 1, (), ())) == 1
