"""Holds a sound file against a graph, and says what an import would do, or what stands in its way. Writes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from neo4j import Record as Row

from orchestrator.domain.councils import DEFAULT_ENDPOINT
from orchestrator.domain.errors import Conflict, Mistake
from orchestrator.graph.driver import Reads
from orchestrator.graph.moving import rows
from orchestrator.graph.moving.batches import Batch, Lines, Placed, batches
from orchestrator.graph.moving.checking import Looked
from orchestrator.graph.moving.differences import differences, has_gone_on
from orchestrator.graph.moving.exporting import records
from orchestrator.graph.moving.form import Contents, Kind, Record
from orchestrator.graph.moving.known import Retry
from orchestrator.graph.moving.lookup import BY_NAME, Lookup, kindless, look_up
from orchestrator.graph.moving.mistakes import MOST_KEPT, NotImportedError
from orchestrator.graph.moving.seeded import is_as_seeded
from orchestrator.graph.seeding import Seed

_SHOWN = 3
"""Fields that differ which a conflict names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """A council that is as it was seeded and makes room; `stands_in` serves its role after it."""

    id: str
    name: str
    role: str
    stands_in: Placed


@dataclass(slots=True, kw_only=True)
class Plan:
    """What an import does."""

    new: Counter[Kind] = field(default_factory=Counter)
    there: Counter[Kind] = field(default_factory=Counter)
    """What is there already, with the same content."""
    gone_on: int = 0
    """Deliberations among these that were under way in the file and are further on in the graph."""
    under_way: int = 0
    """Deliberations among the new ones that have not ended: the processes of this graph take them up."""
    replaced: tuple[Replaced, ...] = ()
    takes_ids: bool = False
    """Whether roles, models and endpoints that are there take the file's ids: the graph is as new."""
    early: tuple[Retry, ...] = ()
    """Retries that come before what they retry, and are tied to it last."""
    notes: list[str] = field(default_factory=list)
    """What else a person should know."""


async def plan(graph: Reads, lines: Lines, looked: Looked, seed: Seed | None) -> Plan:
    """Look for everything that stands in the way.

    Raises:
        NotImportedError: with a Conflict for each council, and whatever else.
    """
    return await _Planning(graph, await look_up(graph), looked, seed).whole(lines)


