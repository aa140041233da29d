"""Agents, and the seats that they have."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import strawberry

from orchestrator.api.context import Info
from orchestrator.api.ids import Node
from orchestrator.api.pages import Connection, connection
from orchestrator.api.scalars import Json, read_stored
from orchestrator.api.selections import asked_of, only_counted
from orchestrator.api.shown import Shown
from orchestrator.api.types import authors, lazy
from orchestrator.api.types.endpoints import Endpoint, Model
from orchestrator.domain import availability, councils
from orchestrator.domain.pages import Page, PageRequest

_KEPT = frozenset({"__typename", "id", "name"})
"""Fields that an agent has for ever."""


@strawberry.type(description="Who sits on a council.")
class Agent(Node, Shown[councils.Agent]):
    """An agent."""

    name: str = strawberry.field(description="Unique, such as dev-agent-1.")
    persona: str | None = strawberry.field(
        description="The system prompt that makes this agent differ from its neighbours."
    )
    temperature: float = strawberry.field(description="How freely its model samples, from 0 to 2.")
    max_tokens: int = strawberry.field(description="How long an answer may be.")
    created_by: str | None = strawberry.field(
        resolver=authors.created_by, description=authors.CREATED
    )
    updated_by: str | None = strawberry.field(
        resolver=authors.updated_by, description=authors.UPDATED
    )

    @strawberry.field(description="The model that it speaks through.")
    def model(self) -> Model:
        return Model.of(self.source.model)

    @strawberry.field(
        description="The one that it is bound to; none means any that serves the model."
    )
    def endpoint(self) -> Endpoint | None:
        return None if self.source.endpoint is None else Endpoint.of(self.source.endpoint)

    @strawberry.field(description="Whether it could answer now.")
    async def status(self, info: Info) -> availability.AgentStatus:
        loaders = info.context.loaders
        model, busy = await asyncio.gather(
            loaders.models.load(self.source.model.id), loaders.busy.load(self.source.id)
        )
        return availability.agent_status(
            self.source,
            () if model is None else model.endpoints,
            info.context.ports.watch.health,
            busy=busy,
            rehearsal=info.context.ports.service.rehearsal,
        )

    @strawberry.field(description="Whatever its owner wants to remember of it.")
    def metadata(self) -> Json | None:
        return read_stored(self.source.metadata)

    @strawberry.field(description="The council that it sits on; none once it is retired.")
    async def council(self, info: Info) -> lazy.Council | None:
        if self.source.council_id is None:
            return None
        return await lazy.council(info, self.source.council_id)


@strawberry.type(
    description="A place on a council. Of a council: as it is now. Of a deliberation: as it was when the deliberation was accepted."
)
class Seat(Shown[councils.Seat]):
    """A seat. One of a deliberation shows its agent as it is now: only the seat itself was kept."""

    number: int = strawberry.field(description="From 1.")
    persona: str | None = strawberry.field(
        description="The system prompt that makes this agent differ from its neighbours."
    )
    temperature: float = strawberry.field(description="How freely its model samples, from 0 to 2.")
    max_tokens: int = strawberry.field(description="How long an answer may be.")
    recorded: strawberry.Private[bool] = False

    @classmethod
    def recorded_of(cls, seat: councils.Seat) -> Seat:
        """Show the seat of a deliberation."""
        shown = cls.of(seat)
        shown.recorded = True
        return shown

    @strawberry.field(description="Who has it.", graphql_type=Agent)
    def agent(self, info: Info) -> Agent | Awaitable[Agent]:
        agent = self.source.agent
        return agent_now(info, agent) if self.recorded else Agent.of(agent)

    @strawberry.field(description="The model that the agent speaks through.")
    def model(self) -> Model:
        return Model.of(self.source.model)

    @strawberry.field(
        description="The one that it was bound to; none means any that serves the model."
    )
    def endpoint(self) -> Endpoint | None:
        return None if self.source.endpoint is None else Endpoint.of(self.source.endpoint)


def agent_now(info: Info, recorded: councils.Agent) -> Agent | Awaitable[Agent]:
    """Show who had a seat as he is now; nothing is read of whom that was read already, nor for what never changes.

    A transcript has dozens of seats, and hundreds may follow it, each of whom is told of each turn.
    """
    agent = info.context.loaders.agents.known(recorded.id)
    if agent is None and not asked_of(info) <= _KEPT:
        return _agent_read(info, recorded)
    return Agent.of(agent or recorded)


async def _agent_read(info: Info, recorded: councils.Agent) -> Agent:
    return Agent.of(await info.context.loaders.agents.load(recorded.id) or recorded)


async def agents_page(info: Info, page: PageRequest) -> Connection[Agent]:
    """Read a page of all agents."""
    port = info.context.ports.councils
    return connection(
        Page(items=()) if only_counted(info) else await port.agents(page),
        node=Agent.of,
        key=lambda agent: agent.id,
        count=port.count_agents,
    )
