"""Everything that GraphQL shows of a thousand odd councils is the same after SIGKILL as before."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import httpx
import pytest
import yaml

from orchestrator.graph.doctor import examine
from orchestrator.graph.driver import Graph
from tests.support.scene import Scene
from tests.support.service_process import ServiceProcess
from tests.support.waiting import eventually

pytestmark = [pytest.mark.faults, pytest.mark.neo4j, pytest.mark.timeout(600)]

_ROLES = 900
_ARCHIVED = 100
"""So many roles have an archived council beside the one that serves them."""
_AT_ONCE = 12

_FIND = """query($role: String!) { council(by: { role: $role }) { id } }"""
_REPLACE = """
mutation($archive: ArchiveCouncilInput!, $council: CreateCouncilInput!) {
  archiveCouncil(input: $archive) { errors { message path } }
  createCouncil(input: $council) { council { id } errors { message path } }
}
"""
_REGISTER_ENDPOINT = """
mutation($input: RegisterEndpointInput!) { registerEndpoint(input: $input) { errors { message path } } }
"""

_FRAGMENTS = """
fragment AModel on Model { id name rehearsal endpoints { id name url } }
fragment AnAgent on Agent {
  id name persona temperature maxTokens status metadata
  model { ...AModel } endpoint { id name url } council { id }
}
"""
_FEW = """
{
  roles { id name description council { id } }
  models { ...AModel }
  endpoints { id name url status servedModels inFlight }
}
fragment AModel on Model { id name rehearsal endpoints { id name url } }
"""
_COUNCILS = (
    """
query($after: String) {
  councils(first: 50, after: $after, filter: { includeArchived: true }) {
    totalCount
    pageInfo { hasNextPage endCursor }
    edges {
      cursor
      node {
        id name protocol rounds quorum decision version createdAt updatedAt archivedAt
        role { id name description council { id } }
        seats {
          number persona temperature maxTokens
          agent { ...AnAgent } model { ...AModel } endpoint { id name url }
        }
      }
    }
  }
}
"""
    + _FRAGMENTS
)
_AGENTS = (
    """
query($after: String) {
  agents(first: 100, after: $after) {
    totalCount
    pageInfo { hasNextPage endCursor }
    edges { cursor node { ...AnAgent } }
  }
}
"""
    + _FRAGMENTS
)
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
    """Asks over a few kept connections."""

    def __init__(self, service: ServiceProcess, client: httpx.AsyncClient) -> None:
        self._url = f"{service.url}/graphql"
        self._client = client

    async def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        response = await self._client.post(
            self._url, json={"query": document, "variables": variables}
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
            "few": await self.ask(_FEW),
            "councils": await self.pages(_COUNCILS, "councils"),
            "agents": await self.pages(_AGENTS, "agents"),
        }

    async def endpoints(self) -> Any:
        """Return how the endpoints are: what each process finds out for itself."""
        return (await self.ask(_FEW))["endpoints"]


async def test_the_whole_of_a_thousand_odd_councils_is_shown_the_same_after_a_kill(
    scene: Scene, empty_graph: Graph
) -> None:
    odd = _Odd()
    seed = _seed(odd)
    file = scene.home / "councils.yaml"
    file.write_text(yaml.safe_dump({"councils": seed}, allow_unicode=True), encoding="utf-8")
    service = await scene.start(COUNCIL_SEED=str(file))
    await service.ready(120)
    async with httpx.AsyncClient(timeout=60) as http:
        client = _Client(service, http)
        await client.ask(_REGISTER_ENDPOINT, input={"name": "elsewhere", "url": scene.model.url})
        await _replace(client, odd, [council["role"] for council in seed[:_ARCHIVED]])
        # Both endpoints are the same server; each process looks at them soon after it knows of them.
        await eventually(client.endpoints, _settled, 30)
        before = await client.everything()
        await service.kill()
        await service.start()
        await service.ready()
        told = (await client.ask(_REHYDRATION))["service"]["rehydration"]
        await eventually(client.endpoints, _settled, 30)
        after = await client.everything()
    councils = [edge["node"] for page in before["councils"] for edge in page["edges"]]
    agents = [edge["node"] for page in before["agents"] for edge in page["edges"]]
    assert len(councils) == before["councils"][0]["totalCount"] == _ROLES + _ARCHIVED
    assert len(agents) == before["agents"][0]["totalCount"]
    serving = [council for council in councils if council["archivedAt"] is None]
    assert len(serving) == _ROLES
    seats = sum(len(council["seats"]) for council in serving)
    assert told == {"councils": _ROLES, "agents": seats, "resumed": 0, "seeded": False}
    for kind in before:
        assert after[kind] == before[kind], kind
    assert await examine(empty_graph) == ()


def _seed(odd: _Odd) -> list[dict[str, Any]]:
    """Councils as a seed file has them: with the description of their role, and no endpoints."""
    councils: list[dict[str, Any]] = [
        {**odd.council(odd.name(200)), "description": odd.text()} for _ in range(_ROLES)
    ]
    for council in councils:
        for agent in council["agents"]:
            agent.pop("endpoint", None)
            if "metadata" in agent:
                agent["metadata"] = {"\N{SNOWMAN}": agent["metadata"]}
    return councils


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


def _settled(endpoints: list[dict[str, Any]]) -> bool:
    return [endpoint["status"] for endpoint in endpoints] == ["UP", "UP"]
