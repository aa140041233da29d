"""The fields of Mutation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import strawberry

from orchestrator.api.mutations.archive_council import archive_council
from orchestrator.api.mutations.cancel_deliberation import cancel_deliberation
from orchestrator.api.mutations.create_council import create_council
from orchestrator.api.mutations.create_role import create_role
from orchestrator.api.mutations.deliberate import deliberate
from orchestrator.api.mutations.payloads import (
    AgentPayload,
    CouncilPayload,
    DeliberationPayload,
    EndpointPayload,
    RolePayload,
)
from orchestrator.api.mutations.register_agent import register_agent
from orchestrator.api.mutations.register_endpoint import register_endpoint
from orchestrator.api.mutations.remove_endpoint import remove_endpoint
from orchestrator.api.mutations.restore_council import restore_council
from orchestrator.api.mutations.retire_agent import retire_agent
from orchestrator.api.mutations.retry_deliberation import retry_deliberation
from orchestrator.api.mutations.update_agent import update_agent
from orchestrator.api.mutations.update_council import update_council
from orchestrator.api.mutations.update_endpoint import update_endpoint
from orchestrator.api.scopes import DELIBERATE, MANAGE, Needs


def _mutation(resolver: Callable[..., Awaitable[Any]], needs: Needs, description: str) -> Any:
    return strawberry.mutation(resolver=resolver, description=description, directives=[needs])


@strawberry.type(description="What can be written. A caller's mistakes are in `errors`.")
class Mutation:
    """What can be written."""

    create_role: RolePayload | None = _mutation(
        create_role, MANAGE, "Makes a role, without a council."
    )
    create_council: CouncilPayload | None = _mutation(
        create_council, MANAGE, "Makes a council that serves a role, with its agents."
    )
    update_council: CouncilPayload | None = _mutation(
        update_council,
        MANAGE,
        "Changes a council; deliberations that were accepted keep what they were accepted with.",
    )
    archive_council: CouncilPayload | None = _mutation(
        archive_council,
        MANAGE,
        "It serves no role any more; what it held stays. Of an archived one only its agents can be changed, and they can leave.",
    )
    restore_council: CouncilPayload | None = _mutation(
        restore_council, MANAGE, "It serves its role again, where no other council does."
    )
    register_agent: AgentPayload | None = _mutation(
        register_agent, MANAGE, "Seats a new agent on a council."
    )
    update_agent: AgentPayload | None = _mutation(update_agent, MANAGE, "Changes an agent.")
    retire_agent: AgentPayload | None = _mutation(
        retire_agent, MANAGE, "Takes an agent from its seat for good; what it said stays."
    )
    register_endpoint: EndpointPayload | None = _mutation(
        register_endpoint, MANAGE, "Makes an endpoint known."
    )
    update_endpoint: EndpointPayload | None = _mutation(
        update_endpoint, MANAGE, "Changes an endpoint."
    )
    remove_endpoint: EndpointPayload | None = _mutation(
        remove_endpoint, MANAGE, "Forgets an endpoint to which nothing is bound."
    )
    deliberate: DeliberationPayload | None = _mutation(
        deliberate,
        DELIBERATE,
        "Answers once the task and the deliberation are in the graph: from then on they are never lost.",
    )
    retry_deliberation: DeliberationPayload | None = _mutation(
        retry_deliberation,
        DELIBERATE,
        "A new deliberation on the task of one that failed or was cancelled.",
    )
    cancel_deliberation: DeliberationPayload | None = _mutation(
        cancel_deliberation,
        DELIBERATE,
        "Ends a deliberation without a verdict. It is recorded when this answers; the turns that were taken stay.",
    )
