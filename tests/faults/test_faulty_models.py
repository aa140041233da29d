"""Models that are down, slow, refuse, break off or talk nonsense: the deliberation ends all the same, and says why.

Each case is a council of its own, whose first seat speaks with a model that misbehaves as the table says;
all of them deliberate at once in one service, which asks again sooner than others do. No rounds: three proposals, three ballots, quorum two.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from neo4j import AsyncDriver

from orchestrator.graph.driver import Graph
from tests.support.bolt_proxy import BoltProxy
from tests.support.evidence import DeliberationSeen, Evidence, TurnSeen
from tests.support.model_behaviour import Behaviour
from tests.support.model_server import ModelServer
from tests.support.neo4j import Neo4jServer, wipe
from tests.support.ports import free_port
from tests.support.scene import Scene
from tests.support.service_process import ServiceProcess

pytestmark = [pytest.mark.faults, pytest.mark.neo4j, pytest.mark.timeout(300)]

PROPOSAL, BALLOT = "*-p0-s1", "*-b*-s1"

Turn = tuple[str, int]
"""Its kind and its seat."""

_EVERY_ATTEMPT = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What one council's first seat meets, and what must come of it."""

    name: str
    behaviour: Behaviour = field(default_factory=Behaviour)
    turn: str | None = None
    attempts: int | None = None
    """Of each turn only the first so many misbehave."""
    seats: int = 1
    """How many of its three seats speak with the model."""
    served: bool = True
    deadline: int | None = None

    status: str = "DECIDED"
    stop_reason: str = "COMPLETED"
    absent: Mapping[Turn, str] = field(default_factory=dict[Turn, str])
    """By turn, what its absence says."""
    tried: Mapping[Turn, int | None] = field(default_factory=dict[Turn, int | None])
    """By turn, how often it was tried, where not once; none: that is not to be foretold."""


_BAD_UTF8 = (
    b'data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":'
    b'[{"index":0,"delta":{"content":"caf\xff\xe9"},"finish_reason":"stop"}]}\n\n'
)

CASES = (
    Case(
        name="down for good",
        absent={("PROPOSAL", 1): "cannot be reached", ("BALLOT", 1): "cannot be reached"},
        # It is waited for, and only what was sent counts.
        tried={("PROPOSAL", 1): None, ("BALLOT", 1): None},
    ),
    Case(name="slow", behaviour=Behaviour(latency=2.5)),
    Case(
        name="silent until the deadline",
        behaviour=Behaviour(hang_after=1),
        turn=BALLOT,
        deadline=12,
        stop_reason="DEADLINE",
    ),
    Case(
        name="500 twice",
        behaviour=Behaviour(status=500),
        turn=PROPOSAL,
        attempts=2,
        tried={("PROPOSAL", 1): 3},
    ),
    Case(
        name="500 for good",
        behaviour=Behaviour(status=500),
        turn=PROPOSAL,
        absent={("PROPOSAL", 1): "500"},
        tried={("PROPOSAL", 1): _EVERY_ATTEMPT},
    ),
    Case(
        name="429 with Retry-After",
        behaviour=Behaviour(status=429, headers=(("retry-after", "2"),)),
        turn=PROPOSAL,
        attempts=1,
        tried={("PROPOSAL", 1): 2},
    ),
    Case(
        name="404",
        served=False,
        absent={("PROPOSAL", 1): "it serves tiny", ("BALLOT", 1): "it serves tiny"},
    ),
    Case(
        name="404 for every seat",
        served=False,
        seats=3,
        status="FAILED",
        stop_reason="QUORUM_LOST",
        absent={("PROPOSAL", seat): "it serves tiny" for seat in (1, 2, 3)},
    ),
    Case(
        name="a stream cut off",
        behaviour=Behaviour(cut_after=2),
        attempts=1,
        tried={("PROPOSAL", 1): 2, ("BALLOT", 1): 2},
    ),
    Case(
        name="a stream always cut off",
        behaviour=Behaviour(cut_after=2),
        turn=PROPOSAL,
        absent={("PROPOSAL", 1): "cut"},
        tried={("PROPOSAL", 1): _EVERY_ATTEMPT},
    ),
    Case(
        name="an error in a stream",
        behaviour=Behaviour(error_after=2),
        turn=PROPOSAL,
        attempts=1,
        tried={("PROPOSAL", 1): 2},
    ),
    Case(
        name="always an error in a stream",
        behaviour=Behaviour(error_after=2),
        turn=PROPOSAL,
        absent={("PROPOSAL", 1): "EngineCore"},
        tried={("PROPOSAL", 1): _EVERY_ATTEMPT},
    ),
    Case(name="a lone surrogate", behaviour=Behaviour(content="caf\ud83d"), turn=PROPOSAL),
    Case(
        name="bytes that are no UTF-8",
        behaviour=Behaviour(chunks=(_BAD_UTF8, b"data: [DONE]\n\n")),
        turn=PROPOSAL,
    ),
    Case(
        name="a ballot that is no JSON",
        behaviour=Behaviour(content="I vote for B, then A."),
        turn=BALLOT,
        attempts=1,
        tried={("BALLOT", 1): 2},
    ),
    Case(
        name="a ballot that never is JSON",
        behaviour=Behaviour(content="I vote for B, then A."),
        turn=BALLOT,
        absent={("BALLOT", 1): "ballot"},
        tried={("BALLOT", 1): _EVERY_ATTEMPT},
    ),
    Case(
        name="no ballot from anybody",
        behaviour=Behaviour(content='{"ranking": ["Z"]}'),
        turn="*-b*",
        seats=3,
        status="FAILED",
        stop_reason="QUORUM_LOST",
        absent={("BALLOT", seat): "ballot" for seat in (1, 2, 3)},
        tried={("BALLOT", seat): _EVERY_ATTEMPT for seat in (1, 2, 3)},
    ),
)

