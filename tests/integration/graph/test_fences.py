"""A rival's transaction, held open across each fenced statement, overtakes it: then nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
from neo4j import AsyncDriver

from orchestrator.domain.deliberations import Status, StopReason
from orchestrator.domain.errors import Conflict, RefusedError
from orchestrator.domain.values import replace
from orchestrator.engine.ports import Conclusion, Deliberations, Held, Recorded
from orchestrator.graph.councils import Councils
from orchestrator.graph.deliberations import GraphDeliberations
from tests.integration.graph.conftest import Run
from tests.support.deliberating import (
    LEASE,
    Rival,
    a_rival,
    a_verdict,
    all_turns,
    an_order,
    proposals,
    recordings,
)

pytestmark = pytest.mark.neo4j

Rivalry = Callable[[str], AbstractAsyncContextManager[Rival]]


@pytest.fixture
async def deliberations(seeded: Councils) -> Deliberations:
    found = GraphDeliberations(seeded.graph)
    for process in ("prc_one", "prc_rival"):
        await found.enter(process, "host", LEASE)
    return found


@pytest.fixture
def rivalry(driver: AsyncDriver, seeded: Councils) -> Rivalry:
    return lambda deliberation: a_rival(driver, seeded.graph.database, deliberation)


@pytest.fixture
async def held(deliberations: Deliberations) -> Held:
    await deliberations.accept(an_order())
    (held,) = await deliberations.claim("prc_one", 1, (), ())
    return held


@pytest.fixture
async def limited(deliberations: Deliberations) -> Held:
    """One with a token budget."""
    await deliberations.accept(an_order(token_budget=10_000))
    (held,) = await deliberations.claim("prc_one", 1, (), ())
    return held


async def test_a_rival_that_changes_nothing_only_delays(
    deliberations: Deliberations, held: Held, rivalry: Rivalry
) -> None:
    async with rivalry(held.deliberation) as rival:
        recorded = await rival.commits_while(
            deliberations.record(recordings(held, proposals(held.deliberation)))
        )
    assert sorted(recorded.sequences.values()) == [2, 3, 4]


async def test_turns_are_not_recorded_once_the_claim_is_lost(
    deliberations: Deliberations, held: Held, rivalry: Rivalry
) -> None:
    async with rivalry(held.deliberation) as rival:
        await rival.does(
            "overtake_deliberation", deliberation=held.deliberation, process="prc_rival"
        )
        recorded = await rival.commits_while(
            deliberations.record(recordings(held, proposals(held.deliberation)))
        )
    assert recorded.sequences == {}
    case = await deliberations.load(held.deliberation)
    assert (case.turns, case.deliberation.sequence, case.deliberation.usage.calls) == ((), 2, 0)


async def test_the_larger_of_two_reservations_on_their_way_stands(
    deliberations: Deliberations, limited: Held, rivalry: Rivalry
) -> None:
    async with rivalry(limited.deliberation) as rival:
        assert await rival.deliberations.reserve(limited, 900)
        assert await rival.commits_while(deliberations.reserve(limited, 400))
    assert (await deliberations.load(limited.deliberation)).deliberation.tokens_reserved == 900


@pytest.mark.parametrize("change", ["overtake_deliberation", "end_deliberation"])
async def test_nothing_is_reserved_once_the_claim_is_lost_or_it_has_ended(
    deliberations: Deliberations, limited: Held, rivalry: Rivalry, change: str
) -> None:
    async with rivalry(limited.deliberation) as rival:
        await rival.does(change, deliberation=limited.deliberation, process="prc_rival")
        reserved = await rival.commits_while(deliberations.reserve(limited, 400))
    assert not reserved
    assert (await deliberations.load(limited.deliberation)).deliberation.tokens_reserved == 0


@pytest.mark.parametrize(
    "change", ["overtake_deliberation", "advance_deliberation", "end_deliberation"]
)
async def test_the_last_turns_bring_no_verdict_over_what_changed_meanwhile(
    deliberations: Deliberations, held: Held, rivalry: Rivalry, run: Run, change: str
) -> None:
    turns = all_turns(held.deliberation)
    await deliberations.record(recordings(held, turns[:-2]))
    first, last = recordings(held, turns[-2:])
    conclusion = Conclusion(sequence=13, verdict=a_verdict(turns), stop_reason=StopReason.COMPLETED)
    batch = [first, replace(last, conclusion=conclusion)]
    async with rivalry(held.deliberation) as rival:
        await rival.does(change, deliberation=held.deliberation, process="prc_rival")
        written = await rival.commits_while(deliberations.record(batch))
    # They are this claim's still where no more than an event came between.
    assert len(written.sequences) == (2 if change == "advance_deliberation" else 0)
    assert set(written.decided) == set()
    (shown,) = await run("show_verdict", deliberation=held.deliberation)
    assert (shown["verdicts"], shown["final"]) == (0, [])


async def test_a_turn_is_not_recorded_where_one_that_was_recorded_before_it_is_gone(
    deliberations: Deliberations, held: Held
) -> None:
    first, second, third = recordings(held, proposals(held.deliberation))
    await deliberations.record([first])
    third = replace(third, after=3)
    assert (await deliberations.record([third])).sequences == {}
    # Together they are whole, and so are those of which some are there already.
    written = await deliberations.record([first, replace(second, after=2), third])
    assert sorted(written.sequences.values()) == [2, 3, 4]
    assert await deliberations.record([third]) == Recorded(
        sequences={third.turn.id: written.sequences[third.turn.id]}
    )


async def test_turns_are_numbered_after_what_a_rival_recorded_meanwhile(
    deliberations: Deliberations, held: Held, rivalry: Rivalry
) -> None:
    async with rivalry(held.deliberation) as rival:
        await rival.does("advance_deliberation", deliberation=held.deliberation)
        recorded = await rival.commits_while(
            deliberations.record(recordings(held, proposals(held.deliberation)))
        )
    assert sorted(recorded.sequences.values()) == [3, 4, 5]


async def test_turns_are_not_recorded_once_the_deliberation_has_ended(
    deliberations: Deliberations, held: Held, rivalry: Rivalry
) -> None:
    async with rivalry(held.deliberation) as rival:
        await rival.does("end_deliberation", deliberation=held.deliberation)
        recorded = await rival.commits_while(
            deliberations.record(recordings(held, proposals(held.deliberation)))
        )
    assert recorded.sequences == {}


@pytest.mark.parametrize(
    "change", ["overtake_deliberation", "advance_deliberation", "end_deliberation"]
)
async def test_a_verdict_is_not_written_over_what_changed_meanwhile(
    deliberations: Deliberations, held: Held, rivalry: Rivalry, run: Run, change: str
) -> None:
    turns = all_turns(held.deliberation)
    await deliberations.record(recordings(held, turns))
    async with rivalry(held.deliberation) as rival:
        await rival.does(change, deliberation=held.deliberation, process="prc_rival")
        decided = await rival.commits_while(
            deliberations.decide(held, 13, a_verdict(turns), StopReason.COMPLETED)
        )
    assert not decided
    (shown,) = await run("show_verdict", deliberation=held.deliberation)
    assert (shown["verdicts"], shown["final"]) == (0, [])


@pytest.mark.parametrize(
    "change", ["overtake_deliberation", "advance_deliberation", "end_deliberation"]
)
async def test_a_failure_is_not_written_over_what_changed_meanwhile(
    deliberations: Deliberations, held: Held, rivalry: Rivalry, change: str
) -> None:
    async with rivalry(held.deliberation) as rival:
        await rival.does(change, deliberation=held.deliberation, process="prc_rival")
        failed = await rival.commits_while(
            deliberations.fail(held, 1, StopReason.ERROR, "it broke")
        )
    assert not failed
    found = (await deliberations.load(held.deliberation)).deliberation
    assert (found.status is Status.FAILED, found.failure) == (False, None)


async def test_a_failure_over_whatever_sequence_is_not_written_once_the_claim_is_lost(
    deliberations: Deliberations, held: Held, rivalry: Rivalry
) -> None:
    async with rivalry(held.deliberation) as rival:
        await rival.does(
            "overtake_deliberation", deliberation=held.deliberation, process="prc_rival"
        )
        failed = await rival.commits_while(
            deliberations.fail(held, None, StopReason.ERROR, "it broke")
        )
    assert not failed
    assert (await deliberations.load(held.deliberation)).deliberation.status is Status.RUNNING


async def test_what_a_rival_claimed_meanwhile_is_not_claimed_again(
    deliberations: Deliberations, rivalry: Rivalry, run: Run
) -> None:
    first = (await deliberations.accept(an_order())).deliberation
    other = (await deliberations.accept(an_order())).deliberation
    async with rivalry(first) as rival:
        await rival.does("overtake_deliberation", deliberation=first, process="prc_rival")
        claimed = await rival.commits_while(deliberations.claim("prc_one", 1, (), ()))
    # What it lost left it room, which it filled.
    assert [one.deliberation for one in claimed] == [other]
    (shown,) = await run("show_deliberation", deliberation=first)
    assert (shown["properties"]["holder"], shown["properties"]["epoch"]) == ("prc_rival", 1)


async def test_what_ended_meanwhile_is_not_claimed(
    deliberations: Deliberations, rivalry: Rivalry
) -> None:
    deliberation = (await deliberations.accept(an_order())).deliberation
    async with rivalry(deliberation) as rival:
        await rival.does("end_deliberation", deliberation=deliberation)
        claimed = await rival.commits_while(deliberations.claim("prc_one", 1, (), ()))
    assert claimed == ()


async def test_what_a_rival_took_over_first_is_not_taken_over_again(
    deliberations: Deliberations, held: Held, rivalry: Rivalry, run: Run
) -> None:
    await deliberations.enter("prc_two", "host", LEASE)
    await run("expire_lease", process="prc_one")
    async with rivalry(held.deliberation) as rival:
        await rival.does(
            "overtake_deliberation", deliberation=held.deliberation, process="prc_rival"
        )
        claimed = await rival.commits_while(deliberations.claim("prc_two", 1, (), ()))
    assert claimed == ()
    (shown,) = await run("show_deliberation", deliberation=held.deliberation)
    assert shown["properties"]["holder"] == "prc_rival"


async def test_who_renewed_his_lease_meanwhile_is_not_taken_over(
    deliberations: Deliberations, held: Held, rivalry: Rivalry, run: Run
) -> None:
    await deliberations.enter("prc_two", "host", LEASE)
    await run("expire_lease", process="prc_one")
    async with rivalry(held.deliberation) as rival:
        await rival.does("renew_lease", process="prc_one")
        claimed = await rival.commits_while(deliberations.claim("prc_two", 1, (), ()))
    assert claimed == ()
    assert await deliberations.renew("prc_one", LEASE, {}) == (held,)


async def test_what_a_rival_took_over_meanwhile_is_not_given_back(
    deliberations: Deliberations, held: Held, rivalry: Rivalry, run: Run
) -> None:
    async with rivalry(held.deliberation) as rival:
        await rival.does(
            "overtake_deliberation", deliberation=held.deliberation, process="prc_rival"
        )
        await rival.commits_while(deliberations.release("prc_one"))
    (shown,) = await run("show_deliberation", deliberation=held.deliberation)
    assert shown["properties"]["holder"] == "prc_rival"
    assert "waiting" not in shown["properties"]


async def test_a_renewal_does_not_wait_for_a_deliberations_lock(
    deliberations: Deliberations, held: Held, rivalry: Rivalry
) -> None:
    async with rivalry(held.deliberation):
        assert await deliberations.renew("prc_one", LEASE, {}) == (held,)


async def test_a_cancel_stands_against_the_verdict_that_waited_for_it(
    deliberations: Deliberations, held: Held, rivalry: Rivalry, run: Run
) -> None:
    turns = all_turns(held.deliberation)
    await deliberations.record(recordings(held, turns))
    async with rivalry(held.deliberation) as rival:
        await rival.deliberations.cancel(held.deliberation, None)
        decided = await rival.commits_while(
            deliberations.decide(held, 13, a_verdict(turns), StopReason.COMPLETED)
        )
    assert not decided
    (shown,) = await run("show_verdict", deliberation=held.deliberation)
    assert (shown["verdicts"], shown["final"]) == (0, [])
    case = await deliberations.load(held.deliberation)
    assert (case.deliberation.status, case.deliberation.sequence) == (Status.CANCELLED, 14)
    assert len(case.turns) == 12


async def test_a_verdict_stands_against_the_cancel_that_waited_for_it_and_is_shown(
    deliberations: Deliberations, held: Held, rivalry: Rivalry, run: Run
) -> None:
    turns = all_turns(held.deliberation)
    await deliberations.record(recordings(held, turns))
    async with rivalry(held.deliberation) as rival:
        assert await rival.deliberations.decide(held, 13, a_verdict(turns), StopReason.COMPLETED)
        with pytest.raises(RefusedError) as refused:
            await rival.commits_while(deliberations.cancel(held.deliberation, None))
    assert refused.value.mistakes == (
        Conflict(
            message="it has ended already, and is DECIDED",
            path=("id",),
            existing=held.deliberation,
        ),
    )
    (shown,) = await run("show_verdict", deliberation=held.deliberation)
    assert (shown["verdicts"], len(shown["final"])) == (1, 3)
    (stored,) = await run("show_deliberation", deliberation=held.deliberation)
    assert set(stored["labels"]) == {"Deliberation", "Decided"}
    assert (stored["properties"]["epoch"], stored["properties"]["sequence"]) == (1, 14)


async def test_a_turn_that_ends_while_a_cancel_is_written_is_not_recorded(
    deliberations: Deliberations, held: Held, rivalry: Rivalry
) -> None:
    async with rivalry(held.deliberation) as rival:
        await rival.deliberations.cancel(held.deliberation, None)
        recorded = await rival.commits_while(
            deliberations.record(recordings(held, proposals(held.deliberation)))
        )
    assert recorded.sequences == {}
    case = await deliberations.load(held.deliberation)
    assert (case.turns, case.deliberation.sequence, case.deliberation.usage.calls) == ((), 2, 0)


async def test_a_turn_that_was_recorded_before_a_cancel_stays(
    deliberations: Deliberations, held: Held, rivalry: Rivalry
) -> None:
    async with rivalry(held.deliberation) as rival:
        await rival.deliberations.record(recordings(held, proposals(held.deliberation)))
        await rival.commits_while(deliberations.cancel(held.deliberation, None))
    case = await deliberations.load(held.deliberation)
    assert [turn.sequence for turn in case.turns] == [2, 3, 4]
    assert (case.deliberation.status, case.deliberation.sequence) == (Status.CANCELLED, 5)
    assert case.deliberation.usage.calls == 6


async def test_what_was_cancelled_meanwhile_is_not_claimed(
    deliberations: Deliberations, rivalry: Rivalry
) -> None:
    deliberation = (await deliberations.accept(an_order())).deliberation
    async with rivalry(deliberation) as rival:
        await rival.deliberations.cancel(deliberation, None)
        claimed = await rival.commits_while(deliberations.claim("prc_one", 1, (), ()))
    assert claimed == ()


async def test_what_was_claimed_meanwhile_is_cancelled_all_the_same(
    deliberations: Deliberations, rivalry: Rivalry, run: Run
) -> None:
    deliberation = (await deliberations.accept(an_order())).deliberation
    async with rivalry(deliberation) as rival:
        (held,) = await rival.deliberations.claim("prc_rival", 1, (), ())
        await rival.commits_while(deliberations.cancel(deliberation, None))
    assert await deliberations.renew("prc_rival", LEASE, {}) == ()
    (shown,) = await run("show_deliberation", deliberation=deliberation)
    assert shown["properties"]["epoch"] == held.epoch + 1


async def test_what_was_cancelled_meanwhile_is_not_given_back(
    deliberations: Deliberations, held: Held, rivalry: Rivalry, run: Run
) -> None:
    async with rivalry(held.deliberation) as rival:
        await rival.deliberations.cancel(held.deliberation, None)
        await rival.commits_while(deliberations.release("prc_one"))
    (shown,) = await run("show_deliberation", deliberation=held.deliberation)
    assert shown["properties"]["status"] == "CANCELLED"
    assert "waiting" not in shown["properties"]
