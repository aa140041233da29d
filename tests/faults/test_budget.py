"""Token budgets, judged by what the model server counted: over takeovers and answers that are cut off."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from orchestrator.graph.doctor import examine
from orchestrator.graph.driver import Graph
from tests.support.evidence import Evidence
from tests.support.model_behaviour import Behaviour
from tests.support.scene import Scene
from tests.support.service_process import ServiceProcess
from tests.support.waiting import until

pytestmark = [pytest.mark.faults, pytest.mark.neo4j, pytest.mark.timeout(600)]

_SHOWN = """
query Shown($id: ID!) {
  deliberation(id: $id) {
    status stopReason failure tokenBudget tokensSpent resumptions
    usage { promptTokens completionTokens }
    verdict { partial ballots { id } }
    turns(first: 100, kinds: [BALLOT]) { edges { node { usage { promptTokens completionTokens } } } }
  }
}
"""


async def _shown(service: ServiceProcess, id_: str) -> dict[str, Any]:
    return (await service.ask(_SHOWN, id=id_))["deliberation"]


def _counted(shown: dict[str, Any]) -> int:
    return shown["usage"]["promptTokens"] + shown["usage"]["completionTokens"]


async def test_what_a_dead_process_had_in_flight_counts_once_with_the_one_that_takes_over(
    scene: Scene, empty_graph: Graph
) -> None:
    scene.model.script(Behaviour(pieces=10_000, length=20_000, pace=0.2), turn="*-c1-*")
    first = await scene.start("first", COUNCIL_LEASE_SECONDS="300")
    await first.ready()
    # One home: a lock file proves at once that the other is dead, and no lease runs out too soon.
    second = await scene.start("second", COUNCIL_LEASE_SECONDS="300", COUNCIL_HOME=str(first.home))
    await second.ready()
    accepted = await scene.deliberate(first, tokenBudget=100_000)
    await until(lambda: len(scene.model.of("*-c1-*")) == 3, 30)
    # Either may have been quicker.
    claimed = bool(first.logged("deliberation_claimed"))
    holder, heir = (first, second) if claimed else (second, first)
    before = await _shown(heir, accepted)
    in_flight = before["tokensSpent"] - _counted(before)
    await holder.kill()
    scene.model.rules.clear()
    seen = await scene.all_ended(60)
    shown = await _shown(heir, accepted)
    assert in_flight > 3 * 512
    assert shown["tokensSpent"] - _counted(shown) == in_flight
    assert scene.used()[accepted] <= shown["tokensSpent"]
    assert (shown["resumptions"], seen.deliberation(accepted).stop_reason) == (1, "COMPLETED")
    assert await examine(empty_graph) == ()


async def test_answers_that_are_cut_off_count_with_all_that_they_may_have_used(
    scene: Scene, empty_graph: Graph
) -> None:
    scene.model.behaviour = Behaviour(pieces=60, length=600)
    scene.model.script(Behaviour(cut_after=20, pieces=60, length=600), turn="*-p0-*", attempts=2)
    service = await scene.start(hasty=True)
    await service.ready()
    accepted = await scene.deliberate(service, tokenBudget=100_000)
    await scene.all_ended(60)
    shown = await _shown(service, accepted)
    assert shown["status"] == "DECIDED"
    uncounted = shown["tokensSpent"] - _counted(shown)
    # Six attempts: each had its prompt and an answer of up to 512 tokens reserved.
    assert uncounted > 6 * 512
    assert scene.used()[accepted] > _counted(shown)
    assert await examine(empty_graph) == ()


async def test_a_budget_too_small_for_the_first_call_ends_at_once_and_says_so(
    scene: Scene,
) -> None:
    service = await scene.start()
    await service.ready()
    accepted = await scene.deliberate(service, tokenBudget=200)
    await scene.all_ended()
    shown = await _shown(service, accepted)
    assert (shown["status"], shown["stopReason"]) == ("FAILED", "TOKEN_BUDGET")
    assert shown["tokensSpent"] == 0
    assert "0 of 200 tokens are spent" in shown["failure"]
    assert scene.log.begun() == []


async def test_a_budget_that_ends_among_the_ballots_comes_to_a_partial_verdict_that_is_told(
    scene: Scene,
) -> None:
    scene.model.behaviour = Behaviour(pieces=60, length=600)
    service = await scene.start()
    await service.ready()
    whole = await scene.deliberate(service)
    await scene.all_ended()
    shown = await _shown(service, whole)
    ballots = [edge["node"]["usage"] for edge in shown["turns"]["edges"]]
    before = _counted(shown) - sum(one["promptTokens"] + one["completionTokens"] for one in ballots)
    cut_short = await asyncio.gather(
        *(
            scene.deliberate(service, tokenBudget=before + more * ballots[0]["promptTokens"] // 4)
            for more in range(4, 14)
        )
    )
    seen: Evidence = await scene.all_ended(60)
    partial = [
        id_
        for id_ in cut_short
        if (one := seen.deliberation(id_)).status == "DECIDED" and one.stop_reason == "TOKEN_BUDGET"
    ]
    assert partial
    for id_ in partial:
        told = await _shown(service, id_)
        assert told["verdict"]["partial"] is True
        assert 1 <= len(told["verdict"]["ballots"]) < 3
        (line,) = [
            one for one in service.logged("deliberation_ended") if one["deliberation"] == id_
        ]
        assert (line["stop_reason"], line["partial"]) == ("TOKEN_BUDGET", True)
        assert (line["tokens_spent"], line["token_budget"]) == (
            told["tokensSpent"],
            told["tokenBudget"],
        )
