"""Whatever has an id, by its id."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar, cast

from orchestrator.api.context import Context
from orchestrator.api.ids import Node, kind_of
from orchestrator.api.types.agents import Agent
from orchestrator.api.types.councils import Council, Role
from orchestrator.api.types.deliberations import Deliberation, table_of
from orchestrator.api.types.endpoints import Endpoint, Model
from orchestrator.api.types.tasks import Task
from orchestrator.api.types.turns import turn
from orchestrator.api.types.verdicts import Verdict
from orchestrator.domain.ids import Prefix, body, turn_named, with_prefix

T = TypeVar("T")


async def nodes(context: Context, ids: Sequence[str]) -> list[Node | None]:
    """Read whatever has each id. One that cannot be read has its error in its place: GraphQL tells it of that item alone."""
    found = await asyncio.gather(*(node(context, id_) for id_ in ids), return_exceptions=True)
    for one in found:
        if isinstance(one, BaseException) and not isinstance(one, Exception):
            raise one
    return cast("list[Node | None]", found)


async def node(context: Context, identifier: str) -> Node | None:  # noqa: PLR0911 - one line a kind
    """Read whatever has the id; none where nothing does."""
    loaders = context.loaders
    match kind_of(identifier):
        case Prefix.ROLE:
            return _shown(Role.of, await loaders.roles.load(identifier))
        case Prefix.COUNCIL:
            return _shown(Council.of, await loaders.councils.load(identifier))
        case Prefix.AGENT:
            return _shown(Agent.of, await loaders.agents.load(identifier))
        case Prefix.MODEL:
            return _shown(Model.of, await loaders.models.load(identifier))
        case Prefix.ENDPOINT:
            return _shown(Endpoint.of, await loaders.endpoints.load(identifier))
        case Prefix.TASK:
            return _shown(Task.of, await loaders.tasks.load(identifier))
        case Prefix.DELIBERATION:
            return _shown(Deliberation.of, await loaders.deliberations.load(identifier))
        case Prefix.TURN:
            return await _turn(context, identifier)
        case Prefix.VERDICT:
            return await _verdict(context, identifier)
        case _:
            return None


def _shown(show: Callable[[T], Node], found: T | None) -> Node | None:
    return None if found is None else show(found)


async def _turn(context: Context, identifier: str) -> Node | None:
    """A turn's id says which deliberation it belongs to, and a deliberation is read whole."""
    named = turn_named(identifier)
    if named is None:
        return None
    deliberation = await context.loaders.deliberations.load(named[0])
    if deliberation is None:
        return None
    table = await table_of(context, deliberation)
    source = table.reading.turns.get(identifier)
    return None if source is None else turn(table, source)


async def _verdict(context: Context, identifier: str) -> Node | None:
    deliberation = await context.loaders.deliberations.load(
        with_prefix(Prefix.DELIBERATION, body(identifier))
    )
    if deliberation is None:
        return None
    table = await table_of(context, deliberation)
    outcome = table.reading.outcome
    return None if outcome is None or outcome.id != identifier else Verdict.of(outcome, table)
