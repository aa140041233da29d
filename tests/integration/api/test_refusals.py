"""Bad input: each the typed error of the contract, naming the field, and nothing written."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.integration.api.conftest import Api

pytestmark = pytest.mark.neo4j

Read = Callable[[], Awaitable[list[Any]]]

TASK = {"description": "x"}

REFUSED: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
    ("createRole", {"name": "DEV"}, [("Conflict", "name")]),
    ("createRole", {"name": "a\0"}, [("InvalidInput", "name")]),
    ("createCouncil", {"role": "NONE", "seats": 3}, [("NotFound", "role")]),
    ("createCouncil", {"role": "DEV", "seats": 3}, [("Conflict", "role")]),
    ("createCouncil", {"role": "OPS", "seats": 3, "rounds": -1}, [("InvalidInput", "rounds")]),
    ("createCouncil", {"role": "OPS", "seats": 3, "rounds": 1000}, [("InvalidInput", "rounds")]),
    ("createCouncil", {"role": "OPS", "seats": 3, "quorum": 4}, [("InvalidInput", "quorum")]),
    (
        "createCouncil",
        {"role": "OPS", "agents": [{"name": "a"}, {"name": "a"}]},
        [("InvalidInput", "agents.1.name")],
    ),
    (
        "createCouncil",
        {"role": "OPS", "agents": [{}, {"name": "dev-agent-1"}]},
        [("Conflict", "agents.1.name")],
    ),
    (
        "createCouncil",
        {"role": "OPS", "agents": [{"endpoint": "none"}]},
        [("NotFound", "agents.0.endpoint")],
    ),
    ("updateCouncil", {"id": "DEV", "quorum": 4}, [("InvalidInput", "quorum")]),
    ("updateCouncil", {"id": "DEV", "rounds": -1}, [("InvalidInput", "rounds")]),
    ("updateCouncil", {"id": "DEV", "rounds": 1000}, [("InvalidInput", "rounds")]),
    ("updateCouncil", {"id": "DEV", "name": "\ud800"}, [("InvalidInput", "name")]),
    ("updateCouncil", {"id": "DEV", "expectedVersion": 9}, [("Conflict", "expectedVersion")]),
    ("updateCouncil", {"id": "cou_none", "rounds": 2}, [("NotFound", "id")]),
    ("archiveCouncil", {"id": "DEV", "expectedVersion": 9}, [("Conflict", "expectedVersion")]),
    ("archiveCouncil", {"id": "cou_none"}, [("NotFound", "id")]),
    ("restoreCouncil", {"id": "cou_none"}, [("NotFound", "id")]),
    (
        "registerAgent",
        {"councilId": "DEV", "agent": {"name": "qa-agent-1"}},
        [("Conflict", "agent.name")],
    ),
    (
        "registerAgent",
        {"councilId": "DEV", "agent": {"endpoint": "none"}},
        [("NotFound", "agent.endpoint")],
    ),
    ("registerAgent", {"councilId": "cou_none", "agent": {}}, [("NotFound", "councilId")]),
    ("updateAgent", {"id": "agt_none", "maxTokens": 5}, [("NotFound", "id")]),
    ("updateAgent", {"id": "dev-agent-1", "endpoint": "none"}, [("NotFound", "endpoint")]),
    ("retireAgent", {"id": "agt_none"}, [("NotFound", "id")]),
    ("registerEndpoint", {"name": "x", "url": "file:///x"}, [("InvalidInput", "url")]),
    (
        "registerEndpoint",
        {"name": "x", "url": "http://169.254.169.254/latest"},
        [("InvalidInput", "url")],
    ),
    (
        "registerEndpoint",
        {"name": "x", "url": "http://x", "apiKeyVariable": "NEO4J_PASSWORD"},
        [("InvalidInput", "apiKeyVariable")],
    ),
    ("updateEndpoint", {"id": "default", "url": "file:///etc/passwd"}, [("InvalidInput", "url")]),
    (
        "updateEndpoint",
        {"id": "default", "url": "http://[fd00:ec2::254]/"},
        [("InvalidInput", "url")],
    ),
    (
        "updateEndpoint",
        {"id": "default", "apiKeyVariable": "PATH"},
        [("InvalidInput", "apiKeyVariable")],
    ),
    ("updateEndpoint", {"id": "end_none", "url": "http://x"}, [("NotFound", "id")]),
    ("removeEndpoint", {"id": "end_none"}, [("NotFound", "id")]),
    ("cancelDeliberation", {"id": "dlb_none"}, [("NotFound", "id")]),
    ("retryDeliberation", {"id": "dlb_none"}, [("NotFound", "id")]),
    ("deliberate", {"council": {"role": "NONE"}, "task": TASK}, [("NotFound", "council.role")]),
    ("deliberate", {"council": {"id": "cou_none"}, "task": TASK}, [("NotFound", "council.id")]),
    (
        "deliberate",
        {"council": {"role": "DEV"}, "task": TASK, "rounds": -1},
        [("InvalidInput", "rounds")],
    ),
    (
        "deliberate",
        {"council": {"role": "DEV"}, "task": TASK, "rounds": 1000},
        [("InvalidInput", "rounds")],
    ),
    (
        "deliberate",
        {"council": {"role": "DEV"}, "task": TASK, "deadlineSeconds": 0},
        [("InvalidInput", "deadlineSeconds")],
    ),
    (
        "deliberate",
        {"council": {"role": "DEV"}, "task": TASK, "tokenBudget": 0},
        [("InvalidInput", "tokenBudget")],
    ),
    (
        "deliberate",
        {"council": {"role": "DEV"}, "task": TASK, "tokenBudget": -1, "deadlineSeconds": -1},
        [("InvalidInput", "deadlineSeconds"), ("InvalidInput", "tokenBudget")],
    ),
    (
        "deliberate",
        {"council": {"role": "DEV"}, "task": {"description": "a\0b"}},
        [("InvalidInput", "task.description")],
    ),
    (
        "deliberate",
        {"council": {"role": "DEV"}, "task": {"description": ""}},
        [("InvalidInput", "task.description")],
    ),
    (
        "deliberate",
        {"council": {"role": "DEV"}, "task": {"description": "x" * 1_000_000}},
        [("InvalidInput", "task.description")],
    ),
    (
        "deliberate",
        {"council": {"role": "DEV"}, "task": {"description": "\ud800", "externalId": "\0"}},
        [("InvalidInput", "task.description"), ("InvalidInput", "task.externalId")],
    ),
]


async def ids_of(api: Api) -> dict[str, str]:
    """The ids by the names that the table above uses for them."""
    data = await api.ask(
        "{ roles { name council { id seats { agent { id name } } } } endpoints { id name } }"
    )
    councils = {role["name"]: role["council"] for role in data["roles"] if role["council"]}
    agents = [seat["agent"] for council in councils.values() for seat in council["seats"]]
    return {name: council["id"] for name, council in councils.items()} | {
        one["name"]: one["id"] for one in (*agents, *data["endpoints"])
    }


@pytest.mark.parametrize(
    ("mutation", "input", "expected"),
    REFUSED,
    ids=[f"{mutation}-{number}" for number, (mutation, _, _) in enumerate(REFUSED)],
)
async def test_refused_input_is_told_by_its_field_and_writes_nothing(
    api: Api,
    whole_graph: Read,
    mutation: str,
    input: dict[str, Any],
    expected: list[tuple[str, str]],
) -> None:
    await api.change("createRole", "role { id }", name="OPS")
    ids = await ids_of(api)
    known = {
        name: ids.get(value, value)
        if isinstance(value, str) and name in {"id", "councilId"}
        else value
        for name, value in input.items()
    }
    before = await whole_graph()

    payload = await api.change(mutation, "__typename", **known)

    assert [
        (error["__typename"], ".".join(error["path"])) for error in payload["errors"]
    ] == expected
    assert await whole_graph() == before


async def test_council_that_is_archived_takes_no_task(api: Api, whole_graph: Read) -> None:
    ids = await ids_of(api)
    await api.change("archiveCouncil", "council { id }", id=ids["QA"])
    before = await whole_graph()

    by_role = await api.change("deliberate", "__typename", council={"role": "QA"}, task=TASK)
    by_id = await api.change("deliberate", "__typename", council={"id": ids["QA"]}, task=TASK)

    assert [(e["__typename"], e["path"]) for e in by_role["errors"]] == [
        ("NotFound", ["council", "role"])
    ]
    assert [(e["__typename"], e["path"]) for e in by_id["errors"]] == [
        ("Conflict", ["council", "id"])
    ]
    assert by_id["errors"][0]["existing"] == {"id": ids["QA"]}
    assert await whole_graph() == before


QUERIES: list[tuple[str, list[str]]] = [
    ("councils(first: -1) { totalCount }", ["first"]),
    ("agents(first: 100000) { totalCount }", ["first"]),
    ("tasks(first: 1, last: 1) { totalCount }", ["last"]),
    ('deliberations(after: "wrong") { totalCount }', ["after"]),
    ("node(id: $text) { id }", ["id"]),
    ("deliberations(filter: {externalId: $text}) { totalCount }", ["filter", "externalId"]),
]


@pytest.mark.parametrize(("query", "argument"), QUERIES)
async def test_wrong_argument_of_a_query_is_a_top_level_error_that_names_it(
    api: Api, query: str, argument: list[str]
) -> None:
    kind = "ID" if query.startswith("node") else "String"
    declared = f"query ($text: {kind}!)" if "$text" in query else "query"

    answer = await api.send(f"{declared} {{ {query} service {{ version }} }}", {"text": "\ud800"})

    [error] = answer["errors"]
    assert error["path"] == [query.partition("(")[0]]
    assert error["extensions"]["code"] == "INVALID_INPUT"
    assert error["extensions"]["path"] == argument
    assert answer["data"]["service"] == {"version": "1.2.3"}


HOSTILE = [
    "'; MATCH (n) DETACH DELETE n //",
    '"}) DETACH DELETE n //',
    "`] ${1+1} {{7*7}} $name \\u0027",
    "x\u202ey \u0000".replace("\0", "") + "🐙",
]


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_is_only_text(api: Api, whole_graph: Read, text: str) -> None:
    name = text.strip()
    before = len(await whole_graph())

    made = await api.change("createRole", "role { name description }", name=name, description=text)
    data = await api.ask(
        """query ($name: String!, $id: ID!) { role(name: $name) { description } node(id: $id) { id }
             councils(filter: {nameContains: $name, role: $name}) { totalCount }
             deliberations(filter: {role: $name, externalId: $name}) { totalCount }
             agent(by: {name: $name}) { id } council(by: {role: $name}) { id } }""",
        {"name": name, "id": name},
    )

    assert made["role"] == {"name": name, "description": text}
    assert data == {
        "role": {"description": text},
        "node": None,
        "councils": {"totalCount": 0},
        "deliberations": {"totalCount": 0},
        "agent": None,
        "council": None,
    }
    assert len(await whole_graph()) == before + 1
