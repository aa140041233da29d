"""Retrying: a new deliberation on the task of one that ended without a verdict, before the council as it is now."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from orchestrator.api.ports import Records
from orchestrator.domain import limits
from orchestrator.domain.councils import Seat
from orchestrator.domain.deliberations import Priority, Retries, Status, StopReason
from orchestrator.domain.drafts import AgentChange, CouncilChange, Idempotency
from orchestrator.domain.errors import Conflict, NotFound, RefusedError
from orchestrator.domain.ids import Prefix
from orchestrator.engine.ports import Accepted, Deliberations, Order, Retry
from orchestrator.graph.councils import Councils
from orchestrator.graph.deliberations import GraphDeliberations
from orchestrator.graph.doctor import examine
from orchestrator.graph.records import GraphRecords
from tests.integration.graph.conftest import Run
from tests.support.deliberating import (
    LEASE,
    a_verdict,
    all_turns,
    an_order,
    fresh,
    one_more,
    recordings,
)

pytestmark = pytest.mark.neo4j


@pytest.fixture
async def deliberations(seeded: Councils) -> Deliberations:
    found = GraphDeliberations(seeded.graph)
    await found.enter("prc_one", "host", LEASE)
    return found


@pytest.fixture
def records(seeded: Councils) -> Records:
    return GraphRecords(seeded.graph)


def a_retry(of: str, **kwargs: Any) -> Retry:
    return Retry(deliberation=fresh(Prefix.DELIBERATION), of=of, **kwargs)


async def cancelled(deliberations: Deliberations, order: Order | None = None) -> str:
    accepted = await deliberations.accept(order or an_order())
    await deliberations.cancel(accepted.deliberation, None)
    return accepted.deliberation


def _seated(seat: Seat) -> tuple[object, ...]:
    """A seat, but for the endpoints that serve its model, which are not read with a council."""
    return (
        seat.number,
        seat.agent.id,
        seat.persona,
        seat.temperature,
        seat.max_tokens,
        seat.model.id,
    )


async def test_it_is_ordered_as_the_old_one_was_and_seated_as_the_council_is_now(
    seeded: Councils, deliberations: Deliberations
) -> None:
    order = an_order(
        "QA",
        external_id="T-1",
        rounds=3,
        priority=Priority.HIGH,
        deadline=timedelta(seconds=90),
        token_budget=30_000,
        created_by="ada",
    )
    old = (await deliberations.load(await cancelled(deliberations, order))).deliberation
    await seeded.update_council(old.council_id, None, CouncilChange(rounds=7, quorum=1))
    await seeded.update_agent(old.seats[0].agent.id, AgentChange(persona="Doubts."))
    await seeded.retire_agent(old.seats[1].agent.id)
    council = await seeded.council_by_role("QA")
    assert council is not None

    retry = a_retry(old.id, created_by="bob")
    assert await deliberations.retry(retry) == Accepted(deliberation=retry.deliberation, new=True)

    new = (await deliberations.load(retry.deliberation)).deliberation
    assert new.task == old.task
    assert (new.protocol, new.rounds, new.decision) == (old.protocol, 3, old.decision)
    assert (new.priority, new.status, new.created_by) == (Priority.HIGH, Status.QUEUED, "bob")
    assert new.deadline == new.accepted_at + timedelta(seconds=90)
    assert (new.token_budget, new.tokens_spent) == (30_000, 0)
    assert (new.council_id, new.council_version, new.quorum) == (council.id, council.version, 1)
    assert [_seated(seat) for seat in new.seats] == [_seated(seat) for seat in council.seats]
    assert new.seats[0].persona == "Doubts."
    assert (new.sequence, new.resumptions, new.usage.calls) == (0, 0, 0)
    assert await examine(seeded.graph) == ()


async def test_it_waits_in_line_as_whatever_else_is_accepted(
    deliberations: Deliberations,
) -> None:
    low = a_retry(await cancelled(deliberations, an_order(priority=Priority.LOW)))
    high = a_retry(await cancelled(deliberations, an_order(priority=Priority.HIGH)))
    await deliberations.retry(low)
    await deliberations.accept(normal := an_order())
    await deliberations.retry(high)
    claimed = [await one_more(deliberations) for _ in range(3)]
    assert [held.deliberation for held in claimed] == [
        high.deliberation,
        normal.deliberation,
        low.deliberation,
    ]
    assert not any(held.resumed for held in claimed)


async def test_old_and_new_know_of_each_other(
    deliberations: Deliberations, records: Records
) -> None:
    old = await cancelled(deliberations)
    first, second = a_retry(old), a_retry(old)
    for retry in (first, second):
        await deliberations.retry(retry)
    await deliberations.cancel(first.deliberation, None)
    third = a_retry(first.deliberation)
    await deliberations.retry(third)

    assert await records.retries(
        [old, first.deliberation, second.deliberation, third.deliberation, "dlb_none"]
    ) == {
        old: Retries(by=(first.deliberation, second.deliberation)),
        first.deliberation: Retries(of=old, by=(third.deliberation,)),
        second.deliberation: Retries(of=old),
        third.deliberation: Retries(of=first.deliberation),
    }
    assert await records.count_tasks(None) == 1


async def test_what_failed_can_be_retried(deliberations: Deliberations) -> None:
    await deliberations.accept(an_order())
    (held,) = await deliberations.claim("prc_one", 1, (), ())
    assert await deliberations.fail(held, 1, StopReason.ERROR, "it broke")
    assert (await deliberations.retry(a_retry(held.deliberation))).new


@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING, Status.DECIDED])
async def test_what_has_not_ended_without_a_verdict_is_a_conflict_that_shows_it(
    deliberations: Deliberations,
    whole_graph: Callable[[], Awaitable[list[Any]]],
    status: Status,
) -> None:
    old = (await deliberations.accept(an_order())).deliberation
    if status is not Status.QUEUED:
        (held,) = await deliberations.claim("prc_one", 1, (), ())
        if status is Status.DECIDED:
            turns = all_turns(old)
            await deliberations.record(recordings(held, turns))
            assert await deliberations.decide(held, 13, a_verdict(turns), StopReason.COMPLETED)
    before = await whole_graph()
    with pytest.raises(RefusedError) as refused:
        await deliberations.retry(a_retry(old))
    (mistake,) = refused.value.mistakes
    assert isinstance(mistake, Conflict)
    assert (mistake.path, mistake.existing) == (("id",), old)
    assert mistake.message.endswith(f"and this one is {status}")
    assert await whole_graph() == before


async def test_one_is_retried_only_so_often_however_many_ask_for_it_at_once(
    deliberations: Deliberations,
    records: Records,
    whole_graph: Callable[[], Awaitable[list[Any]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "RETRIES", 3)
    old = await cancelled(deliberations)

    answers = await asyncio.gather(
        *(deliberations.retry(a_retry(old)) for _ in range(12)), return_exceptions=True
    )

    accepted = {one.deliberation for one in answers if isinstance(one, Accepted)}
    assert len(accepted) == 3
    assert set((await records.retries([old]))[old].by) == accepted
    refused = [one for one in answers if isinstance(one, RefusedError)]
    assert {one.mistakes for one in refused} == {
        (
            Conflict(
                message="it has 3 retries, and may have 3 at most: retry one of those",
                path=("id",),
                existing=old,
            ),
        )
    }
    assert len(refused) == 9
    before = await whole_graph()
    with pytest.raises(RefusedError):
        await deliberations.retry(a_retry(old))
    assert await whole_graph() == before


async def test_what_is_not_there_is_not_found(deliberations: Deliberations) -> None:
    with pytest.raises(RefusedError) as refused:
        await deliberations.retry(a_retry("dlb_none"))
    (mistake,) = refused.value.mistakes
    assert isinstance(mistake, NotFound)
    assert (mistake.path, mistake.sought) == (("id",), "dlb_none")


async def test_a_council_that_was_archived_or_is_empty_is_a_conflict_that_shows_it(
    seeded: Councils, deliberations: Deliberations, run: Run
) -> None:
    old = (await deliberations.load(await cancelled(deliberations))).deliberation
    await run("empty_council", council=old.council_id)
    with pytest.raises(RefusedError) as empty:
        await deliberations.retry(a_retry(old.id))
    await seeded.archive_council(old.council_id, None)
    with pytest.raises(RefusedError) as archived:
        await deliberations.retry(a_retry(old.id))
    for refused, words in ((empty, "nobody sits"), (archived, "archived")):
        (mistake,) = refused.value.mistakes
        assert isinstance(mistake, Conflict)
        assert (mistake.path, mistake.existing) == (("id",), old.council_id)
        assert words in mistake.message


async def test_forty_retries_of_one_key_at_once_make_one_deliberation(
    deliberations: Deliberations, records: Records
) -> None:
    old = await cancelled(deliberations)
    key = Idempotency(key="ada/retryDeliberation/1", input_digest="d1")
    accepted = await asyncio.gather(
        *(deliberations.retry(a_retry(old, idempotency=key)) for _ in range(40))
    )
    assert len({one.deliberation for one in accepted}) == 1
    assert sum(one.new for one in accepted) == 1
    assert (await records.retries([old]))[old].by == (accepted[0].deliberation,)


async def test_a_key_brings_back_the_last_retry_that_one_may_have_to_all_who_ask_at_once(
    deliberations: Deliberations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "RETRIES", 1)
    old = await cancelled(deliberations)
    key = Idempotency(key="ada/retryDeliberation/1", input_digest="d1")

    accepted = await asyncio.gather(
        *(deliberations.retry(a_retry(old, idempotency=key)) for _ in range(12))
    )

    assert len({one.deliberation for one in accepted}) == 1


async def test_a_key_brings_back_its_retry_and_with_another_input_is_a_conflict(
    seeded: Councils, deliberations: Deliberations
) -> None:
    old, other = await cancelled(deliberations), await cancelled(deliberations)
    first = a_retry(old, idempotency=Idempotency(key="k", input_digest="one"))
    await deliberations.retry(first)
    council = (await deliberations.load(old)).deliberation.council_id
    await seeded.archive_council(council, None)

    again = a_retry(old, idempotency=first.idempotency)
    assert await deliberations.retry(again) == Accepted(deliberation=first.deliberation, new=False)
    with pytest.raises(RefusedError) as refused:
        await deliberations.retry(
            a_retry(other, idempotency=Idempotency(key="k", input_digest="two"))
        )
    (mistake,) = refused.value.mistakes
    assert isinstance(mistake, Conflict)
    assert (mistake.path, mistake.existing) == (("idempotencyKey",), first.deliberation)


async def test_without_vllm_a_retry_is_a_rehearsal_and_with_it_a_rehearsal_is_retried_for_real(
    deliberations: Deliberations,
) -> None:
    old = await cancelled(deliberations, an_order(rehearsal=True))
    staged, real = a_retry(old, rehearsal=True), a_retry(old)
    told = [(await deliberations.retry(retry)).rehearsal for retry in (staged, real)]
    assert told == [True, False]
    assert (await deliberations.load(staged.deliberation)).deliberation.rehearsal
    assert not (await deliberations.load(real.deliberation)).deliberation.rehearsal
