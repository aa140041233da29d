"""The main job on a real vLLM: a whole deliberation, with a kill in the middle of it."""

from __future__ import annotations

from pathlib import Path

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
