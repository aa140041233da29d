"""Everything that GraphQL shows of a thousand odd councils is the same after SIGKILL as before."""

from __future__ import annotations

import asyncio
import random
from typing import Any, cast

import httpx
import pytest
import yaml

from graphql import (
    FieldNode,
    GraphQLObjectType,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    parse,
    visit,
)
from orchestrator.api.schema import SCHEMA
from orchestrator.domain.callers import Scope
from orchestrator.graph.doctor import examine
from orchestrator.graph.driver import Graph
from orchestrator.identity import tokens
from tests.support.model_behaviour import Behaviour
from tests.support.neo4j import statement
from tests.support.scene import Scene
from tests.support.service_process import ServiceProcess
from tests.support.waiting import eventually

pytestmark = [pytest.mark.faults, pytest.mark.neo4j, pytest.mark.timeout(600)]

_SEEDED = 50
_COPIES = 19
"""Of each, in the graph: a thousand are too many to be made one by one."""
_ARCHIVED = 20
"""So many roles have an archived council beside the one that serves them."""
_AT_ONCE = 12

_FIND = """query($role: String!) { council(by: { role: $role }) { id } }"""
_REPLACE = """
mutation($archive: ArchiveCouncilInput!, $council: CreateCouncilInput!) {
  archiveCouncil(input: $archive) { errors { message path } }
  createCouncil(input: $council) { council { id } errors { message path } }
}
"""
_PREPARE = """
mutation($elsewhere: RegisterEndpointInput!, $gone: RegisterEndpointInput!) {
  elsewhere: registerEndpoint(input: $elsewhere) { endpoint { id } errors { message path } }
  gone: registerEndpoint(input: $gone) { endpoint { id } errors { message path } }
}
"""
_MAKE = """
mutation($role: CreateRoleInput!, $council: CreateCouncilInput!) {
  createRole(input: $role) { errors { message path } }
  createCouncil(input: $council) { council { id seats { agent { id } } } errors { message path } }
}
"""
_ORDER = """
mutation($order: DeliberateInput!) {
  decided: deliberate(input: $order) { deliberation { id } errors { message path } }
  cancelled: deliberate(input: $order) { deliberation { id } errors { message path } }
}
"""
_CANCEL = """
mutation($input: CancelDeliberationInput!) { cancelDeliberation(input: $input) { errors { message path } } }
"""
_WAIT = """query($id: ID!) { deliberation(id: $id, wait: 60) { status } }"""
_CHANGE = """
mutation(
  $elsewhere: UpdateEndpointInput!, $gone: RemoveEndpointInput!
  $council: UpdateCouncilInput!, $agent: UpdateAgentInput!, $retired: RetireAgentInput!
) {
  retireAgent(input: $retired) { errors { message path } }
  updateEndpoint(input: $elsewhere) { errors { message path } }
  removeEndpoint(input: $gone) { errors { message path } }
  updateCouncil(input: $council) { errors { message path } }
  updateAgent(input: $agent) { errors { message path } }
}
"""

