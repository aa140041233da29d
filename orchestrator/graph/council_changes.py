"""Changes of roles and councils, each one transaction. Locks: role, then council, then agent, then endpoint, then model."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

from orchestrator.domain.councils import Decision, ProtocolName
from orchestrator.domain.drafts import CouncilChange, CouncilDraft, Idempotency
from orchestrator.domain.errors import Conflict, InvalidInput, NotFound, RefusedError
from orchestrator.domain.ids import Prefix
from orchestrator.graph.changes import Found, made_before, new_id, settled, stored
from orchestrator.graph.driver import Transaction
from orchestrator.graph.repository import Repository
from orchestrator.graph.seating import LockedRole, lock_role, place, seat


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedCouncil:
    """A council under its lock."""

    name: str
    protocol: ProtocolName
    rounds: int
    quorum: int
    decision: Decision
    version: int
    serves: bool
    seats: int


class CouncilChanges(Repository):
    """What `orchestrator.api.ports.Councils` changes of roles and councils."""

    async def create_role(
        self,
        name: str,
        description: str | None,
        idempotency: Idempotency | None,
        *,
        by: str | None = None,
    ) -> str:
        new = new_id(Prefix.ROLE)

        async def work(transaction: Transaction) -> str:
            named = await transaction.run("role/find_named", name=name)
            # After that: whoever has the name may be what this very request made meanwhile.
            if found := await made_before(transaction, "role", new, idempotency):
                return found
            for row in named:
                raise RefusedError(
                    Conflict(message="a role has this name", path=("name",), existing=row["id"])
                )
            await create_role(transaction, new, name, description, idempotency, by=by)
            return new

        return await settled(self.graph, work)

    async def create_council(
        self, draft: CouncilDraft, idempotency: Idempotency | None, *, by: str | None = None
    ) -> str:
        new = new_id(Prefix.COUNCIL)

        async def work(transaction: Transaction) -> str:
            role = await lock_role(transaction, draft.role)
            # Under the role's lock: of two equal requests at once the second finds what the first made.
            if found := await made_before(transaction, "council", new, idempotency):
                return found
            if role is None:
                raise RefusedError(
                    NotFound(
                        message=f"there is no role {draft.role}", path=("role",), sought=draft.role
                    )
                )
            await create_council(transaction, role, new, draft, idempotency, by=by)
            return new

        return await settled(self.graph, work)

    async def update_council(
        self,
        council: str,
        expected_version: int | None,
        change: CouncilChange,
        *,
        by: str | None = None,
    ) -> None:
        found = Found[int]()
        left: tuple[int, dict[str, Any]] | None = None
        """The version and the fields that the last attempt has left, if it was committed."""

        async def work(transaction: Transaction) -> None:
            nonlocal left
            locked = await locked_council(transaction, council, "id")
            before = {
                field: getattr(locked, field)
                for field in ("name", "protocol", "rounds", "quorum", "decision")
            }
            after = before | {
                field: value for field, value in asdict(change).items() if value is not None
            }
            # Who expects a version wants to know whether anybody else has changed anything.
            as_asked = after == before and (
                expected_version is None or (locked.version, before) == left
            )
            if found.is_done(locked.version, as_asked=as_asked):
                return
            _expect(council, locked, expected_version)
            if not locked.serves:
                raise RefusedError(archived(council, "id"))
            if after["quorum"] > locked.seats:
                raise RefusedError(
                    InvalidInput(
                        message=f"the council has {locked.seats} seats, which is the most that a quorum can be",
                        path=("quorum",),
                    )
                )
            if after != before:
                left = (locked.version + 1, after)
                await transaction.run("council/update", id=council, updatedBy=by, **after)

        await settled(self.graph, work, found)

    async def archive_council(
        self, council: str, expected_version: int | None, *, by: str | None = None
    ) -> None:
        """Archive a council; one that is archived already stays as it is."""
        found = Found[int]()

        async def work(transaction: Transaction) -> None:
            locked = await locked_council(transaction, council, "id")
            if not found.is_done(locked.version, as_asked=not locked.serves) and locked.serves:
                _expect(council, locked, expected_version)
                await transaction.run("council/archive", id=council, updatedBy=by)

        await settled(self.graph, work, found)

    async def restore_council(self, council: str, *, by: str | None = None) -> None:
        """Let an archived council serve its role again; one that serves stays as it is."""
        found = Found[int]()

        async def work(transaction: Transaction) -> None:
            role = await lock_role_of(transaction, council, "id")
            locked = await locked_council(transaction, council, "id")
            if found.is_done(locked.version, as_asked=locked.serves) or locked.serves:
                return
            if role.council is not None:
                raise RefusedError(
                    Conflict(
                        message=f"another council serves {role.name}",
                        path=("id",),
                        existing=role.council,
                    )
                )
            await transaction.run("council/restore", id=council, updatedBy=by)

        await settled(self.graph, work, found)


async def create_role(
    transaction: Transaction,
    new: str,
    name: str,
    description: str | None,
    idempotency: Idempotency | None,
    *,
    by: str | None = None,
) -> LockedRole:
    """Write a role whose name is free; nobody else sees it before the commit, so it is as good as locked."""
    await transaction.run(
        "role/create",
        id=new,
        name=name,
        description=description,
        createdBy=by,
        **stored(idempotency),
    )
    return LockedRole(id=new, name=name, agents_named=0, councils_named=0, council=None)


async def create_council(
    transaction: Transaction,
    role: LockedRole,
    new: str,
    draft: CouncilDraft,
    idempotency: Idempotency | None,
    *,
    by: str | None = None,
    reserved: Collection[str] = (),
) -> None:
    """Check a draft against the graph and write the council with all who sit on it; no default name is one that is `reserved`."""
    if role.council is not None:
        raise RefusedError(
            Conflict(message="a council serves this role", path=("role",), existing=role.council)
        )
    seats = len(draft.agents)
    paths = [("agents", str(index)) for index in range(seats)]
    placed = await place(transaction, role, draft.agents, paths, first_seat=1, reserved=reserved)
    councils_named = role.councils_named + (draft.name is None)
    await transaction.run(
        "council/create",
        role=role.name,
        id=new,
        name=f"{role.stem}-council-{councils_named}" if draft.name is None else draft.name,
        protocol=draft.protocol,
        rounds=draft.rounds,
        quorum=draft.settled_quorum(seats),
        decision=draft.decision,
        createdBy=by,
        **stored(idempotency),
    )
    await seat(transaction, new, placed.rows, by=by)
    await transaction.run(
        "role/count_names",
        name=role.name,
        agentsNamed=placed.agents_named,
        councilsNamed=councils_named,
    )


async def lock_role_of(transaction: Transaction, council: str, field: str) -> LockedRole:
    """Lock the role of a council; `field` is where the caller named the council."""
    for row in await transaction.run("council/find_role", id=council):
        role = await lock_role(transaction, row["role"])
        if role is not None:
            return role
    raise RefusedError(_unknown(council, field))


async def locked_council(transaction: Transaction, council: str, field: str) -> LockedCouncil:
    """Lock a council, after its role; `field` is where the caller named it."""
    for row in await transaction.run("council/lock", id=council):
        return LockedCouncil(**row.data())
    raise RefusedError(_unknown(council, field))


def archived(council: str, field: str) -> Conflict:
    """Say that an archived council is neither changed itself nor given an agent; those it has may be."""
    return Conflict(message="this council is archived", path=(field,), existing=council)


def _unknown(council: str, field: str) -> NotFound:
    return NotFound(message="there is no such council", path=(field,), sought=council)


def _expect(council: str, locked: LockedCouncil, expected: int | None) -> None:
    if expected is not None and locked.version != expected:
        raise RefusedError(
            Conflict(
                message=f"the council is at version {locked.version}: look at what changed, and send that version",
                path=("expectedVersion",),
                existing=council,
            )
        )
