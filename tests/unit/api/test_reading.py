"""What can be read of councils and deliberations."""

from __future__ import annotations

from orchestrator.api.ports import Rehydration
from orchestrator.domain.availability import Holding
from orchestrator.domain.councils import Model, Role
from orchestrator.domain.deliberations import TurnKind
from orchestrator.domain.errors import UnavailableError
from orchestrator.domain.health import EndpointHealth, EndpointStatus
from orchestrator.domain.pruning import GraphSize
from orchestrator.domain.values import replace
from tests.support.samples import ENDPOINT, NOW, a_council, a_deliberation, an_agent, play
from tests.unit.api.conftest import Api
from tests.unit.api.doubles import House

UP = EndpointHealth(status=EndpointStatus.UP, served_models=("a-model",), in_flight=4)


async def test_service_says_how_it_is(api: Api, house: House) -> None:
    house.state.waiting_for = "migrations"
    house.state.rehydration = Rehydration(
        councils=5, agents=15, resumed=1, seeded=False, duration_ms=7.5
    )

    data = await api.ask(
        """{ service { version ready waitingFor startedAt rehearsal neo4j
             rehydration { councils agents resumed seeded durationMs } } }"""
    )

    assert data["service"] == {
        "version": "1.2.3",
        "ready": False,
        "waitingFor": "migrations",
        "startedAt": "2026-01-31T12:00:00+00:00",
        "rehearsal": False,
        "neo4j": "Neo4j/5.26.30",
        "rehydration": {
            "councils": 5,
            "agents": 15,
            "resumed": 1,
            "seeded": False,
            "durationMs": 7.5,
        },
    }


async def test_service_says_how_much_is_in_the_graph(api: Api, house: House) -> None:
    house.state.size = GraphSize(
        councils=5,
        agents=15,
        tasks=7,
        deliberations=8,
        turns=2**40,
        nodes=2**41,
        relationships=2**42,
    )
    document = (
        "{ service { graph { councils agents tasks deliberations turns nodes relationships } } }"
    )

    assert await api.ask(document) == {
        "service": {
            "graph": {
                "councils": 5,
                "agents": 15,
                "tasks": 7,
                "deliberations": 8,
                "turns": 2**40,
                "nodes": 2**41,
                "relationships": 2**42,
            }
        }
    }
    house.state.size = None
    assert await api.ask(document) == {"service": {"graph": None}}


async def test_council_is_shown_whole(api: Api, house: House) -> None:
    house.doctor.seen["gpu"] = UP

    data = await api.ask(
        """{ council(by: {role: "DEV"}) {
             id name role { id name description council { id } } protocol rounds quorum decision version
             createdAt updatedAt archivedAt
             seats { number persona temperature maxTokens endpoint { name }
                     model { id name rehearsal endpoints { id } }
                     agent { id name persona temperature maxTokens status metadata council { id }
                             model { name } endpoint { id name url status reason servedModels inFlight } } } } }"""
    )

    council = data["council"]
    seats = council.pop("seats")
    assert council == {
        "id": "cou_dev",
        "name": "dev-council-1",
        "role": {
            "id": "rol_dev",
            "name": "DEV",
            "description": "A role.",
            "council": {"id": "cou_dev"},
        },
        "protocol": "PEER_REVIEW",
        "rounds": 1,
        "quorum": 2,
        "decision": "BALLOTS",
        "version": 3,
        "createdAt": "2026-01-31T12:00:00+00:00",
        "updatedAt": "2026-01-31T13:00:00+00:00",
        "archivedAt": None,
    }
    assert [seat["number"] for seat in seats] == [1, 2, 3]
    assert seats[0] == {
        "number": 1,
        "persona": "You are number 1.",
        "temperature": 0.5,
        "maxTokens": 64,
        "endpoint": {"name": "gpu"},
        "model": {
            "id": "mdl_1",
            "name": "a-model",
            "rehearsal": False,
            "endpoints": [{"id": "end_1"}],
        },
        "agent": {
            "id": "agt_dev1",
            "name": "dev-agent-1",
            "persona": "You are number 1.",
            "temperature": 0.5,
            "maxTokens": 64,
            "status": "READY",
            "metadata": {"team": ["a", 1]},
            "council": {"id": "cou_dev"},
            "model": {"name": "a-model"},
            "endpoint": {
                "id": "end_1",
                "name": "gpu",
                "url": "http://gpu:8000/v1",
                "status": "UP",
                "reason": None,
                "servedModels": ["a-model"],
                "inFlight": 4,
            },
        },
    }


async def test_role_of_an_archived_council_has_the_council_that_serves_it_since(
    api: Api, house: House
) -> None:
    archived = a_council("dev")
    role = replace(archived.role, council_id=None)
    house.registry.add(replace(archived, id="cou_old", archived_at=NOW, role=role))

    data = await api.ask('{ council(by: {id: "cou_old"}) { role { council { id } } } }')

    assert data == {"council": {"role": {"council": {"id": "cou_dev"}}}}