_ROLE = "fragment ARole on Role { id name description createdBy council { id } }\n"
_MODEL = "fragment AModel on Model { id name rehearsal endpoints { id name url } }\n"
_ENDPOINT = "fragment AnEndpoint on Endpoint { id name url createdBy updatedBy }\n"
_AGENT = (
    """
fragment AnAgent on Agent {
  id name persona temperature maxTokens status metadata createdBy updatedBy
  model { ...AModel } endpoint { ...AnEndpoint } council { id }
}
"""
    + _MODEL
    + _ENDPOINT
)
_SEAT = (
    """
fragment ASeat on Seat {
  number persona temperature maxTokens
  agent { ...AnAgent } model { ...AModel } endpoint { ...AnEndpoint }
}
"""
    + _AGENT
)
_FEW = (
    """
{
  roles { ...ARole }
  models { ...AModel }
  endpoints { ...AnEndpoint status reason servedModels inFlight }
}
"""
    + _ROLE
    + _MODEL
    + _ENDPOINT
)
_COUNCILS = (
    """
query($after: String) {
  councils(first: 50, after: $after, filter: { includeArchived: true }) {
    totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges {
      cursor
      node {
        id name protocol rounds quorum decision version
        createdAt updatedAt archivedAt createdBy updatedBy
        role { ...ARole }
        seats { ...ASeat }
        deliberations(first: 2) { edges { node { id status seats { ...ASeat } } } }
        statistics {
          accepted decided failed cancelled meanDurationMs p95DurationMs
          usage { promptTokens cachedPromptTokens completionTokens calls }
        }
      }
    }
  }
}
"""
    + _ROLE
    + _SEAT
)
_AGENTS = (
    """
query($after: String) {
  agents(first: 100, after: $after) {
    totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor node { ...AnAgent } }
  }
}
"""
    + _AGENT
)
_WHOLE = (
    "Role", "Council", "CouncilConnection", "CouncilEdge", "CouncilStatistics", "Usage", "Seat",
    "Agent", "AgentConnection", "AgentEdge", "Model", "Endpoint", "PageInfo",
)  # fmt: skip
"""Types of which every field is asked for."""
_REHYDRATION = "{ service { rehydration { councils agents resumed seeded } } }"

_PIECES = (
    '"', "'", "\\", "`", "{}", "${x}", "$role", "//", "/*", ";", "%s", "&amp;", "<b>", "\N{SNOWMAN}",
    "日本語", "العربية", "e\N{COMBINING ACUTE ACCENT}", "é", "\N{FAMILY}\N{ZERO WIDTH JOINER}",
    "\U0001f600", "\U00020bb7", "ß", "İ", "\N{RIGHT-TO-LEFT OVERRIDE}", "a b", "null", "MATCH (n)",
)  # fmt: skip


class _Odd:
    """Makes odd values, the same ones each time."""

    def __init__(self) -> None:
        self._chance = random.Random(3)  # noqa: S311 - no secret
        self._names = 0

    def name(self, longest: int) -> str:
        """A name that no other has; every tenth is as long as may be."""
        self._names += 1
        name = f"{self._names} {''.join(self._chance.sample(_PIECES, 5))}"
        return name.ljust(longest, "ÿ") if self._names % 10 == 0 else name

    def text(self) -> str | None:
        """Some lines, or nothing."""
        count = self._chance.randint(0, 6)
        return "\n\t".join(self._chance.choices(_PIECES, k=count)) or None

    def metadata(self) -> Any:
        """Any JSON."""
        odd: list[Any] = [
            None, {}, [], "", 0, -1, True, 2**53, 1e-300, 0.1, {"": None}, [[[]]],
            {"a": {"b": [1, 1.5, "\N{SNOWMAN}", None]}}, "\\u0000", '"',
        ]  # fmt: skip
        return self._chance.choice(odd)

    def agent(self) -> dict[str, Any]:
        """An agent with some of what it may have."""
        whole = {
            "name": self.name(255),
            "persona": self.text(),
            "temperature": self._chance.choice([0.0, 0.1, 0.30000000000000004, 1.0, 2.0]),
            "maxTokens": self._chance.choice([1, 77, 32_768]),
            "model": self._chance.choice(["tiny", "org/Model-7B", "модель ☃", "x" * 255]),
            "endpoint": self._chance.choice([None, "elsewhere"]),
            "metadata": self.metadata(),
        }
        return {key: value for key, value in whole.items() if self._chance.random() < 0.7}

    def council(self, role: str) -> dict[str, Any]:
        """A council with one to four such agents."""
        seats = self._chance.randint(1, 4)
        whole = {
            "name": self.name(255),
            "rounds": self._chance.randint(0, 10),
            "quorum": self._chance.randint(1, seats),
        }
        some = {key: value for key, value in whole.items() if self._chance.random() < 0.7}
        return {"role": role, "agents": [self.agent() for _ in range(seats)], **some}


