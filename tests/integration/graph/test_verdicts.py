"""The end of a deliberation: once, under the claim, over the sequence that it was computed from."""

from __future__ import annotations

import pytest

from orchestrator.domain.deliberations import Status, StopReason, Turn, TurnOutcome
from orchestrator.domain.values import replace
from orchestrator.engine.ports import Conclusion, Deliberations, Held, Recording
from orchestrator.graph.councils import Councils
from orchestrator.graph.deliberations import GraphDeliberations
from tests.integration.graph.conftest import Run
from tests.support.deliberating import LEASE, a_verdict, all_turns, an_order, one_more, recordings

pytestmark = pytest.mark.neo4j


@pytest.fixture
async def deliberations(seeded: Councils) -> Deliberations:
    found = GraphDeliberations(seeded.graph)
    await found.enter("prc_one", "host", LEASE)
    return found


async def complete(deliberations: Deliberations) -> tuple[Held, list[Turn]]:
    """A deliberation whose twelve turns are recorded, up to sequence 13."""
    await deliberations.accept(an_order())
    (held,) = await deliberations.claim("prc_one", 1, (), ())
    turns = all_turns(held.deliberation)
    await deliberations.record(recordings(held, turns))
    return held, turns


async def test_a_verdict_is_written_with_its_ranking_and_ends_the_deliberation(
    deliberations: Deliberations, run: Run
) -> None:
    held, turns = await complete(deliberations)
    verdict = a_verdict(turns)
    assert await deliberations.decide(held, 13, verdict, StopReason.COMPLETED)

    found = (await deliberations.load(held.deliberation)).deliberation
    assert (found.status, found.stop_reason, found.sequence) == (
        Status.DECIDED,
        StopReason.COMPLETED,
        14,
    )
    assert found.finished_at is not None
    (shown,) = await run("show_verdict", deliberation=held.deliberation)
    assert shown["verdicts"] == 1
    assert shown["chose"] == [verdict.winner]
    assert sorted(shown["final"]) == sorted(r.proposal for r in verdict.ranking)
    assert sorted(shown["ranked"]) == [
        [r.rank, r.score, r.votes, r.proposal] for r in verdict.ranking
    ]
    (stored,) = await run("show_deliberation", deliberation=held.deliberation)
    assert set(stored["labels"]) == {"Deliberation", "Decided"}
    assert "holder" not in stored["properties"]
    assert await deliberations.renew("prc_one", LEASE, {}) == ()


async def test_a_verdict_is_written_with_the_last_turns_and_what_comes_twice_is_there_once(
    deliberations: Deliberations, run: Run
) -> None:
    held, turns = await all_but_the_last(deliberations)
    last = concluding(held, turns)
    for _ in range(2):
        recorded = await deliberations.record(last)
        assert recorded.sequences == {turns[-2].id: 12, turns[-1].id: 13}
        assert set(recorded.decided) == {(held.deliberation, 1)}
    found = (await deliberations.load(held.deliberation)).deliberation
    assert (found.status, found.stop_reason, found.sequence) == (
        Status.DECIDED,
        StopReason.COMPLETED,
        14,
    )
    (shown,) = await run("show_verdict", deliberation=held.deliberation)
    assert (shown["verdicts"], shown["chose"]) == (1, [a_verdict(turns).winner])


async def test_the_last_turns_are_recorded_without_a_verdict_that_counted_on_an_absence(
    deliberations: Deliberations, run: Run
) -> None:
    held, turns = await all_but_the_last(deliberations)
    first, last = concluding(held, turns)
    absent = replace(
        first.turn, outcome=TurnOutcome.ABSENT, content=None, choices=(), absence="no room"
    )
    recorded = await deliberations.record([replace(first, turn=absent), last])
    assert (len(recorded.sequences), set(recorded.decided)) == (2, set())
    (shown,) = await run("show_verdict", deliberation=held.deliberation)
    assert (shown["verdicts"], shown["final"]) == (0, [])
    found = (await deliberations.load(held.deliberation)).deliberation
    assert (found.status, found.sequence) == (Status.RUNNING, 13)


async def test_the_last_turns_are_recorded_without_a_verdict_over_another_sequence(
    deliberations: Deliberations,
) -> None:
    held, turns = await all_but_the_last(deliberations)
    recorded = await deliberations.record(concluding(held, turns, sequence=14))
    assert (len(recorded.sequences), set(recorded.decided)) == (2, set())
    found = (await deliberations.load(held.deliberation)).deliberation
    assert (found.status, found.sequence) == (Status.RUNNING, 13)


async def test_the_last_turns_of_an_older_claim_bring_neither_themselves_nor_a_verdict(
    deliberations: Deliberations,
) -> None:
    held, turns = await all_but_the_last(deliberations)
    stale = replace(held, epoch=0)
    recorded = await deliberations.record(concluding(stale, turns))
    assert (recorded.sequences, set(recorded.decided)) == ({}, set())