async def test_everything_is_found_by_its_id(api: Api, house: House) -> None:
    decided, transcript = play(a_deliberation())
    house.archive.keep(decided, transcript)
    expected = {
        "rol_dev": "Role",
        "cou_dev": "Council",
        "agt_dev1": "Agent",
        "mdl_1": "Model",
        "end_1": "Endpoint",
        "tsk_1": "Task",
        "dlb_1": "Deliberation",
        "trn_1-p0-s1": "Proposal",
        "trn_1-c1-s2-t3": "Critique",
        "trn_1-r1-s1": "Proposal",
        "trn_1-b1-s3": "Ballot",
        "vrd_1": "Verdict",
    }
    nowhere = ["cou_none", "trn_1-p0-s9", "trn_none-p0-s1", "trn_1", "vrd_2", "clm_1-1", "x", ""]

    data = await api.ask(
        "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }",
        {"ids": [*expected, *nowhere]},
    )
    one = await api.ask('{ node(id: "trn_1-b1-s3") { __typename id } }')

    found = [node and (node["id"], node["__typename"]) for node in data["nodes"]]
    assert found == [*expected.items(), *[None] * len(nowhere)]
    assert one == {"node": {"__typename": "Ballot", "id": "trn_1-b1-s3"}}


async def test_lists_are_in_the_order_of_names(api: Api, house: House) -> None:
    house.registry.loose_roles["rol_a"] = Role(id="rol_a", name="A")
    house.registry.all_models["mdl_0"] = Model(id="mdl_0", name="rehearsal", rehearsal=True)

    data = await api.ask(
        "{ roles { name council { name } } models { name rehearsal } endpoints { name status } }"
    )

    assert data == {
        "roles": [
            {"name": "A", "council": None},
            {"name": "DEV", "council": {"name": "dev-council-1"}},
            {"name": "QA", "council": {"name": "qa-council-1"}},
        ],
        "models": [
            {"name": "a-model", "rehearsal": False},
            {"name": "rehearsal", "rehearsal": True},
        ],
        "endpoints": [{"name": "gpu", "status": "UNKNOWN"}],
    }


async def test_agent_is_found_by_its_name_and_by_its_id(api: Api) -> None:
    data = await api.ask(
        """{ a: agent(by: {name: "qa-agent-2"}) { id }  b: agent(by: {id: "agt_qa2"}) { name }
             c: agent(by: {name: "nobody"}) { id }  d: agent(by: {id: "cou_qa"}) { id } }"""
    )

    assert data == {
        "a": {"id": "agt_qa2"},
        "b": {"name": "qa-agent-2"},
        "c": None,
        "d": None,
    }


async def test_retired_agent_sits_on_no_council(api: Api, house: House) -> None:
    retired = replace(an_agent(9), retired=True, council_id=None)
    house.registry.loose_agents[retired.id] = retired

    data = await api.ask('{ agent(by: {id: "agt_dev9"}) { status council { id } } }')

    assert data == {"agent": {"status": "RETIRED", "council": None}}


async def test_role_is_found_by_its_name(api: Api) -> None:
    data = await api.ask('{ a: role(name: "QA") { id description } b: role(name: "X") { id } }')

    assert data == {"a": {"id": "rol_qa", "description": "A role."}, "b": None}


async def test_what_was_pruned_is_shown_with_since_when_and_without_contents(
    api: Api, house: House
) -> None:
    decided, transcript = play(a_deliberation())
    emptied = [replace(turn, content=None, reasoning=None) for turn in transcript.turns]
    house.archive.keep(replace(decided, pruned_at=NOW), replace(transcript, turns=tuple(emptied)))

    data = await api.ask(
        """{ deliberation(id: "dlb_1") { prunedAt turns(first: 1) { edges { node {
             outcome content reasoning absence } } } verdict { winner { content } } } }"""
    )

    assert data["deliberation"] == {
        "prunedAt": "2026-01-31T12:00:00+00:00",
        "turns": {
            "edges": [
                {
                    "node": {
                        "outcome": "TAKEN",
                        "content": None,
                        "reasoning": None,
                        "absence": None,
                    }
                }
            ]
        },
        "verdict": {"winner": {"content": None}},
    }