class _Client:
    """A caller, who asks over a few kept connections."""

    def __init__(self, service: ServiceProcess, client: httpx.AsyncClient, token: str) -> None:
        self._url = f"{service.url}/graphql"
        self._client = client
        self._headers = {"authorization": f"Bearer {token}"}

    async def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        response = await self._client.post(
            self._url, json={"query": document, "variables": variables}, headers=self._headers
        )
        told = response.json()
        assert "errors" not in told, told["errors"]
        data: dict[str, Any] = told["data"]
        assert [p["errors"] for p in data.values() if p and "errors" in p and p["errors"]] == []
        return data

    async def pages(self, document: str, field: str) -> list[Any]:
        """Return all pages of a connection, one after the other."""
        pages: list[Any] = []
        after: str | None = None
        while True:
            page = (await self.ask(document, after=after))[field]
            pages.append(page)
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                return pages

    async def everything(self) -> dict[str, Any]:
        """Return the whole of what is shown of roles, councils, seats, agents, models and endpoints."""
        return {
            # Each process looks at an endpoint soon after it knows of it, and then says what it serves.
            "few": await eventually(lambda: self.ask(_FEW), _settled),
            "councils": await self.pages(_COUNCILS, "councils"),
            "agents": await self.pages(_AGENTS, "agents"),
        }


def test_every_field_is_asked_for() -> None:
    schema = SCHEMA._schema  # pyright: ignore[reportPrivateUsage]
    types = [cast("GraphQLObjectType", schema.get_type(name)) for name in _WHOLE]
    there = {f"{type_.name}.{field}" for type_ in types for field in type_.fields}
    assert there - _asked(schema, _FEW, _COUNCILS, _AGENTS) == set()


async def test_the_whole_of_a_thousand_odd_councils_is_shown_the_same_after_a_kill(
    scene: Scene, empty_graph: Graph
) -> None:
    odd = _Odd()
    seed = _seed(odd)
    file = scene.home / "councils.yaml"
    file.write_text(yaml.safe_dump({"councils": seed}, allow_unicode=True), encoding="utf-8")
    (maker, one), (changer, other) = (
        tokens.create(name, Scope.MANAGE, None) for name in ("maker", "changer")
    )
    service = await scene.start(COUNCIL_SEED=str(file), COUNCIL_TOKENS=f"{one} {other}")
    await service.ready()
    async with httpx.AsyncClient(timeout=60) as http:
        client = _Client(service, http, maker)
        endpoints = await _prepare(client, scene.model.url)
        await _replace(client, odd, [council["role"] for council in seed[:_ARCHIVED]])
        await scene.driver.execute_query(
            statement("graph/copy_councils"), copies=_COPIES, database_=scene.database
        )
        cancelled = asyncio.Event()
        scene.model.script(Behaviour(until=cancelled), turn="*-p0-*", attempts=1)
        changing = _Client(service, http, changer)
        await _make_past(client, changing, endpoints, scene.model.url, cancelled)
        before = await client.everything()
        await service.kill()
        await service.start()
        await service.ready()
        told = (await client.ask(_REHYDRATION))["service"]["rehydration"]
        logged = [line for line in service.log() if line.get("event") == "rehydrated"][-1]
        after = await client.everything()
    councils = [edge["node"] for page in before["councils"] for edge in page["edges"]]
    agents = [edge["node"] for page in before["agents"] for edge in page["edges"]]
    serving = [council for council in councils if council["archivedAt"] is None]
    assert len(serving) == _SEEDED * (1 + _COPIES) + 1
    assert len(councils) == before["councils"][0]["totalCount"] == len(serving) + _ARCHIVED
    seats = sum(len(council["seats"]) for council in serving)
    assert told == {"councils": len(serving), "agents": seats, "resumed": 0, "seeded": False}
    assert {
        "councils": logged["councils"],
        "agents": logged["agents"],
        "resumed": logged["deliberations"],
        "seeded": logged["seeded"],
    } == told
    assert len(agents) == before["agents"][0]["totalCount"]
    # What was never but null would be the same whatever became of it. Why an endpoint is down is not in the graph, and both are up.
    assert _never_told(before) == {"few.endpoints.reason"}
    for kind in before:
        assert after[kind] == before[kind], kind
    assert await examine(empty_graph) == ()


