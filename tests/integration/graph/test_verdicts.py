"""The end of a deliberation: once, under the claim, over the sequence that it was computed from."""

from __future__ import annotations

import dataclasses

import pytest

from orchestrator.domain.deliberations import Status, StopReason, Turn
from orchestrator.engine.ports import Deliberations, Held
from orchestrator.graph.councils import Councils
from orchestrator.graph.deliberations import GraphDeliberations
from tests.integration.graph.conftest import Run
from tests.support.deliberating import LEASE, a_verdict, all_turns, an_order, recordings

pytestmark = pytest.mark.neo4j


@pytest.fixture
async def deliberations(seeded: Councils) -> Deliberations:
    found = GraphDeliberations(seeded.graph)
    await found.enter("prc_one", "host", LEASE)
    return found


async def complete(deliberations: Deliberations) -> tuple[Held, list[Turn]]:
    """A deliberation whose twelve turns are recorded, up to sequence 13."""
    await deliberations.accept(an_order())
    (held,) = await deliberations.claim("prc_one", 1, ())
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
    assert await deliberations.renew("prc_one", LEASE) == ()


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
    verdict = dataclasses.replace(a_verdict(turns), partial=True)
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
    stale = dataclasses.replace(held, epoch=0)
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
