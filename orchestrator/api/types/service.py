"""How the service is."""

from __future__ import annotations

from datetime import datetime

import strawberry

from orchestrator.api import ports
from orchestrator.api.context import Info
from orchestrator.api.scalars import Count
from orchestrator.api.shown import Shown
from orchestrator.domain import pruning


@strawberry.type(description="What the start of this process brought back from the graph.")
class Rehydration(Shown[ports.Rehydration]):
    """What a start brought back."""

    councils: int = strawberry.field(
        description="Councils that serve a role; archived ones are read when they are asked for."
    )
    agents: int = strawberry.field(description="Agents on them.")
    resumed: int = strawberry.field(
        description="Deliberations under way that it took up again at once: as many as it runs at a time; others follow."
    )
    seeded: bool = strawberry.field(
        description="Whether the graph was new and got its first councils."
    )
    duration_ms: float = strawberry.field(
        description="How long it took, in milliseconds: from the first look for councils until what was under way is taken up."
    )


@strawberry.type(
    description="How much is in the graph. Each number is looked up, not counted, so that asking costs the same however large it is."
)
class GraphSize(Shown[pruning.GraphSize]):
    """How much is in the graph."""

    councils: Count = strawberry.field(description="Archived ones too.")
    agents: Count = strawberry.field(description="Retired ones too.")
    tasks: Count = strawberry.field(description="Tasks.")
    deliberations: Count = strawberry.field(
        description="Those under way and those that have ended."
    )
    turns: Count = strawberry.field(description="Turns, those of absent agents among them.")
    nodes: Count = strawberry.field(description="All nodes, these among them.")
    relationships: Count = strawberry.field(description="All relationships between them.")


@strawberry.type(description="The process that answers.")
class Service:
    """The process that answers."""

    version: str = strawberry.field(description="Its version.")
    ready: bool = strawberry.field(description="Whether it does all that it is there for.")
    waiting_for: str | None = strawberry.field(
        description="What it waits for while it is not ready."
    )
    started_at: datetime = strawberry.field(description="When it was started.")
    rehearsal: bool = strawberry.field(
        description="Whether the built-in model answers, as no VLLM_URL is set."
    )
    rehydration: Rehydration | None = strawberry.field(
        description="What its start brought back; none until it is through."
    )

    @classmethod
    def of(cls, service: ports.ServiceState) -> Service:
        """Show the service."""
        waiting_for = service.waiting_for
        brought = service.rehydration
        return cls(
            version=service.version,
            ready=waiting_for is None,
            waiting_for=waiting_for,
            started_at=service.started_at,
            rehearsal=service.rehearsal,
            rehydration=None if brought is None else Rehydration.of(brought),
        )

    @strawberry.field(
        description="Of Neo4j: the server's agent string; none while it cannot be reached."
    )
    async def neo4j(self, info: Info) -> str | None:
        return await info.context.ports.service.neo4j()

    @strawberry.field(description="How much is in the graph; none while Neo4j cannot be reached.")
    async def graph(self, info: Info) -> GraphSize | None:
        size = await info.context.ports.service.graph_size()
        return None if size is None else GraphSize.of(size)