def _asked(schema: GraphQLSchema, *documents: str) -> set[str]:
    """Return the fields that documents ask for, with their types."""
    asked: set[str] = set()
    info = TypeInfo(schema)

    class Fields(Visitor):
        def enter_field(self, node: FieldNode, *_: object) -> None:
            asked.add(f"{info.get_parent_type()}.{node.name.value}")

    for document in documents:
        visit(parse(document), TypeInfoVisitor(info, Fields()))
    return asked


def _never_told(value: Any) -> set[str]:
    """Return the places that have no value anywhere but null."""
    told: dict[str, bool] = {}

    def look(value: Any, place: str) -> None:
        if isinstance(value, list):
            for item in cast("list[Any]", value):
                look(item, place)
        elif isinstance(value, dict):
            for name, item in cast("dict[str, Any]", value).items():
                inner = f"{place}.{name}".lstrip(".")
                told[inner] = told.get(inner, False) or item is not None
                if name != "metadata":
                    look(item, inner)

    look(value, "")
    return {place for place, any_ in told.items() if not any_}


def _seed(odd: _Odd) -> list[dict[str, Any]]:
    """Councils as a seed file has them: with the description of their role, and no endpoints."""
    councils: list[dict[str, Any]] = [
        {**odd.council(odd.name(200)), "description": odd.text()} for _ in range(_SEEDED)
    ]
    for council in councils:
        for agent in council["agents"]:
            agent.pop("endpoint", None)
            if "metadata" in agent:
                agent["metadata"] = {"\N{SNOWMAN}": agent["metadata"]}
    return councils


async def _prepare(client: _Client, url: str) -> dict[str, str]:
    """Make two more endpoints known, of which one is to stay; return their ids."""
    elsewhere = {"name": "elsewhere", "url": "http://127.0.0.1:1/v1"}
    made = await client.ask(_PREPARE, elsewhere=elsewhere, gone={"name": "gone", "url": url})
    return {name: payload["endpoint"]["id"] for name, payload in made.items()}


async def _replace(client: _Client, odd: _Odd, roles: list[str]) -> None:
    """Archive what serves these roles, and make others that do, through the API."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def replace(role: str, council: dict[str, Any]) -> None:
        async with gate:
            old = (await client.ask(_FIND, role=role))["council"]["id"]
            await client.ask(_REPLACE, archive={"id": old}, council=council)

    async with asyncio.TaskGroup() as tasks:
        for role, council in [(role, odd.council(role)) for role in roles]:
            tasks.create_task(replace(role, council))


async def _make_past(
    client: _Client, other: _Client, endpoints: dict[str, str], url: str, cancelled: asyncio.Event
) -> None:
    """Let a council deliberate, and then another caller change, retire and remove what it deliberated with."""
    council = {
        "role": "PAST",
        "agents": [{"endpoint": "gone", "persona": "You are.", "metadata": 1}, {}, {}],
    }
    made = await client.ask(_MAKE, role={"name": "PAST"}, council=council)
    id_ = made["createCouncil"]["council"]["id"]
    agents = [seat["agent"]["id"] for seat in made["createCouncil"]["council"]["seats"]]
    order = {"council": {"id": id_}, "task": {"description": "Add two numbers."}}
    accepted = await client.ask(_ORDER, order=order)
    ended = {name: payload["deliberation"]["id"] for name, payload in accepted.items()}
    await client.ask(_CANCEL, input={"id": ended["cancelled"]})
    cancelled.set()
    shown = await client.ask(_WAIT, id=ended["decided"])
    assert shown["deliberation"]["status"] == "DECIDED"
    await other.ask(
        _CHANGE,
        elsewhere={"id": endpoints["elsewhere"], "url": url},
        gone={"id": endpoints["gone"]},
        council={"id": id_, "name": "what was"},
        agent={"id": agents[1], "persona": "You were.", "endpoint": "elsewhere"},
        retired={"id": agents[0]},
    )


def _settled(few: dict[str, Any]) -> bool:
    """Whether both endpoints are known to answer, and what they serve: they are the same server."""
    served = [len(model["endpoints"]) for model in few["models"] if model["name"] == "tiny"]
    return [one["status"] for one in few["endpoints"]] == ["UP", "UP"] and served == [2]