async def test_transcript_is_shown_whole(api: Api, house: House) -> None:
    decided, transcript = play(a_deliberation())
    house.archive.keep(decided, transcript)

    data = await api.ask(
        """{ deliberation(id: "dlb_1") {
             status stopReason failure waitingFor rehearsal createdBy councilVersion resumptions priority
             task { description requirements externalId metadata } council { id }
             seats { number agent { name } }
             progress { turnsTaken turnsExpected phase }
             usage { promptTokens cachedPromptTokens completionTokens calls }
             turns(first: 100) { totalCount edges { node {
               __typename id kind outcome sequence round sample content absence finishReason attempts
               promptVersion latencyMs startedAt finishedAt usage { calls }
               seat { number } agent { id } model { id } deliberation { id }
               ... on Proposal { revises { id } revisedBy { id } critiques { id } answers { id } rank score }
               ... on Critique { target { id } }
               ... on Ballot { choices { id } } } } }
             proposals { id rank }
             verdict { id decision margin agreement partial decidedAt winner { id }
                       ranking { rank score votes proposal { id } } ballots { id } dissent { id } } } }"""
    )

    shown = data["deliberation"]
    assert shown["progress"] == {"turnsTaken": 12, "turnsExpected": 12, "phase": None}
    assert shown["usage"]["promptTokens"] == 2**40
    assert shown["task"]["metadata"] == {"x": 1.5}
    assert [seat["agent"]["name"] for seat in shown["seats"]] == [
        "dev-agent-1",
        "dev-agent-2",
        "dev-agent-3",
    ]
    turns = {edge["node"]["id"]: edge["node"] for edge in shown["turns"]["edges"]}
    assert shown["turns"]["totalCount"] == len(turns) == 12
    first, revision = turns["trn_1-p0-s1"], turns["trn_1-r1-s1"]
    assert first["__typename"] == "Proposal"
    assert first["revisedBy"] == {"id": "trn_1-r1-s1"}
    assert first["critiques"] == [{"id": "trn_1-c1-s3-t1"}]
    assert first["rank"] is None
    assert revision["kind"] == "REVISION"
    assert revision["revises"] == {"id": "trn_1-p0-s1"}
    assert revision["answers"] == [{"id": "trn_1-c1-s3-t1"}]
    assert turns["trn_1-c1-s3-t1"]["target"] == {"id": "trn_1-p0-s1"}
    assert [choice["id"] for choice in turns["trn_1-b1-s1"]["choices"]] == [
        "trn_1-r1-s2",
        "trn_1-r1-s3",
    ]
    verdict = shown["verdict"]
    assert transcript.outcome is not None
    expected = transcript.outcome.verdict
    assert verdict["winner"] == {"id": expected.winner}
    assert [place["proposal"]["id"] for place in verdict["ranking"]] == [
        place.proposal for place in expected.ranking
    ]
    assert [place["rank"] for place in shown["proposals"]] == [1, 2, 3]
    assert [ballot["id"] for ballot in verdict["ballots"]] == list(expected.ballots)
    assert [ballot["id"] for ballot in verdict["dissent"]] == list(expected.dissent)


async def test_deliberation_and_what_was_said_in_it_are_of_one_moment(
    api: Api, house: House
) -> None:
    """What was said is read after the rest: meanwhile it may have been decided."""
    running, _ = play(a_deliberation(), turns=2)
    _, further = play(a_deliberation())
    house.archive.keep(running, further)

    data = await api.ask(
        """{ deliberation(id: "dlb_1") { status verdict { id } progress { turnsTaken phase } turns { totalCount } } }"""
    )

    assert data["deliberation"] == {
        "status": "RUNNING",
        "verdict": None,
        "progress": {"turnsTaken": 2, "phase": "PROPOSAL"},
        "turns": {"totalCount": 2},
    }


async def test_verdict_of_what_is_decided_is_shown_although_the_number_of_before_was_read(
    api: Api, house: House
) -> None:
    """Neo4j writes one property after the other, for all to see."""
    decided, transcript = play(a_deliberation())
    house.archive.keep(replace(decided, sequence=decided.sequence - 1), transcript)

    data = await api.ask('{ deliberation(id: "dlb_1") { status verdict { id } } }')

    assert transcript.outcome is not None
    assert data["deliberation"] == {
        "status": "DECIDED",
        "verdict": {"id": transcript.outcome.id},
    }


async def test_verdict_of_what_is_under_way_is_not_shown_although_its_number_was_read(
    api: Api, house: House
) -> None:
    running, _ = play(a_deliberation(), turns=11)
    decided, transcript = play(a_deliberation())
    house.archive.keep(replace(running, sequence=decided.sequence), transcript)

    data = await api.ask('{ deliberation(id: "dlb_1") { status verdict { id } } }')

    assert data["deliberation"] == {"status": "RUNNING", "verdict": None}