class _Planning:
    """One look at one graph with one file."""

    def __init__(self, graph: Reads, lookup: Lookup, looked: Looked, seed: Seed | None) -> None:
        self._graph = graph
        self._lookup = lookup
        self._looked = looked
        self._seed = seed
        self._plan = Plan(early=looked.early)
        self._mistakes: list[Mistake] = []
        self._early = {retry.id for retry in looked.early}
        self._makes_room: dict[str, Record] = {}
        """Councils of the graph to be replaced, by role."""
        self._stands_in: dict[str, Placed] = {}
        self._may_stay: dict[str, tuple[str, Record, Placed]] = {}
        """Councils of the graph that make room only for the names of their agents: by id, with their role and an archived council."""
        self._names: list[tuple[Placed, tuple[str, ...], Row]] = []
        """Agents whose name another one has, who may sit on a council that makes room."""

    async def whole(self, lines: Lines) -> Plan:
        for batch in batches(lines):
            found = await self._lookup.found(batch)
            fresh = self._compare(batch, found)
            await self._look_around(batch.kind, fresh)
            await self._keys(batch.kind, [*fresh, *_without_keys(batch, found)])
            if len(self._mistakes) >= MOST_KEPT:
                break
        self._settle_names()
        if self._mistakes:
            raise NotImportedError(*self._mistakes)
        self._plan.replaced = tuple(
            Replaced(
                id=council["id"],
                name=council["name"],
                role=role,
                stands_in=self._stands_in[role],
            )
            for role, council in sorted(self._makes_room.items())
        )
        self._plan.takes_ids = await self._is_as_new()
        self._note_names()
        return self._plan

    def _conflict(
        self, item: Placed, message: str, *path: str, existing: str | None = None
    ) -> None:
        self._mistakes.append(
            Conflict(message=message, path=(item.place, *path), existing=existing)
        )

    def _compare(self, batch: Batch, found: dict[str, Record]) -> list[Placed]:
        """Sort out what is there already; returns what is new."""
        fresh: list[Placed] = []
        for item in batch.items:
            there = found.get(item.record["id"])
            if there is None:
                fresh.append(item)
                continue
            self._plan.there[batch.kind] += 1
            if batch.kind is Kind.DELIBERATION and has_gone_on(item.record, there):
                self._plan.gone_on += 1
                continue
            self._note_endpoint(batch.kind, item.record, there)
            self._note_key(batch.kind, item.record, there)
            if there["id"] in self._early:
                # Cut off before its end, an import has not tied it to what it retries.
                there = {"retries": item.record["retries"], **there}
            differing = (
                []
                if batch.kind in {Kind.ROLE, Kind.MODEL}
                else differences(batch.kind, item.record, there)
            )
            if differing:
                told = "; ".join(str(one) for one in differing[:_SHOWN])
                more = f"; and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
                named = "with this name" if batch.kind in BY_NAME else "with this id"
                self._conflict(
                    item,
                    f"the graph has {_named(batch.kind, there)} {named}, and it is another: {told}{more}",
                    existing=there["id"],
                )
        self._plan.new[batch.kind] += len(fresh)
        return fresh

    async def _look_around(self, kind: Kind, fresh: list[Placed]) -> None:
        """See whether what else is unique is free."""
        match kind:
            case Kind.ROLE | Kind.ENDPOINT | Kind.MODEL:
                self._ids_of_named(kind, fresh)
            case Kind.REMOVED_ENDPOINT:
                self._ids_of_named(Kind.ENDPOINT, fresh)
            case Kind.COUNCIL:
                await self._roles(fresh)
                await self._agents([(item, item.record["agents"]) for item in fresh])
            case Kind.AGENT:
                await self._agents([(item, [item.record]) for item in fresh])
            case Kind.DELIBERATION:
                await self._tasks(fresh)
                self._plan.under_way += sum("finishedAt" not in item.record for item in fresh)
            case Kind.PROCESS:
                pass

    def _ids_of_named(self, kind: Kind, fresh: Sequence[Placed]) -> None:
        """What is known by its name has an id, too, which may be another's."""
        few = {record["id"]: record for record in self._lookup.few[kind].values()}
        if kind is Kind.ENDPOINT:
            few |= self._lookup.few[Kind.REMOVED_ENDPOINT]
        for item in fresh:
            there = few.get(item.record["id"])
            if there is not None:
                self._conflict(
                    item,
                    f"the graph has {there['name']} with this id: it was renamed or removed",
                    "id",
                    existing=there["id"],
                )

    async def _roles(self, fresh: list[Placed]) -> None:
        """A role is free, or served by a council that is as it was seeded."""
        of_role: dict[str, list[Placed]] = {}
        for item in fresh:
            of_role.setdefault(item.record["serves"], []).append(item)
        for row in await self._graph.read("moving/read_serving_councils", roles=sorted(of_role)):
            there = kindless(rows.council(row))
            if there["id"] in self._looked.known.councils:
                continue  # it is a line of the file itself, and compared there
            role = there["serves"]
            serving = [item for item in of_role[role] if "servesRole" in item.record]
            if row["seeded"] and not row["deliberated"] and is_as_seeded(there, self._seed):
                if serving:
                    self._makes_room[role] = there
                else:
                    self._may_stay[there["id"]] = (role, there, of_role[role][0])
                continue
            why = "has deliberated" if row["deliberated"] else "is not as it was seeded"
            for item in serving:
                self._conflict(
                    item,
                    f"in the graph {there['name']} serves {role}, and it {why}: {item.record['name']} cannot take its place",
                    "servesRole",
                    existing=there["id"],
                )
        for item in fresh:
            if "servesRole" in item.record:
                self._stands_in[item.record["serves"]] = item
        # Only those that are needed are kept: a file may be long.
        self._stands_in = {
            role: item for role, item in self._stands_in.items() if role in self._makes_room
        }

    async def _agents(self, seated: list[tuple[Placed, list[Record]]]) -> None:
        """Agents have ids and names that nobody has."""
        named = {agent["name"]: agent["id"] for _, agents in seated for agent in agents}
        if not named:
            return
        there = await self._graph.read(
            "moving/find_agents", ids=list(named.values()), names=list(named)
        )
        by_id = {row["id"]: row for row in there}
        by_name = {row["name"]: row for row in there}
        for item, agents in seated:
            for index, agent in enumerate(agents):
                path = () if item.record is agent else ("agents", str(index))
                if agent["id"] in by_id:
                    self._conflict(
                        item,
                        f"the graph has the agent {by_id[agent['id']]['name']} with this id",
                        *path,
                        "id",
                        existing=agent["id"],
                    )
                elif agent["name"] in by_name:
                    self._names.append((item, (*path, "name"), by_name[agent["name"]]))

    def _settle_names(self) -> None:
        """The names of those who make room are free: also of those who do so for the names alone."""
        for _, _, row in self._names:
            if row["council"] in self._may_stay:
                role, there, archived = self._may_stay[row["council"]]
                if role not in self._makes_room:
                    self._makes_room[role] = there
                    self._stands_in[role] = archived
                    self._plan.notes.append(
                        f"nobody serves {role} then: its council was archived where these come from, and the agents of the one here have the same names"
                    )
        leaving = {council["id"] for council in self._makes_room.values()}
        for item, path, row in self._names:
            if row["council"] not in leaving:
                self._conflict(
                    item,
                    f"the graph has another agent named {row['name']}",
                    *path,
                    existing=row["id"],
                )

    async def _tasks(self, fresh: list[Placed]) -> None:
        tasks = {item.record["about"]["id"]: item for item in fresh}
        for row in await self._graph.read("moving/read_tasks", ids=list(tasks)):
            item = tasks[row["id"]]
            if rows.task(row) != item.record["about"]:
                self._conflict(
                    item, "the graph has another task with this id", "about", existing=row["id"]
                )

    async def _keys(self, kind: Kind, taking: list[Placed]) -> None:
        """An idempotency key makes one thing, ever."""
        keyed: dict[tuple[str, str], tuple[Placed, tuple[str, ...]]] = {}
        for item in taking:
            agents = [(("agents", str(i)), a) for i, a in enumerate(item.record.get("agents", ()))]
            for path, record in [((), item.record), *agents]:
                if "idempotencyKey" in record:
                    label = "Agent" if path or kind is Kind.AGENT else _KEYED[kind]
                    keyed[label, record["idempotencyKey"]] = (item, (*path, "idempotencyKey"))
        if not keyed:
            return
        asked = {
            parameter: [key for of, key in keyed if of == label]
            for label, parameter in _PARAMETERS.items()
        }
        for row in await self._graph.read("moving/find_keys", **asked):
            item, path = keyed[row["label"], row["key"]]
            self._conflict(
                item,
                f"the same idempotency key has made {row['id']} in the graph",
                *path,
                existing=row["id"],
            )

    async def _is_as_new(self) -> bool:
        """Whether nothing in the graph but what makes room, and what is in the file, can be known to anybody."""
        if self._looked.contents is Contents.PREDECESSOR:
            return False
        (found,) = await self._graph.read("moving/find_history")
        if found["history"]:
            return False
        if self._somebody_made_something():
            return False
        async for agent in records(self._graph, Kind.AGENT):
            if agent["id"] not in self._looked.known.agents and "idempotencyKey" in agent:
                return False
        ours = {*self._looked.known.councils, *(c["id"] for c in self._makes_room.values())}
        after = ""
        while page := await self._graph.read("moving/list_councils", after=after, limit=100):
            if any(row["id"] not in ours for row in page):
                return False
            after = page[-1]["id"]
        return True

    def _somebody_made_something(self) -> bool:
        """Whether a caller knows a role or an endpoint of the graph that the file does not have under the same id.

        A role with a council that makes room came with it, and the endpoint `default` with the settings.
        """
        known, few = self._looked.known, self._lookup.few
        ours = {*known.roles.values(), *known.endpoints.values(), *known.removed_endpoints}
        return any(
            "idempotencyKey" in record
            or "createdBy" in record
            or record["name"] not in (self._makes_room if kind is Kind.ROLE else {DEFAULT_ENDPOINT})
            for kind in (Kind.ROLE, Kind.ENDPOINT, Kind.REMOVED_ENDPOINT)
            for record in few[kind].values()
            if record["id"] not in ours
        )

    def _note_endpoint(self, kind: Kind, record: Record, there: Record) -> None:
        if kind is Kind.ENDPOINT and record["name"] == DEFAULT_ENDPOINT:
            ours, theirs = there["url"], record["url"]
            if ours != theirs:
                self._plan.notes.append(
                    f"the endpoint {DEFAULT_ENDPOINT} stays at {ours}, and was at {theirs}: VLLM_URL says where it is"
                )

    def _note_key(self, kind: Kind, record: Record, there: Record) -> None:
        ours, theirs = there.get("idempotencyKey"), record.get("idempotencyKey")
        if kind in BY_NAME and None not in {ours, theirs} and ours != theirs:
            self._plan.notes.append(
                f"the {kind} {record['name']} keeps its own idempotency key: the request that made it in the source is refused here when it is sent again"
            )

    def _note_names(self) -> None:
        """Say where the graph's own stays and is not what the file has."""
        ours, theirs = self._lookup.default_model, self._looked.known.default_model
        if ours is not None and theirs is not None and ours != theirs:
            self._plan.notes.append(
                f"agents that named no model speak with the default one, which is {ours} here and was {theirs}: VLLM_MODEL says which"
            )


_KEYED = {
    Kind.ROLE: "Role",
    Kind.ENDPOINT: "Endpoint",
    Kind.REMOVED_ENDPOINT: "Endpoint",
    Kind.COUNCIL: "Council",
    Kind.DELIBERATION: "Deliberation",
}
_PARAMETERS = {
    "Role": "roles",
    "Council": "councils",
    "Agent": "agents",
    "Endpoint": "endpoints",
    "Deliberation": "deliberations",
}


def _without_keys(batch: Batch, found: dict[str, Record]) -> list[Placed]:
    """Return what is there, known by its name and made without a key: it takes the file's."""
    if batch.kind not in BY_NAME:
        return []
    return [
        item
        for item in batch.items
        if item.record["id"] in found and "idempotencyKey" not in found[item.record["id"]]
    ]


def _named(kind: Kind, record: dict[str, Any]) -> str:
    return f"{kind} {record.get('name') or record['id']}"
