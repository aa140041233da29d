"""Models and the endpoints that serve them."""

from __future__ import annotations

import strawberry

from orchestrator.api.context import Info
from orchestrator.api.ids import Node
from orchestrator.api.shown import Shown
from orchestrator.api.types import authors
from orchestrator.domain import councils, health


@strawberry.type(
    description="An OpenAI-compatible server that models are asked on. The one named `default` is what VLLM_URL says at each start. A start without it leaves what the last one said that had it set."
)
class Endpoint(Node, Shown[councils.Endpoint]):
    """A server of models, with its health as this process sees it."""

    name: str = strawberry.field(description="Unique.")
    url: str = strawberry.field(description="Where it is asked, such as http://host:8000/v1.")
    created_by: str | None = strawberry.field(
        resolver=authors.created_by, description=authors.CREATED
    )
    updated_by: str | None = strawberry.field(
        resolver=authors.updated_by, description=authors.UPDATED
    )

    @strawberry.field(description="Whether it answers, as the process that answers sees it.")
    def status(self, info: Info) -> health.EndpointStatus:
        return info.context.ports.watch.health(self.source).status

    @strawberry.field(description="Why it is DOWN, in words; none where it is not.")
    def reason(self, info: Info) -> str | None:
        return info.context.ports.watch.health(self.source).reason

    @strawberry.field(description="The models that it says it serves.")
    def served_models(self, info: Info) -> list[str]:
        return list(info.context.ports.watch.health(self.source).served_models)

    @strawberry.field(description="Calls in flight, as the process that answers sees them.")
    def in_flight(self, info: Info) -> int:
        return info.context.ports.watch.health(self.source).in_flight


@strawberry.type(description="What is asked, by the name under which servers serve it.")
class Model(Node, Shown[councils.Model]):
    """A model."""

    name: str = strawberry.field(description="Unique, as vLLM serves it.")
    rehearsal: bool = strawberry.field(
        description="The built-in stand-in for when there is no vLLM."
    )

    @strawberry.field(description="The endpoints that serve it, by name.")
    async def endpoints(self, info: Info) -> list[Endpoint]:
        model = await info.context.loaders.models.load(self.id)
        serving = () if model is None else model.endpoints
        return [
            Endpoint.of(endpoint)
            for endpoint in sorted(serving, key=lambda endpoint: endpoint.name)
        ]