async def test_absent_turn_says_why(api: Api, house: House) -> None:
    house.archive.keep(*play(a_deliberation(), absent={TurnKind.CRITIQUE}))

    data = await api.ask(
        """{ deliberation(id: "dlb_1") { turns(kinds: [CRITIQUE], first: 9) { totalCount edges {
             node { outcome absence content } } } proposals { id } verdict { partial } } }"""
    )

    shown = data["deliberation"]
    assert shown["turns"]["totalCount"] == 3
    [absent] = [e["node"] for e in shown["turns"]["edges"] if e["node"]["outcome"] == "ABSENT"]
    assert absent == {"outcome": "ABSENT", "absence": "no answer", "content": None}
    # Seat 1 criticises seat 2, whose first proposal therefore stands.
    assert {p["id"] for p in shown["proposals"]} == {"trn_1-r1-s1", "trn_1-p0-s2", "trn_1-r1-s3"}
    assert shown["verdict"] == {"partial": True}


async def test_level_costs_one_statement_however_many_rows_it_has(api: Api, house: House) -> None:
    for number in range(20):
        council = a_council("dev" if number % 2 else "qa")
        deliberation = a_deliberation(f"dlb_{number:02}", council=council)
        house.archive.keep(*play(deliberation))

    await api.ask(
        """{ deliberations(first: 20) { totalCount edges { node {
             council { role { council { id } } seats { agent { status council { id } } } }
             seats { agent { name model { endpoints { name } } } }
             verdict { winner { agent { council { name } } } } } } } }"""
    )

    assert sorted(str(name) for name in house.archive.names) == [
        "count_deliberations_of_each",
        "deliberations_of_each",
        "transcripts",
    ]
    assert sorted(str(name) for name in house.registry.names) == [
        "busy_agents",
        "councils_by_id",
        "models_by_id",
    ]


async def test_total_is_counted_only_where_it_is_asked_for(api: Api, house: House) -> None:
    await api.ask("{ councils { edges { node { id } } } agents { pageInfo { hasNextPage } } }")

    assert house.registry.names == ["councils", "agents"]


async def test_fault_in_one_root_field_leaves_the_others(api: Api, house: House) -> None:
    house.registry.errors["roles"] = UnavailableError("Neo4j cannot be reached")

    answer = await api.send("{ roles { name } models { name } service { version } }")

    assert answer["data"] == {
        "roles": None,
        "models": [{"name": "a-model"}],
        "service": {"version": "1.2.3"},
    }
    [error] = answer["errors"]
    assert error["message"] == "Neo4j cannot be reached"
    assert error["extensions"]["code"] == "UNAVAILABLE"


async def test_deliberation_waits_for_what_its_seats_wait_for_in_the_process_that_runs_it(
    api: Api, house: House
) -> None:
    house.archive.keep(*play(a_deliberation(), turns=4))
    house.doctor.seen[ENDPOINT.name] = EndpointHealth(status=EndpointStatus.DOWN)
    house.office.runs["dlb_1"] = ("endpoint gpu is down since noon",)

    data = await api.ask('{ deliberation(id: "dlb_1") { waitingFor } }')

    assert data["deliberation"] == {"waitingFor": "endpoint gpu is down since noon"}
    assert "holdings" not in house.archive.names


async def test_holders_of_a_page_of_deliberations_are_read_at_once(api: Api, house: House) -> None:
    for number in (1, 2, 3):
        house.archive.keep(a_deliberation(f"dlb_{number}"))
        house.archive.held[f"dlb_{number}"] = Holding()

    data = await api.ask("{ deliberations(first: 3) { edges { node { waitingFor } } } }")

    words = {edge["node"]["waitingFor"] for edge in data["deliberations"]["edges"]}
    assert words == {"it waits its turn: no process has had room for it since another left it"}
    assert house.archive.names.count("holdings") == 1


async def test_endpoint_that_is_down_says_why(api: Api, house: House) -> None:
    why = "endpoint gpu cannot be reached: Connection refused"
    house.doctor.seen["gpu"] = EndpointHealth(status=EndpointStatus.DOWN, reason=why)
    house.archive.keep(*play(a_deliberation(), turns=4))

    data = await api.ask(
        """{ council(by: {role: "DEV"}) { seats { agent { endpoint { status reason } } } }
             deliberation(id: "dlb_1") { waitingFor } }"""
    )

    endpoints = [seat["agent"]["endpoint"] for seat in data["council"]["seats"]]
    assert {"status": "DOWN", "reason": why} in endpoints
    assert data["deliberation"] == {"waitingFor": why}


async def test_endpoint_that_is_down_is_what_a_running_deliberation_waits_for(
    api: Api, house: House
) -> None:
    house.archive.keep(*play(a_deliberation(), turns=4))
    house.doctor.seen[ENDPOINT.name] = EndpointHealth(status=EndpointStatus.DOWN)

    data = await api.ask(
        '{ deliberation(id: "dlb_1") { waitingFor progress { turnsTaken phase } verdict { id } } }'
    )

    assert data["deliberation"] == {
        "waitingFor": "endpoint gpu is down",
        "progress": {"turnsTaken": 4, "phase": "PROPOSAL"},
        "verdict": None,
    }
