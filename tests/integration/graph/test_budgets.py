"""What a token budget leaves in the graph: reserved before a call, settled with its turn, counted once over every takeover."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from orchestrator.domain.deliberations import Deliberation, Turn
from orchestrator.domain.values import replace
from orchestrator.engine.ports import Deliberations, Held, Recording
from orchestrator.graph.councils import Councils
from orchestrator.graph.deliberations import GraphDeliberations
from orchestrator.graph.doctor import examine
from tests.integration.graph.conftest import Run
from tests.support.deliberating import LEASE, an_order, proposals, recordings

pytestmark = pytest.mark.neo4j

COUNTED = 120
"""Tokens that each of these turns has as its usage."""


@pytest.fixture
async def deliberations(seeded: Councils) -> Deliberations:
    found = GraphDeliberations(seeded.graph)
    for process in ("prc_one", "prc_two", "prc_three"):
        await found.enter(process, "host", LEASE)
    return found


@pytest.fixture
async def held(deliberations: Deliberations) -> Held:
    await deliberations.accept(an_order(token_budget=10_000, deadline=timedelta(days=1)))
    (held,) = await deliberations.claim("prc_one", 1, (), ())
    return held


def settling(held: Held, turns: Sequence[Turn], tokens: int) -> list[Recording]:
    return [replace(one, settles=tokens) for one in recordings(held, turns)]


async def found(deliberations: Deliberations, held: Held) -> Deliberation:
    return (await deliberations.load(held.deliberation)).deliberation


async def test_what_is_reserved_counts_as_spent_until_its_turn_is_recorded(
    deliberations: Deliberations, held: Held, seeded: Councils
) -> None:
    assert await deliberations.reserve(held, 3_000)
    assert (await found(deliberations, held)).tokens_spent == 3_000
    await deliberations.record(settling(held, proposals(held.deliberation)[:2], 1_000))
    shown = await found(deliberations, held)
    assert (shown.token_budget, shown.tokens_spent) == (10_000, 1_000 + 2 * COUNTED)
    assert await examine(seeded.graph) == ()


async def test_a_turn_that_is_recorded_twice_is_settled_once(
    deliberations: Deliberations, held: Held
) -> None:
    assert await deliberations.reserve(held, 3_000)
    for _ in range(2):
        await deliberations.record(settling(held, proposals(held.deliberation)[:1], 1_000))
    assert (await found(deliberations, held)).tokens_spent == 2_000 + COUNTED


async def test_a_reservation_that_is_written_again_is_there_once(
    deliberations: Deliberations, held: Held
) -> None:
    for tokens in (1_000, 2_500, 1_000, 2_500):
        assert await deliberations.reserve(held, tokens)
    assert (await found(deliberations, held)).tokens_reserved == 2_500


async def test_what_was_in_flight_counts_once_over_several_takeovers(
    deliberations: Deliberations, held: Held, run: Run
) -> None:
    assert await deliberations.reserve(held, 3_000)
    for before, process in (("prc_one", "prc_two"), ("prc_two", "prc_three")):
        await run("expire_lease", process=before)
        (held,) = await deliberations.claim(process, 1, (), ())
        assert (await found(deliberations, held)).tokens_spent == 3_000
    assert await deliberations.reserve(held, 3_000 + 800)
    await deliberations.record(settling(held, proposals(held.deliberation)[:1], 800))
    assert (await found(deliberations, held)).tokens_spent == 3_000 + COUNTED


async def test_the_first_claim_brings_the_budget(deliberations: Deliberations) -> None:
    await deliberations.accept(an_order(token_budget=777))
    (held,) = await deliberations.claim("prc_one", 1, (), ())
    assert held.case is not None
    assert (held.case.deliberation.token_budget, held.case.deliberation.tokens_reserved) == (777, 0)


async def test_without_a_budget_nothing_of_one_is_in_the_graph(
    deliberations: Deliberations, run: Run
) -> None:
    await deliberations.accept(an_order())
    (held,) = await deliberations.claim("prc_one", 1, (), ())
    await deliberations.record(recordings(held, proposals(held.deliberation)))
    (shown,) = await run("show_deliberation", deliberation=held.deliberation)
    assert not {"tokenBudget", "tokensReserved", "tokensSettled"} & set(shown["properties"])
