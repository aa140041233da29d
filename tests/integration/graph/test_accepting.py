"""Accepting: a task, a deliberation and its seats, as the graph is at that moment, once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from neo4j import AsyncDriver

from orchestrator.domain.councils import Decision, ProtocolName
from orchestrator.domain.deliberations import Priority, Status
from orchestrator.domain.drafts import AgentChange, AgentDraft, CouncilChange, Idempotency
from orchestrator.domain.errors import Conflict, NotFound, RefusedError
from orchestrator.domain.values import replace
from orchestrator.engine.patience import until_available
from orchestrator.engine.ports import Accepted, Deliberations
from orchestrator.graph.councils import Councils
from orchestrator.graph.deliberations import GraphDeliberations
from tests.integration.graph.conftest import Run, with_endpoints
from tests.support.deliberating import LEASE, a_rival, an_order

pytestmark = pytest.mark.neo4j


@pytest.fixture
def deliberations(seeded: Councils) -> Deliberations:
    return GraphDeliberations(seeded.graph)


async def council_of(councils: Councils, role: str) -> str:
    council = await councils.council_by_role(role)
    assert council is not None
    return council.id


async def test_what_is_accepted_is_there_as_it_was_ordered(
    seeded: Councils, deliberations: Deliberations
) -> None:
    order = an_order(
        "QA",
        external_id="T-1",
        rounds=3,
        priority=Priority.HIGH,
        deadline=timedelta(seconds=90),
        token_budget=2**53,
        created_by="ada",
    )
    council = await seeded.council_by_role("QA")
    assert council is not None

    assert await deliberations.accept(order) == Accepted(deliberation=order.deliberation, new=True)

    case = await deliberations.load(order.deliberation)
    found = case.deliberation
    assert found.task == order.task
    assert (found.council_id, found.council_version) == (council.id, council.version)
    assert (found.role, found.rounds, found.quorum) == ("QA", 3, council.quorum)
    assert (found.protocol, found.decision) == (ProtocolName.PEER_REVIEW, Decision.BALLOTS)
    assert (found.priority, found.status) == (Priority.HIGH, Status.QUEUED)
    assert found.seats == (await with_endpoints(seeded, council)).seats
    assert found.deadline == found.accepted_at + timedelta(seconds=90)
    assert (found.token_budget, found.tokens_spent) == (2**53, 0)
    assert (found.created_by, found.sequence, found.resumptions) == ("ada", 0, 0)
    assert not found.rehearsal
    assert case.turns == ()


async def test_what_the_order_leaves_open_is_the_councils(
    seeded: Councils, deliberations: Deliberations
) -> None:
    council = await council_of(seeded, "DEV")
    await seeded.update_council(council, None, CouncilChange(rounds=4, quorum=3))
    order = an_order(council=council)
    await deliberations.accept(order)
    found = (await deliberations.load(order.deliberation)).deliberation
    assert (found.rounds, found.quorum, found.deadline, found.created_by) == (4, 3, None, None)
    assert found.token_budget is None


async def test_a_change_of_an_agent_is_in_the_very_next_acceptance_and_in_none_before(
    seeded: Councils, deliberations: Deliberations
) -> None:
    council = await seeded.council_by_role("DEV")
    assert council is not None
    before, after = an_order(), an_order()
    await deliberations.accept(before)
    await seeded.update_agent(
        council.seats[1].agent.id,
        AgentChange(persona="Doubts.", temperature=0.1, max_tokens=99, model="other/model"),
    )
    await deliberations.accept(after)

    was = (await deliberations.load(before.deliberation)).deliberation.seats[1]
    now = (await deliberations.load(after.deliberation)).deliberation.seats[1]
    assert (was.persona, was.model.name) == (
        council.seats[1].persona,
        council.seats[1].model.name,
    )
    assert (now.persona, now.temperature, now.max_tokens, now.model.name) == (
        "Doubts.",
        0.1,
        99,
        "other/model",
    )
    assert was.agent == now.agent


async def test_an_unknown_role_or_council_is_not_found(
    seeded: Councils, deliberations: Deliberations
) -> None:
    with pytest.raises(RefusedError) as no_role:
        await deliberations.accept(an_order("POET"))
    with pytest.raises(RefusedError) as no_council:
        await deliberations.accept(an_order(council="cou_none"))
    (role,), (council,) = no_role.value.mistakes, no_council.value.mistakes
    assert isinstance(role, NotFound)
    assert isinstance(council, NotFound)
    assert (role.path, role.sought) == (("council", "role"), "POET")
    assert (council.path, council.sought) == (("council", "id"), "cou_none")
    assert await seeded.council_by_role("POET") is None


async def test_an_archived_council_is_a_conflict_by_its_id_and_not_found_by_its_role(
    seeded: Councils, deliberations: Deliberations
) -> None:
    council = await council_of(seeded, "DATA")
    await seeded.archive_council(council, None)
    with pytest.raises(RefusedError) as by_id:
        await deliberations.accept(an_order(council=council))
    with pytest.raises(RefusedError) as by_role:
        await deliberations.accept(an_order("DATA"))
    (conflict,), (not_found,) = by_id.value.mistakes, by_role.value.mistakes
    assert isinstance(conflict, Conflict)
    assert (conflict.path, conflict.existing) == (("council", "id"), council)
    assert isinstance(not_found, NotFound)
    assert (not_found.path, not_found.sought) == (("council", "role"), "DATA")


async def test_a_council_without_seats_is_a_conflict(
    seeded: Councils, deliberations: Deliberations, run: Run
) -> None:
    council = await council_of(seeded, "DEV")
    await run("empty_council", council=council)
    with pytest.raises(RefusedError) as refused:
        await deliberations.accept(an_order("DEV"))
    (mistake,) = refused.value.mistakes
    assert isinstance(mistake, Conflict)
    assert (mistake.path, mistake.existing) == (("council", "role"), council)


async def test_what_is_refused_leaves_nothing_behind(
    seeded: Councils, deliberations: Deliberations, whole_graph: Callable[[], Awaitable[list[Any]]]
) -> None:
    await seeded.archive_council(await council_of(seeded, "DATA"), None)
    before = await whole_graph()
    with pytest.raises(RefusedError):
        await deliberations.accept(an_order("DATA"))
    with pytest.raises(RefusedError):
        await deliberations.accept(an_order("POET"))
    assert await whole_graph() == before


async def test_forty_acceptances_of_one_key_at_once_make_one_deliberation(
    deliberations: Deliberations, run: Run
) -> None:
    key = Idempotency(key="ada/deliberate/1", input_digest="d1")
    accepted = await asyncio.gather(
        *(deliberations.accept(an_order(idempotency=key)) for _ in range(40))
    )
    assert len({one.deliberation for one in accepted}) == 1
    assert sum(one.new for one in accepted) == 1
    assert len(await run("list_personas")) == 1


async def test_a_key_with_another_input_is_a_conflict_that_shows_what_exists(
    deliberations: Deliberations,
) -> None:
    first = an_order(idempotency=Idempotency(key="k", input_digest="one"))
    await deliberations.accept(first)
    with pytest.raises(RefusedError) as refused:
        await deliberations.accept(
            an_order("QA", idempotency=Idempotency(key="k", input_digest="two"))
        )
    (mistake,) = refused.value.mistakes
    assert isinstance(mistake, Conflict)
    assert (mistake.path, mistake.existing) == (("idempotencyKey",), first.deliberation)


async def test_a_key_brings_back_its_deliberation_even_when_its_council_is_archived(
    seeded: Councils, deliberations: Deliberations
) -> None:
    key = Idempotency(key="k", input_digest="one")
    first = an_order("DATA", idempotency=key)
    await deliberations.accept(first)
    await seeded.archive_council(await council_of(seeded, "DATA"), None)
    assert await deliberations.accept(an_order("DATA", idempotency=key)) == Accepted(
        deliberation=first.deliberation, new=False
    )


async def test_an_acceptance_whose_answer_was_lost_is_asked_again_and_is_still_new(
    deliberations: Deliberations, run: Run
) -> None:
    order = an_order()
    first = await deliberations.accept(order)
    assert (
        await deliberations.accept(order)
        == first
        == Accepted(deliberation=order.deliberation, new=True)
    )
    assert len(await run("list_personas")) == 1


async def test_an_acceptance_that_is_sent_again_while_its_first_attempt_is_being_committed_is_accepted(
    deliberations: Deliberations, seeded: Councils, driver: AsyncDriver
) -> None:
    order = an_order()
    async with a_rival(driver, seeded.graph.database, "dlb_none") as first:
        await first.deliberations.accept(order)
        accepted = await first.commits_while(deliberations.accept(order))
    assert accepted == Accepted(deliberation=order.deliberation, new=True)


async def test_of_a_council_that_is_changed_and_archived_while_it_is_written_an_acceptance_has_all_as_it_was(
    deliberations: Deliberations, seeded: Councils, driver: AsyncDriver
) -> None:
    order = an_order()
    council = await seeded.council_by_role("DEV")
    assert council is not None
    async with a_rival(driver, seeded.graph.database, "dlb_none") as rival:
        # By then it has compared the council with what it read of it first.
        await rival.does("make_task", task=order.task.id)
        accepting = asyncio.create_task(deliberations.accept(order))
        await rival.blocks(1)
        await seeded.update_council(council.id, None, CouncilChange(quorum=3, rounds=2))
        await seeded.archive_council(council.id, None)
        await rival.give_up()
        await accepting
    found = (await deliberations.load(order.deliberation)).deliberation
    assert (found.role, found.council_version, found.quorum, found.rounds) == (
        "DEV",
        council.version,
        council.quorum,
        council.rounds,
    )
    await deliberations.enter("prc_one", "host", LEASE)
    assert len(await deliberations.claim("prc_one", 9, (), ())) == 1


async def test_an_acceptance_never_sees_half_of_a_change(
    seeded: Councils, deliberations: Deliberations, run: Run
) -> None:
    """A rival rewrites council and agents without a pause; each acceptance has all of one version."""
    council = await council_of(seeded, "DEV")
    for _ in range(12):
        await seeded.register_agent(council, AgentDraft(), None)
    await run("rewrite_personas", council=council, version=1000)
    done = asyncio.Event()

    async def rewrite() -> None:
        version = 1000
        while not done.is_set():
            version += 1
            await run("rewrite_personas", council=council, version=version)

    async def accept() -> None:
        for _ in range(20):
            order = an_order()
            # On a busy machine it may be changed as often as an acceptance is tried.
            await until_available(partial(deliberations.accept, order))

    rewriting = asyncio.create_task(rewrite())
    try:
        await asyncio.gather(*(accept() for _ in range(4)))
    finally:
        done.set()
        await rewriting
    accepted = await run("list_personas")
    assert len(accepted) == 80
    assert all(row["personas"] == [str(row["version"])] for row in accepted)


async def test_without_vllm_only_seats_that_no_other_endpoint_serves_are_bound_to_the_rehearsal_model(
    seeded: Councils, deliberations: Deliberations
) -> None:
    endpoint = await seeded.register_endpoint("lab", "http://127.0.0.1:9/v1", None, None)
    council = await seeded.council_by_role("DEV")
    assert council is not None
    one, two, _ = council.seats
    # The model of the first is served at the lab, the second is bound to it, the third has neither.
    await seeded.update_agent(one.agent.id, AgentChange(model="lab/model", endpoint="lab"))
    await seeded.update_agent(two.agent.id, AgentChange(endpoint="lab"))
    order = an_order(rehearsal=True)
    assert (await deliberations.accept(order)).rehearsal
    found = (await deliberations.load(order.deliberation)).deliberation
    assert [seat.model.rehearsal for seat in found.seats] == [False, False, True]
    assert [seat.endpoint and seat.endpoint.id for seat in found.seats] == [
        endpoint,
        endpoint,
        None,
    ]
    assert found.seats[2].model.name == "rehearsal"
    assert found.rehearsal


async def test_with_vllm_nobody_rehearses(deliberations: Deliberations) -> None:
    order = an_order(rehearsal=False)
    assert not (await deliberations.accept(order)).rehearsal
    found = (await deliberations.load(order.deliberation)).deliberation
    assert not found.rehearsal
    assert not any(seat.model.rehearsal for seat in found.seats)


async def test_a_deliberation_that_is_not_there_is_not_found(
    deliberations: Deliberations,
) -> None:
    with pytest.raises(RefusedError) as refused:
        await deliberations.load("dlb_none")
    assert refused.value.mistakes[0].code == "NOT_FOUND"


async def test_texts_come_back_as_they_went(deliberations: Deliberations) -> None:
    order = an_order()
    odd = replace(
        order,
        task=replace(order.task, description="„ü” \U0001f9e0 ' \\ \" \n{}", context=None),
    )
    await deliberations.accept(odd)
    assert (await deliberations.load(order.deliberation)).deliberation.task == odd.task
