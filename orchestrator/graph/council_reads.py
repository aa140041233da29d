"""Reads of roles, councils, agents, models and endpoints, each one statement."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from orchestrator.domain.councils import Agent, Council, Endpoint, Model, Role
from orchestrator.domain.filters import CouncilFilter
from orchestrator.domain.pages import Page, PageRequest
from orchestrator.graph import paging
from orchestrator.graph.again import read_readable
from orchestrator.graph.council_rows import Rows, agents_from, councils_from, role_from
from orchestrator.graph.repository import Repository


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_Identified)


class CouncilReads(Repository):
    """What `orchestrator.api.ports.Councils` reads. Raises UnavailableError where the graph is away."""

    # ------------------------------------------------------------ roles

    async def roles(self) -> tuple[Role, ...]:
        return tuple(role_from(row["role"]) for row in await self.graph.read("role/list"))

    async def role_by_name(self, name: str) -> Role | None:
        rows = await self.graph.read("role/find_by_name", name=name)
        return role_from(rows[0]["role"]) if rows else None

    async def roles_by_id(self, ids: Collection[str]) -> Mapping[str, Role]:
        rows = await self.graph.read("role/find_by_id", ids=list(ids))
        return _by_id(tuple(role_from(row["role"]) for row in rows))

    # ------------------------------------------------------------ councils

    async def councils_by_id(
        self, ids: Collection[str], *, seated: bool = True
    ) -> Mapping[str, Council]:
        return _by_id(await self._councils("council/find_by_id", ids=list(ids), seated=seated))

    async def council_by_role(self, role: str, *, seated: bool = True) -> Council | None:
        found = await self._councils("council/find_by_role", role=role, seated=seated)
        return found[0] if found else None

    async def councils(
        self, page: PageRequest, where: CouncilFilter, *, seated: bool = True
    ) -> Page[Council]:
        if where.role is None:
            name = "council/list_newer" if page.backward else "council/list_older"
        else:
            name = "council/list_newer_of_role" if page.backward else "council/list_older_of_role"
        found = await self._councils(
            name,
            key=_key(page),
            limit=page.limit + 1,
            includeArchived=where.include_archived,
            nameContains=where.name_contains,
            seated=seated,
            **_role(where),
        )
        return paging.page_of(page, found)

    async def _councils(self, name: str, /, **parameters: Any) -> tuple[Council, ...]:
        async def read() -> tuple[Council, ...]:
            return councils_from(await self.graph.read(name, **parameters))

        return await read_readable(read)

    async def count_councils(self, where: CouncilFilter) -> int:
        name = "council/count" if where.role is None else "council/count_of_role"
        rows = await self.graph.read(
            name,
            includeArchived=where.include_archived,
            nameContains=where.name_contains,
            **_role(where),
        )
        return rows[0]["total"]

    # ------------------------------------------------------------ agents

    async def agents_by_id(self, ids: Collection[str]) -> Mapping[str, Agent]:
        return _by_id(await self._agents("agent/find_by_id", ids=list(ids)))

    async def agent_by_name(self, name: str) -> Agent | None:
        found = await self._agents("agent/find_by_name", name=name)
        return found[0] if found else None

    async def agents(self, page: PageRequest) -> Page[Agent]:
        name = "agent/list_newer" if page.backward else "agent/list_older"
        found = await self._agents(name, key=_key(page), limit=page.limit + 1)
        return paging.page_of(page, found)

    async def _agents(self, name: str, /, **parameters: Any) -> tuple[Agent, ...]:
        async def read() -> tuple[Agent, ...]:
            return agents_from(await self.graph.read(name, **parameters))

        return await read_readable(read)

    async def busy_agents(self) -> frozenset[str]:
        return frozenset((await self.graph.read("agent/find_busy"))[0]["busy"])

    async def count_agents(self) -> int:
        return (await self.graph.read("agent/count"))[0]["total"]

    # ------------------------------------------------------------ models and endpoints

    async def models(self) -> tuple[Model, ...]:
        rows = Rows()
        return tuple(rows.model(row["model"]) for row in await self.graph.read("model/list"))

    async def models_by_id(self, ids: Collection[str]) -> Mapping[str, Model]:
        rows = Rows()
        found = await self.graph.read("model/find_by_id", ids=list(ids))
        return _by_id(tuple(rows.model(row["model"]) for row in found))

    async def endpoints(self) -> tuple[Endpoint, ...]:
        rows = Rows()
        return tuple(
            rows.endpoint(row["endpoint"]) for row in await self.graph.read("endpoint/list")
        )

    async def endpoints_by_id(self, ids: Collection[str]) -> Mapping[str, Endpoint]:
        rows = Rows()
        found = await self.graph.read("endpoint/find_by_id", ids=list(ids))
        return _by_id(tuple(rows.endpoint(row["endpoint"]) for row in found))


def _by_id(values: Sequence[T]) -> Mapping[str, T]:
    return {value.id: value for value in values}


def _role(where: CouncilFilter) -> dict[str, str]:
    return {} if where.role is None else {"role": where.role}


def _key(page: PageRequest) -> str:
    """The one end of the span that a page goes from; the other is the end of the list."""
    span = paging.span(page)
    return span.above if page.backward else span.below