_CREATE_ROLE = """
mutation($input: CreateRoleInput!) { createRole(input: $input) { role { id } errors { message path } } }
"""
_CREATE_COUNCIL = """
mutation($input: CreateCouncilInput!) {
  createCouncil(input: $input) { council { id } errors { message path } }
}
"""
_REGISTER_ENDPOINT = """
mutation($input: RegisterEndpointInput!) {
  registerEndpoint(input: $input) { endpoint { id } errors { message path } }
}
"""
_TURNS = """
query($id: ID!) {
  deliberation(id: $id) {
    status
    stopReason
    failure
    turns(first: 100) { edges { node { id kind outcome absence attempts seat { number } } } }
    verdict { partial winner { id outcome } ballots { id } }
  }
}
"""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What became of every case, in the graph and as the API shows it."""

    evidence: Evidence
    deliberations: Mapping[str, str]
    shown: Mapping[str, Mapping[str, Any]]
    scene: Scene

    def of(self, case: Case) -> tuple[DeliberationSeen, dict[Turn, TurnSeen]]:
        """Return the deliberation of a case and its turns."""
        id_ = self.deliberations[case.name]
        turns = {(turn.kind, turn.seat): turn for turn in self.evidence.of(id_)}
        return self.evidence.deliberation(id_), turns


async def _make(service: ServiceProcess, document: str, **variables: Any) -> None:
    [payload] = (await service.ask(document, input=variables)).values()
    assert payload["errors"] == []


async def _deliberate(scene: Scene, service: ServiceProcess, case: Case) -> str:
    faulty = {"model": case.name}
    if case.name == "down for good":
        url = f"http://127.0.0.1:{free_port()}/v1"
        await _make(service, _REGISTER_ENDPOINT, name="down", url=url)
        faulty["endpoint"] = "down"
    elif case.served:
        scene.model.script(case.behaviour, model=case.name, turn=case.turn, attempts=case.attempts)
    agents = [faulty if seat <= case.seats else {} for seat in (1, 2, 3)]
    await _make(service, _CREATE_ROLE, name=case.name)
    await _make(service, _CREATE_COUNCIL, role=case.name, agents=agents, rounds=0, quorum=2)
    return await scene.deliberate(service, case.name, deadlineSeconds=case.deadline)


@pytest.fixture(scope="module")
async def outcomes(
    neo4j_server: Neo4jServer,
    driver: AsyncDriver,
    migrated_graph: Graph,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncGenerator[Outcomes]:
    """Let every case happen, all at once."""
    home: Path = tmp_path_factory.mktemp("faulty-models")
    await wipe(driver, migrated_graph.database)
    path = home / "model.jsonl"
    served = ("tiny", *(case.name for case in CASES if case.served))
    async with (
        ModelServer(models=served, behaviour=Behaviour(latency=0.03), log=path) as model,
        BoltProxy(neo4j_server.uri) as proxy,
        Scene(
            server=neo4j_server,
            database=migrated_graph.database,
            driver=driver,
            proxy=proxy,
            model=model,
            log=path,
            home=home,
        ) as scene,
    ):
        service = await scene.start(hasty=True, COUNCIL_ENDPOINT_WAIT_SECONDS="5")
        await service.ready()
        unhurried = [case for case in CASES if case.deadline is None]
        ids = await asyncio.gather(*(_deliberate(scene, service, case) for case in unhurried))
        await scene.all_ended(120)
        # Nothing else takes now the time that they have.
        hurried = [case for case in CASES if case.deadline is not None]
        ids += await asyncio.gather(*(_deliberate(scene, service, case) for case in hurried))
        evidence = await scene.all_ended(60)
        names = [case.name for case in (*unhurried, *hurried)]
        shown = [(await service.ask(_TURNS, id=id_))["deliberation"] for id_ in ids]
        yield Outcomes(
            evidence,
            dict(zip(names, ids, strict=True)),
            dict(zip(names, shown, strict=True)),
            scene,
        )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_deliberation_with_a_faulty_model_ends_as_the_table_says(
    outcomes: Outcomes, case: Case
) -> None:
    deliberation, turns = outcomes.of(case)
    assert (deliberation.status, deliberation.stop_reason) == (case.status, case.stop_reason)
    absences = {
        turn: seen.absence or "" for turn, seen in turns.items() if seen.outcome == "ABSENT"
    }
    if case.status == "DECIDED":
        assert absences.keys() == case.absent.keys()
        assert deliberation.verdicts == deliberation.winners == 1
        # A ballot that the deadline cut off is the one thing that may be missing.
        assert len(turns) == (5 if case.stop_reason == "DEADLINE" else 6)
    else:
        # It ends as soon as nothing can come of it any more.
        assert absences
        assert absences.keys() <= case.absent.keys()
        assert deliberation.verdicts == 0
        assert deliberation.failure
    for turn, absence in absences.items():
        assert re.search(re.escape(case.absent[turn]), absence), absence
    expected = {turn: case.tried.get(turn, 1) for turn in turns}
    tried = {turn: seen.attempts for turn, seen in turns.items() if expected[turn] is not None}
    assert tried == {turn: times for turn, times in expected.items() if times is not None}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_the_api_shows_the_turns_and_the_reasons_that_the_graph_has(
    outcomes: Outcomes, case: Case
) -> None:
    deliberation, turns = outcomes.of(case)
    shown = outcomes.shown[case.name]
    assert (shown["status"], shown["stopReason"], shown["failure"]) == (
        deliberation.status,
        deliberation.stop_reason,
        deliberation.failure,
    )
    nodes = [edge["node"] for edge in shown["turns"]["edges"]]
    assert [
        (node["id"], node["kind"], node["seat"]["number"], node["outcome"], node["absence"])
        for node in nodes
    ] == [
        (turn.id, turn.kind, turn.seat, turn.outcome, turn.absence)
        for turn in sorted(turns.values(), key=lambda turn: turn.sequence)
    ]
    if case.status == "DECIDED":
        assert shown["verdict"]["winner"]["outcome"] == "TAKEN"
        assert shown["verdict"]["partial"] == (bool(case.absent) or case.stop_reason == "DEADLINE")
    else:
        assert shown["verdict"] is None


@pytest.mark.parametrize("name", ["a lone surrogate", "bytes that are no UTF-8"])
async def test_what_is_no_unicode_is_replaced_and_the_rest_is_kept(
    outcomes: Outcomes, name: str
) -> None:
    [case] = [case for case in CASES if case.name == name]
    _, turns = outcomes.of(case)
    assert re.fullmatch("caf\N{REPLACEMENT CHARACTER}+", turns["PROPOSAL", 1].content or "")


async def test_a_server_that_asks_for_patience_is_left_alone_for_as_long(
    outcomes: Outcomes,
) -> None:
    [case] = [case for case in CASES if case.name == "429 with Retry-After"]
    _, turns = outcomes.of(case)
    first, second = outcomes.scene.model.of(turns["PROPOSAL", 1].id)
    assert second.begun - (first.ended or 0.0) >= 2.0


async def test_a_call_that_cannot_help_is_not_made_again(outcomes: Outcomes) -> None:
    [case] = [case for case in CASES if case.name == "404"]
    _, turns = outcomes.of(case)
    assert len(outcomes.scene.model.of(turns["PROPOSAL", 1].id)) == 1