async def test_verdicts_of_several_deliberations_go_in_one_batch_with_turns_of_others(
    deliberations: Deliberations,
) -> None:
    one, other, unfinished = [await all_but_the_last(deliberations) for _ in range(3)]
    batch = [
        *concluding(*one),
        *concluding(*other),
        *recordings(unfinished[0], unfinished[1][-2:]),
    ]
    recorded = await deliberations.record(batch)
    assert len(recorded.sequences) == 6
    assert set(recorded.decided) == {(one[0].deliberation, 1), (other[0].deliberation, 1)}


async def all_but_the_last(deliberations: Deliberations) -> tuple[Held, list[Turn]]:
    """Twelve turns, of which ten are recorded, up to sequence 11."""
    await deliberations.accept(an_order())
    held = await one_more(deliberations)
    turns = all_turns(held.deliberation)
    await deliberations.record(recordings(held, turns[:-2]))
    return held, turns


def concluding(held: Held, turns: list[Turn], sequence: int = 13) -> list[Recording]:
    """The last two turns, the second of which brings the verdict."""
    first, last = recordings(held, turns[-2:])
    conclusion = Conclusion(
        sequence=sequence,
        verdict=a_verdict(turns),
        stop_reason=StopReason.COMPLETED,
        taken=(first.turn.id, last.turn.id),
    )
    return [first, replace(last, conclusion=conclusion)]


async def test_a_verdict_asked_again_after_a_lost_answer_is_its_own(
    deliberations: Deliberations, run: Run
) -> None:
    held, turns = await complete(deliberations)
    assert await deliberations.decide(held, 13, a_verdict(turns), StopReason.COMPLETED)
    (before,) = await run("show_deliberation", deliberation=held.deliberation)
    assert await deliberations.decide(held, 13, a_verdict(turns), StopReason.COMPLETED)
    (after,) = await run("show_deliberation", deliberation=held.deliberation)
    assert after == before
    (shown,) = await run("show_verdict", deliberation=held.deliberation)
    assert shown["verdicts"] == 1
    assert len(shown["ranked"]) == 3


async def test_a_verdict_cut_short_says_what_struck(deliberations: Deliberations) -> None:
    held, turns = await complete(deliberations)
    verdict = replace(a_verdict(turns), partial=True)
    assert await deliberations.decide(held, 13, verdict, StopReason.DEADLINE)
    found = (await deliberations.load(held.deliberation)).deliberation
    assert found.stop_reason is StopReason.DEADLINE


async def test_a_verdict_over_another_sequence_is_not_written(
    deliberations: Deliberations, run: Run
) -> None:
    held, turns = await complete(deliberations)
    assert not await deliberations.decide(held, 12, a_verdict(turns), StopReason.COMPLETED)
    (shown,) = await run("show_verdict", deliberation=held.deliberation)
    assert (shown["verdicts"], shown["final"]) == (0, [])
    found = (await deliberations.load(held.deliberation)).deliberation
    assert (found.status, found.sequence) == (Status.RUNNING, 13)


async def test_an_older_claim_neither_decides_nor_fails(deliberations: Deliberations) -> None:
    held, turns = await complete(deliberations)
    stale = replace(held, epoch=0)
    assert not await deliberations.decide(stale, 13, a_verdict(turns), StopReason.COMPLETED)
    assert not await deliberations.fail(stale, 13, StopReason.ERROR, "it broke")
    found = (await deliberations.load(held.deliberation)).deliberation
    assert found.status is Status.RUNNING


async def test_a_failure_says_why_and_is_its_own_when_asked_again(
    deliberations: Deliberations,
) -> None:
    held, _ = await complete(deliberations)
    for _ in range(2):
        assert await deliberations.fail(held, 13, StopReason.QUORUM_LOST, "two are absent")
        found = (await deliberations.load(held.deliberation)).deliberation
        assert (found.status, found.stop_reason, found.failure, found.sequence) == (
            Status.FAILED,
            StopReason.QUORUM_LOST,
            "two are absent",
            14,
        )
        assert found.finished_at is not None


async def test_what_has_ended_in_one_way_does_not_end_in_another(
    deliberations: Deliberations,
) -> None:
    decided, turns = await complete(deliberations)
    assert await deliberations.decide(decided, 13, a_verdict(turns), StopReason.COMPLETED)
    assert not await deliberations.fail(decided, 14, StopReason.ERROR, "it broke")
    failed, turns = await complete(deliberations)
    assert await deliberations.fail(failed, 13, StopReason.ERROR, "it broke")
    assert not await deliberations.decide(failed, 14, a_verdict(turns), StopReason.COMPLETED)
