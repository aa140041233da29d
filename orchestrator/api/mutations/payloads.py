"""What mutations answer: what came of them, or the caller's mistakes."""

from __future__ import annotations

from typing import TypeVar

import strawberry
from strawberry.dataloader import DataLoader

from orchestrator.api.context import Context
from orchestrator.api.errors import removed_since, unread
from orchestrator.api.types.agents import Agent
from orchestrator.api.types.councils import Council, Role
from orchestrator.api.types.deliberations import Deliberation
from orchestrator.api.types.endpoints import Endpoint
from orchestrator.api.types.user_errors import UserError
from orchestrator.domain.errors import UnavailableError

T = TypeVar("T")

_ERRORS = "The caller's mistakes; where there are any, nothing was written."


@strawberry.type(description="What became of a mutation of a role.")
class RolePayload:
    """A role or mistakes."""

    role: Role | None = strawberry.field(default=None, description="As it is now.")
    errors: list[UserError] = strawberry.field(default_factory=list, description=_ERRORS)


@strawberry.type(description="What became of a mutation of a council.")
class CouncilPayload:
    """A council or mistakes."""

    council: Council | None = strawberry.field(default=None, description="As it is now.")
    errors: list[UserError] = strawberry.field(default_factory=list, description=_ERRORS)


@strawberry.type(description="What became of a mutation of an agent.")
class AgentPayload:
    """An agent or mistakes."""

    agent: Agent | None = strawberry.field(default=None, description="As it is now.")
    errors: list[UserError] = strawberry.field(default_factory=list, description=_ERRORS)


@strawberry.type(description="What became of a mutation of an endpoint.")
class EndpointPayload:
    """An endpoint or mistakes."""

    endpoint: Endpoint | None = strawberry.field(
        default=None, description="As it is now; a removed one as it was."
    )
    errors: list[UserError] = strawberry.field(default_factory=list, description=_ERRORS)


@strawberry.type(description="What became of a mutation of a deliberation.")
class DeliberationPayload:
    """A deliberation or mistakes."""

    deliberation: Deliberation | None = strawberry.field(default=None, description="As it is now.")
    errors: list[UserError] = strawberry.field(default_factory=list, description=_ERRORS)


async def read_back(loader: DataLoader[str, T | None], identifier: str) -> T:
    """Read what was written.

    Raises:
        UnansweredError: it cannot be read now, and is written all the same; or it has been removed since, such as by a pruning.
    """
    try:
        found = await loader.load(identifier)
    except UnavailableError as error:
        raise unread(error, identifier) from error
    if found is None:
        raise removed_since(identifier)
    return found


async def council_payload(context: Context, identifier: str) -> CouncilPayload:
    """Read back a council that was written."""
    context.written()
    council = await read_back(context.loaders.councils, identifier)
    return CouncilPayload(council=Council.of(council))


async def agent_payload(context: Context, identifier: str) -> AgentPayload:
    """Read back an agent that was written."""
    context.written()
    agent = await read_back(context.loaders.agents, identifier)
    return AgentPayload(agent=Agent.of(agent))


async def deliberation_payload(context: Context, identifier: str) -> DeliberationPayload:
    """Read back a deliberation that was written."""
    context.refresh()
    deliberation = await read_back(context.loaders.deliberations, identifier)
    return DeliberationPayload(deliberation=Deliberation.of(deliberation))


async def endpoint_payload(context: Context, identifier: str) -> EndpointPayload:
    """Read back an endpoint that was written."""
    context.written()
    context.ports.watch.look()
    endpoint = await read_back(context.loaders.endpoints, identifier)
    return EndpointPayload(endpoint=Endpoint.of(endpoint))
