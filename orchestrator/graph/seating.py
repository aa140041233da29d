"""Making agents and seating them: what a new council and a council with a new agent share."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.domain.drafts import AgentDraft, Idempotency
from orchestrator.domain.errors import Conflict, InvalidInput, Mistake, NotFound, RefusedError
from orchestrator.domain.ids import Prefix
from orchestrator.graph.changes import new_id, stored
from orchestrator.graph.driver import Transaction

Served = tuple[str | None, str | None]
"""A model, none for the default, and the endpoint that an agent who speaks with it is bound to, if any; by their names."""

_LONGEST_STEM = 200
"""Characters of a role's name in the default names, which have 255 at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedRole:
    """A role under its lock; the numbers are the last ones given to default names."""

    id: str
    name: str
    agents_named: int
    councils_named: int
    council: str | None

    @property
    def stem(self) -> str:
        """How default names begin."""
        return stem_of(self.name)


def stem_of(role: str) -> str:
    """Return how the default names of a role's councils and agents begin."""
    return role.lower()[:_LONGEST_STEM]


async def lock_role(transaction: Transaction, name: str) -> LockedRole | None:
    """Lock a role, the first of all locks."""
    for row in await transaction.run("role/lock", name=name):
        return LockedRole(
            id=row["id"],
            name=name,
            agents_named=row["agentsNamed"],
            councils_named=row["councilsNamed"],
            council=row["council"],
        )
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Agents as `agent/seat` takes them, and the number of the last default name among them."""

    rows: tuple[dict[str, Any], ...]
    agents_named: int


async def place(
    transaction: Transaction,
    role: LockedRole,
    drafts: Sequence[AgentDraft],
    paths: Sequence[tuple[str, ...]],
    first_seat: int,
    *,
    reserved: Collection[str] = (),
) -> Placed:
    """Give each draft an id, a name and a seat, and whatever it left out; writes nothing.

    No default name is one that is `reserved` for somebody else.

    Raises:
        RefusedError: a name is taken, an endpoint unknown, or there is no default model. `paths` lead to
            the drafts in the caller's input.
    """
    mistakes = [
        *await _taken(transaction, drafts, paths),
        *await _unserved(transaction, drafts, paths),
    ]
    if mistakes:
        raise RefusedError(*mistakes)
    wanted = sum(draft.name is None for draft in drafts)
    asked = {*reserved, *(draft.name for draft in drafts if draft.name is not None)}
    free: list[str] = []
    number = role.agents_named
    while len(free) < wanted:
        numbers = range(number + 1, number + 1 + wanted - len(free))
        names = [f"{role.stem}-agent-{n}" for n in numbers]
        taken = {row["name"] for row in await transaction.run("agent/find_named", names=names)}
        free += [name for name in names if name not in taken and name not in asked]
        number = numbers[-1]
    default_names = iter(free)
    rows = tuple(
        {
            "id": new_id(Prefix.AGENT),
            "seat": first_seat + index,
            "name": next(default_names) if draft.name is None else draft.name,
            "persona": draft.persona,
            "temperature": draft.settled_temperature,
            "maxTokens": draft.settled_max_tokens,
            "metadata": draft.metadata,
            "model": draft.model,
            "endpoint": draft.endpoint,
        }
        for index, draft in enumerate(drafts)
    )
    return Placed(rows=rows, agents_named=number)


async def seat(
    transaction: Transaction,
    council: str,
    rows: Sequence[dict[str, Any]],
    idempotency: Idempotency | None = None,
    *,
    by: str | None = None,
) -> None:
    """Write agents that were placed; the key belongs to all of them, so it goes with a single one."""
    agents = [{**row, "createdBy": by, **stored(idempotency)} for row in rows]
    await serve(transaction, [(row["model"], row["endpoint"]) for row in rows])
    await transaction.run("agent/seat", council=council, agents=agents)


async def serve(transaction: Transaction, served: Sequence[Served]) -> None:
    """See that each named model is there and is served, before an agent speaks with it; the endpoints are locked."""
    if rows := _named(served):
        names = sorted({model for model, _ in served if model is not None})
        models = [{"name": name, "id": new_id(Prefix.MODEL)} for name in names]
        await transaction.run("model/make", models=models)
        await transaction.run("model/serve", served=rows)


async def lock_endpoints(
    transaction: Transaction,
    endpoints: Sequence[tuple[str, tuple[str, ...]]],
    served: Sequence[Served],
) -> tuple[Mistake, ...]:
    """Lock the endpoints named, and those that `serve` will tie to models; refuse those named that are not there.

    Each of those named comes with its path.
    """
    names = {name for name, _ in endpoints}
    if rows := _named(served):
        names |= {
            row["name"] for row in await transaction.run("endpoint/find_unserving", served=rows)
        }
    if not names:
        return ()
    locked = await transaction.run("endpoint/lock_named", names=sorted(names))
    known = {row["name"] for row in locked}
    return tuple(
        NotFound(message="there is no such endpoint", path=path, sought=name)
        for name, path in endpoints
        if name not in known
    )


def _named(served: Sequence[Served]) -> list[dict[str, str | None]]:
    return [
        {"model": model, "endpoint": endpoint} for model, endpoint in served if model is not None
    ]


async def _taken(
    transaction: Transaction, drafts: Sequence[AgentDraft], paths: Sequence[tuple[str, ...]]
) -> tuple[Mistake, ...]:
    names = [draft.name for draft in drafts if draft.name is not None]
    found = await transaction.run("agent/find_named", names=names) if names else []
    agents = {row["name"]: row["id"] for row in found}
    return tuple(
        Conflict(
            message="an agent has this name", path=(*path, "name"), existing=agents[draft.name]
        )
        for draft, path in zip(drafts, paths, strict=True)
        if draft.name in agents
    )


async def _unserved(
    transaction: Transaction, drafts: Sequence[AgentDraft], paths: Sequence[tuple[str, ...]]
) -> tuple[Mistake, ...]:
    mistakes = list(
        await lock_endpoints(
            transaction,
            [
                (draft.endpoint, (*path, "endpoint"))
                for draft, path in zip(drafts, paths, strict=True)
                if draft.endpoint is not None
            ],
            [(draft.model, draft.endpoint) for draft in drafts],
        )
    )
    default = await transaction.run("model/find_default")
    for draft, path in zip(drafts, paths, strict=True):
        if draft.model is None and not default:
            mistakes.append(
                InvalidInput(message="there is no default model", path=(*path, "model"))
            )
    return tuple(mistakes)
