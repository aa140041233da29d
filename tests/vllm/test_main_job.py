"""The main job on a real vLLM: a whole deliberation, with a kill in the middle of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from neo4j import AsyncDriver

from orchestrator.graph.doctor import examine
from orchestrator.graph.driver import Graph
from tests.support.evidence import Evidence, ended, faults, gather, quiet
from tests.support.neo4j import Neo4jServer
from tests.support.service_process import ServiceProcess
from tests.support.waiting import eventually
from tests.vllm.conftest import VllmServer

pytestmark = [pytest.mark.vllm, pytest.mark.neo4j, pytest.mark.timeout(900)]

TURNS = 12
"""Of three seats and one round."""

DELIBERATE = """
mutation ($input: DeliberateInput!) {
  deliberate(input: $input) { deliberation { id } errors { message } }
}
"""

LOOK = """
query ($id: ID!) {
  node(id: $id) {
    ... on Deliberation {
      status
      stopReason
      rehearsal
      resumptions
      usage { promptTokens completionTokens calls }
      verdict { partial margin ballots { id } ranking { rank votes } }
    }
  }
}
"""

SPENT = """
query ($id: ID!) { node(id: $id) { ... on Deliberation { stopReason tokensSpent } } }
"""


async def test_a_deliberation_on_a_real_vllm_goes_on_after_a_kill_to_a_verdict_with_every_turn(
    vllm_server: VllmServer,
    neo4j_server: Neo4jServer,
    empty_graph: Graph,
    driver: AsyncDriver,
    tmp_path: Path,
) -> None:
    database = empty_graph.database

    async def look() -> Evidence:
        return await gather(driver, database)

    environment = {**neo4j_server.environment, **vllm_server.environment}
    async with ServiceProcess(home=tmp_path / "home", environment=environment) as service:
        await service.ready(seconds=120)
        task = {
            "description": "Propose a retry policy for our webhook handler.",
            "requirements": ["Nothing is delivered twice."],
        }
        order = {"council": {"role": "DEV"}, "task": task}
        payload = (await service.ask(DELIBERATE, input=order))["deliberate"]
        assert payload["errors"] == []
        accepted = payload["deliberation"]["id"]

        await eventually(look, lambda seen: len(seen.turns) >= TURNS // 3, seconds=120)
        await service.kill()
        await quiet(driver, database)
        before = await look()
        assert not before.deliberation(accepted).ended

        await service.start()
        await service.ready(seconds=120)
        after = await ended(driver, database, [accepted], seconds=180)
        told = (await service.ask(LOOK, id=accepted))["node"]
        assert await service.stop() == 0

    assert faults(after, accepted=[accepted], turns=TURNS) == []
    assert set(before.turns) <= set(after.turns)
    assert [turn.absence for turn in after.turns if turn.absence] == []
    usage = told.pop("usage")
    assert usage["calls"] >= TURNS
    assert usage["completionTokens"] > TURNS
    verdict = told.pop("verdict")
    assert told == {
        "status": "DECIDED",
        "stopReason": "COMPLETED",
        "rehearsal": False,
        "resumptions": 1,
    }
    assert not verdict["partial"]
    assert len(verdict["ballots"]) == 3
    assert [place["rank"] for place in verdict["ranking"]] == [1, 2, 3]
    assert sum(place["votes"] for place in verdict["ranking"]) == 3
    assert await examine(empty_graph) == ()


async def test_on_a_real_vllm_no_budget_is_exceeded_by_its_own_count(
    vllm_server: VllmServer, neo4j_server: Neo4jServer, empty_graph: Graph, tmp_path: Path
) -> None:
    environment = {**neo4j_server.environment, **vllm_server.environment}
    before = await counted(vllm_server)
    async with ServiceProcess(home=tmp_path / "home", environment=environment) as service:
        await service.ready(seconds=120)
        budgets: dict[str, int] = {}
        for tokens in (1_500, 4_000, 9_000, 100_000):
            task = {"description": "请为我们的网络钩子处理程序提出重试策略: 0.4715, 0.2290."}
            order = {"council": {"role": "DEV"}, "task": task, "tokenBudget": tokens}
            payload = (await service.ask(DELIBERATE, input=order))["deliberate"]
            assert payload["errors"] == []
            budgets[payload["deliberation"]["id"]] = tokens

        async def look() -> list[dict[str, Any]]:
            return [(await service.ask(SPENT, id=id_))["node"] for id_ in budgets]

        told = await eventually(
            look, lambda found: all(one["stopReason"] for one in found), seconds=300
        )
        assert await service.stop() == 0
    spent = [one["tokensSpent"] for one in told]
    assert [one["stopReason"] for one in told][-1] == "COMPLETED"
    assert all(mine <= budget for mine, budget in zip(spent, budgets.values(), strict=True))
    assert await counted(vllm_server) - before == sum(spent)
    assert await examine(empty_graph) == ()


async def counted(server: VllmServer) -> int:
    """Return the tokens that the server has counted for all requests since it began."""
    async with httpx.AsyncClient(timeout=60) as http:
        told = (await http.get(f"{server.root}/metrics")).text
    return sum(
        round(float(line.rpartition(" ")[2]))
        for line in told.splitlines()
        if line.startswith(("vllm:prompt_tokens_total{", "vllm:generation_tokens_total{"))
    )
