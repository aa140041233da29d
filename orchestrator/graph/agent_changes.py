"""Changes of agents, each one transaction. Locks: role, then council, then agent, then endpoint, then model."""

from __future__ import annotations

from typing import Any

from neo4j import Record

from orchestrator.domain.drafts import AgentChange, AgentDraft, Clear, Idempotency
from orchestrator.domain.errors import Conflict, NotFound, RefusedError
from orchestrator.domain.ids import Prefix
from orchestrator.domain.limits import SEATS
from orchestrator.graph.changes import Found, made_before, new_id, settled
from orchestrator.graph.council_changes import LockedCouncil, archived, lock_role_of, locked_council
from orchestrator.graph.driver import Transaction
from orchestrator.graph.repository import Repository
from orchestrator.graph.seating import lock_endpoints, place, seat, serve


class AgentChanges(Repository):
    """What `orchestrator.api.ports.Councils` changes of agents."""

    async def register_agent(
        self,
        council: str,
        draft: AgentDraft,
        idempotency: Idempotency | None,
        *,
        by: str | None = None,
    ) -> str:
        new = new_id(Prefix.AGENT)

        async def work(transaction: Transaction) -> str:
            try:
                role = await lock_role_of(transaction, council, "councilId")
            except RefusedError:
                # A key that made another agent is refused as such, wherever this one was to sit.
                await made_before(transaction, "agent", new, idempotency)
                raise
            locked = await locked_council(transaction, council, "councilId")
            if found := await made_before(transaction, "agent", new, idempotency):
                return found
            if not locked.serves:
                raise RefusedError(archived(council, "councilId"))
            if locked.seats >= SEATS:
                raise RefusedError(
                    Conflict(
                        message=f"the council has {SEATS} seats, which is the most",
                        path=("councilId",),
                        existing=council,
                    )
                )
            placed = await place(
                transaction, role, [draft], [("agent",)], first_seat=locked.seats + 1
            )
            await seat(transaction, council, [{**placed.rows[0], "id": new}], idempotency, by=by)
            await transaction.run(
                "role/count_names",
                name=role.name,
                agentsNamed=placed.agents_named,
                councilsNamed=role.councils_named,
            )
            await transaction.run("council/touch", id=council, updatedBy=by)
            return new

        return await settled(self.graph, work)

    async def update_agent(self, agent: str, change: AgentChange, *, by: str | None = None) -> None:
        found = Found[int | None]()

        async def work(transaction: Transaction) -> None:
            before, council = await _locked(transaction, agent)
            model = before["model"] if change.model is None else change.model
            endpoint = _changed(before["endpoint"], change.endpoint)
            own = {
                "persona": _changed(before["persona"], change.persona),
                "temperature": float(_changed(before["temperature"], change.temperature)),
                "maxTokens": _changed(before["maxTokens"], change.max_tokens),
                "metadata": _changed(before["metadata"], change.metadata),
            }
            after = {**own, "model": model, "endpoint": endpoint}
            changes = any(before[key] != value for key, value in after.items())
            # Whatever changes an agent raises the version of its council.
            version = None if council is None else council.version
            if found.is_done(version, as_asked=not changes):
                return
            if before["retired"]:
                raise RefusedError(
                    Conflict(message="this agent is retired", path=("id",), existing=agent)
                )
            served = (model, endpoint)
            moves = served != (before["model"], before["endpoint"])
            named = (
                [(change.endpoint, ("endpoint",))]
                if isinstance(change.endpoint, str) and not isinstance(change.endpoint, Clear)
                else []
            )
            if mistakes := await lock_endpoints(transaction, named, [served] if moves else []):
                raise RefusedError(*mistakes)
            if not changes:
                return
            await transaction.run("agent/update", id=agent, updatedBy=by, **own)
            if moves:
                await serve(transaction, [served])
            if model != before["model"]:
                await transaction.run("agent/speak_with", id=agent, model=model)
            if endpoint != before["endpoint"]:
                await transaction.run("agent/unbind", id=agent)
                if endpoint is not None:
                    await transaction.run("agent/bind", id=agent, endpoint=endpoint)
            await transaction.run("council/touch", id=before["council"], updatedBy=by)

        await settled(self.graph, work, found)

    async def retire_agent(self, agent: str, *, by: str | None = None) -> None:
        """Take an agent from its seat for good; one that is retired already stays so."""

        async def work(transaction: Transaction) -> None:
            before, locked = await _locked(transaction, agent)
            # Who sits on no council is retired.
            if locked is None or before["retired"]:
                return
            council: str = before["council"]
            if locked.seats - 1 < locked.quorum:
                raise RefusedError(
                    Conflict(
                        message=f"its council has a quorum of {locked.quorum} and {locked.seats} seats",
                        path=("id",),
                        existing=council,
                    )
                )
            await transaction.run("agent/retire", id=agent, updatedBy=by)
            await transaction.run("council/touch", id=council, updatedBy=by)

        await settled(self.graph, work)


async def _locked(transaction: Transaction, agent: str) -> tuple[Record, LockedCouncil | None]:
    """Lock an agent's council, where it sits on one, then the agent: what is read of both then stays."""
    for found in await transaction.run("agent/find_council", agent=agent):
        council: str | None = found["council"]
        locked = None if council is None else await locked_council(transaction, council, "id")
        for row in await transaction.run("agent/lock", id=agent):
            return row, locked
    raise RefusedError(NotFound(message="there is no such agent", path=("id",), sought=agent))


def _changed(before: Any, change: Any) -> Any:
    if change is None:
        return before
    return None if change is Clear.CLEAR else change
