"""Hand-written doubles of what the API asks of others: all in memory, and small enough to be seen through."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from typing_extensions import override

from orchestrator.api.loaders import nothing_recorded
from orchestrator.api.ports import Documents, Ports, Rehydration
from orchestrator.api.timing import MOST_SECONDS
from orchestrator.domain.availability import Holding
from orchestrator.domain.callers import Authors, Scope
from orchestrator.domain.councils import (
    Agent,
    Council,
    Endpoint,
    Model,
    Role,
)
from orchestrator.domain.deliberations import (
    Deliberation,
    Retries,
    Status,
    Task,
    Usage,
)
from orchestrator.domain.drafts import (
    AgentChange,
    AgentDraft,
    CouncilChange,
    CouncilDraft,
    EndpointChange,
    Idempotency,
)
from orchestrator.domain.filters import CouncilFilter, DeliberationFilter
from orchestrator.domain.health import EndpointHealth
from orchestrator.domain.pages import Page, PageRequest
from orchestrator.domain.pruning import GraphSize
from orchestrator.domain.searching import Hit
from orchestrator.domain.statistics import CouncilStatistics, Period
from orchestrator.domain.transcripts import Transcript
from orchestrator.domain.transitions import Transition, matches
from orchestrator.domain.values import replace
from orchestrator.engine.audience import Audience
from orchestrator.engine.changes import DeliberationChange
from orchestrator.engine.events import LiveEvent
from orchestrator.engine.ports import Accepted, CouncilById, Order, Retry
from orchestrator.identity.doorkeeper import Doorkeeper, Issuer
from orchestrator.identity.means import Means
from tests.support.samples import ENDPOINT, MODEL, NOW, a_council, a_deliberation


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_Identified)


def cut_page(items: Iterable[T], request: PageRequest) -> Page[T]:
    """Cut a page out of items, newest first."""
    listed = sorted(items, key=lambda item: item.id, reverse=True)
    if request.backward:
        before = [i for i in listed if request.key is None or i.id > request.key]
        cut = before[max(0, len(before) - request.limit) :]
    else:
        after = [i for i in listed if request.key is None or i.id < request.key]
        cut = after[: request.limit]
    return Page(
        items=tuple(cut),
        has_next=bool(cut) and cut[-1] is not listed[-1],
        has_previous=bool(cut) and cut[0] is not listed[0],
    )


@dataclass
class Asked:
    """What was asked, in order, and what is to go wrong."""

    calls: list[tuple[object, ...]] = field(default_factory=list)
    errors: dict[str, Exception] = field(default_factory=dict)
    """By the name of a method: what it raises."""
    authors_named: list[tuple[str, str | None]] = field(default_factory=list)
    """Of each change: its name, and who was said to make it."""

    def ask(self, name: str, *arguments: object) -> None:
        self.calls.append((name, *arguments))
        if name in self.errors:
            raise self.errors[name]

    @property
    def names(self) -> list[object]:
        return [call[0] for call in self.calls]


@dataclass
class Registry(Asked):
    """Councils, in memory. Changes are only noted; what they return is what is there."""

    all_councils: dict[str, Council] = field(default_factory=dict)
    loose_roles: dict[str, Role] = field(default_factory=dict)
    loose_agents: dict[str, Agent] = field(default_factory=dict)
    busy: frozenset[str] = frozenset()
    """The agents that have a seat in a running deliberation."""
    all_models: dict[str, Model] = field(default_factory=lambda: {MODEL.id: MODEL})
    all_endpoints: dict[str, Endpoint] = field(default_factory=lambda: {ENDPOINT.id: ENDPOINT})

    def add(self, *councils: Council) -> None:
        self.all_councils.update({council.id: council for council in councils})

    @property
    def all_roles(self) -> dict[str, Role]:
        serving = {c.role.id: c.role for c in self.all_councils.values() if c.archived_at is None}
        return {**self.loose_roles, **serving}

    @property
    def all_agents(self) -> dict[str, Agent]:
        seated = {s.agent.id: s.agent for c in self.all_councils.values() for s in c.seats}
        return {**self.loose_agents, **seated}

    async def roles(self) -> tuple[Role, ...]:
        self.ask("roles")
        return tuple(self.all_roles.values())

    async def role_by_name(self, name: str) -> Role | None:
        self.ask("role_by_name", name)
        return next((r for r in self.all_roles.values() if r.name == name), None)

    async def roles_by_id(self, ids: Collection[str]) -> Mapping[str, Role]:
        self.ask("roles_by_id", *ids)
        return _found(self.all_roles, ids)

    async def councils_by_id(self, ids: Collection[str], *, seated: bool) -> Mapping[str, Council]:
        self.ask("councils_by_id", *ids)
        found = _found(self.all_councils, ids)
        return {id_: _as_asked(council, seated=seated) for id_, council in found.items()}

    async def council_by_role(self, role: str, *, seated: bool) -> Council | None:
        self.ask("council_by_role", role)
        serving = (c for c in self.all_councils.values() if c.role.name == role)
        return next((_as_asked(council, seated=seated) for council in serving), None)

    async def councils(
        self, page: PageRequest, where: CouncilFilter, *, seated: bool
    ) -> Page[Council]:
        self.ask("councils", page, where)
        found = cut_page(self._councils(where), page)
        return replace(found, items=tuple(_as_asked(one, seated=seated) for one in found.items))

    async def count_councils(self, where: CouncilFilter) -> int:
        self.ask("count_councils", where)
        return len(self._councils(where))

    async def agents_by_id(self, ids: Collection[str]) -> Mapping[str, Agent]:
        self.ask("agents_by_id", *ids)
        return _found(self.all_agents, ids)

    async def agent_by_name(self, name: str) -> Agent | None:
        self.ask("agent_by_name", name)
        return next((a for a in self.all_agents.values() if a.name == name), None)

    async def agents(self, page: PageRequest) -> Page[Agent]:
        self.ask("agents", page)
        return cut_page(self.all_agents.values(), page)

    async def busy_agents(self) -> frozenset[str]:
        self.ask("busy_agents")
        return self.busy

    async def count_agents(self) -> int:
        self.ask("count_agents")
        return len(self.all_agents)

    async def models(self) -> tuple[Model, ...]:
        self.ask("models")
        return tuple(self.all_models.values())

    async def models_by_id(self, ids: Collection[str]) -> Mapping[str, Model]:
        self.ask("models_by_id", *ids)
        return _found(self.all_models, ids)

    async def endpoints(self) -> tuple[Endpoint, ...]:
        self.ask("endpoints")
        return tuple(self.all_endpoints.values())

    async def endpoints_by_id(self, ids: Collection[str]) -> Mapping[str, Endpoint]:
        self.ask("endpoints_by_id", *ids)
        return _found(self.all_endpoints, ids)

    async def create_role(
        self,
        name: str,
        description: str | None,
        idempotency: Idempotency | None,
        *,
        by: str | None = None,
    ) -> str:
        self.ask("create_role", name, description, idempotency)
        self.authors_named.append(("create_role", by))
        role = Role(id="rol_new", name=name, description=description)
        self.loose_roles[role.id] = role
        return role.id

    async def create_council(
        self, draft: CouncilDraft, idempotency: Idempotency | None, *, by: str | None = None
    ) -> str:
        self.ask("create_council", draft, idempotency)
        self.authors_named.append(("create_council", by))
        return next(iter(self.all_councils))

    async def update_council(
        self,
        council: str,
        expected_version: int | None,
        change: CouncilChange,
        *,
        by: str | None = None,
    ) -> None:
        self.ask("update_council", council, expected_version, change)
        self.authors_named.append(("update_council", by))

    async def archive_council(
        self, council: str, expected_version: int | None, *, by: str | None = None
    ) -> None:
        self.ask("archive_council", council, expected_version)
        self.authors_named.append(("archive_council", by))

    async def restore_council(self, council: str, *, by: str | None = None) -> None:
        self.ask("restore_council", council)
        self.authors_named.append(("restore_council", by))

    async def register_agent(
        self,
        council: str,
        draft: AgentDraft,
        idempotency: Idempotency | None,
        *,
        by: str | None = None,
    ) -> str:
        self.ask("register_agent", council, draft, idempotency)
        self.authors_named.append(("register_agent", by))
        return next(iter(self.all_agents))

    async def update_agent(self, agent: str, change: AgentChange, *, by: str | None = None) -> None:
        self.ask("update_agent", agent, change)
        self.authors_named.append(("update_agent", by))

    async def retire_agent(self, agent: str, *, by: str | None = None) -> None:
        self.ask("retire_agent", agent)
        self.authors_named.append(("retire_agent", by))

    async def register_endpoint(
        self,
        name: str,
        url: str,
        api_key_variable: str | None,
        idempotency: Idempotency | None,
        *,
        by: str | None = None,
    ) -> str:
        self.ask("register_endpoint", name, url, api_key_variable, idempotency)
        self.authors_named.append(("register_endpoint", by))
        return next(iter(self.all_endpoints))

    async def update_endpoint(
        self, endpoint: str, change: EndpointChange, *, by: str | None = None
    ) -> None:
        self.ask("update_endpoint", endpoint, change)
        self.authors_named.append(("update_endpoint", by))

    async def remove_endpoint(self, endpoint: str, *, by: str | None = None) -> Endpoint:
        self.ask("remove_endpoint", endpoint)
        self.authors_named.append(("remove_endpoint", by))
        return self.all_endpoints.pop(endpoint)

    def _councils(self, where: CouncilFilter) -> list[Council]:
        return [
            council
            for council in self.all_councils.values()
            if where.role in {None, council.role.name}
            and (where.name_contains or "") in council.name
            and (where.include_archived or council.archived_at is None)
        ]


NOTHING = CouncilStatistics(
    accepted=0,
    decided=0,
    failed=0,
    cancelled=0,
    mean_duration_ms=None,
    p95_duration_ms=None,
    usage=Usage(),
)


@dataclass
class Archive(Asked):
    """What was deliberated, in memory."""

    kept: dict[str, Deliberation] = field(default_factory=dict)
    said: dict[str, Transcript] = field(default_factory=dict)
    held: dict[str, Holding] = field(default_factory=dict)
    counted: CouncilStatistics = NOTHING
    hits: list[Hit] = field(default_factory=list)
    pages: list[Page[Deliberation]] = field(default_factory=list)
    """What lists answer instead of pages of all that is kept."""
    known_authors: dict[str, Authors] = field(default_factory=dict)
    retried: dict[str, str] = field(default_factory=dict)
    """By the id of a retry: what it retries."""

    def keep(self, deliberation: Deliberation, transcript: Transcript | None = None) -> None:
        self.kept[deliberation.id] = deliberation
        if transcript is not None:
            self.said[deliberation.id] = transcript

    async def tasks_by_id(self, ids: Collection[str]) -> Mapping[str, Task]:
        self.ask("tasks_by_id", *ids)
        return _found(self._tasks(), ids)

    async def tasks(self, page: PageRequest, external_id: str | None, *, brief: bool) -> Page[Task]:
        del brief
        self.ask("tasks", page, external_id)
        return cut_page(self._tasks().values(), page)

    async def count_tasks(self, external_id: str | None) -> int:
        self.ask("count_tasks", external_id)
        return len(self._tasks())

    async def deliberations_by_id(self, ids: Collection[str]) -> Mapping[str, Deliberation]:
        self.ask("deliberations_by_id", *ids)
        return _found(self.kept, ids)

    async def deliberation(self, id: str) -> Deliberation | None:
        self.ask("deliberation", id)
        return self.kept.get(id)

    async def deliberations_of_each(
        self, page: PageRequest, lists: Sequence[DeliberationFilter], *, seated: bool, brief: bool
    ) -> Sequence[Page[Deliberation]]:
        del brief
        self.ask("deliberations_of_each", page, *lists)
        pages = self.pages or [cut_page(self._deliberations(where), page) for where in lists]
        if seated:
            return pages
        return [
            replace(one, items=tuple(replace(kept, seats=()) for kept in one.items))
            for one in pages
        ]

    async def count_deliberations_of_each(
        self, lists: Sequence[DeliberationFilter]
    ) -> Sequence[int]:
        self.ask("count_deliberations_of_each", *lists)
        return [len(self._deliberations(where)) for where in lists]

    async def retries(self, deliberations: Collection[str]) -> Mapping[str, Retries]:
        self.ask("retries", *deliberations)
        return {
            id_: Retries(
                of=self.retried.get(id_),
                by=tuple(sorted(retry for retry, old in self.retried.items() if old == id_)),
            )
            for id_ in deliberations
        }

    async def search(self, text: str) -> tuple[Hit, ...]:
        self.ask("search", text)
        return tuple(sorted(self.hits, key=lambda hit: hit.place))

    async def statistics(self, periods: Collection[Period]) -> Mapping[Period, CouncilStatistics]:
        self.ask("statistics", *periods)
        return dict.fromkeys(periods, self.counted)

    async def transcripts(
        self,
        deliberations: Collection[str],
        *,
        ended: Collection[str] = (),
        brief: Collection[str] = (),
    ) -> Mapping[str, Transcript]:
        del ended, brief
        self.ask("transcripts", *deliberations)
        return {id_: self.said[id_] for id_ in deliberations if id_ in self.said}

    async def followed(self, deliberation: str) -> tuple[Deliberation, Transcript] | None:
        self.ask("followed", deliberation)
        kept = self.kept.get(deliberation)
        if kept is None:
            return None
        return replace(kept, seats=()), self.said.get(deliberation, nothing_recorded(deliberation))

    async def authors(self, ids: Collection[str]) -> Mapping[str, Authors]:
        self.ask("authors", *ids)
        return {id_: self.known_authors[id_] for id_ in ids if id_ in self.known_authors}

    async def holdings(self, deliberations: Collection[str]) -> Mapping[str, Holding]:
        self.ask("holdings", *deliberations)
        return {id_: self.held[id_] for id_ in deliberations if id_ in self.held}

    def _tasks(self) -> dict[str, Task]:
        return {kept.task.id: kept.task for kept in self.kept.values()}

    def _deliberations(self, where: DeliberationFilter) -> Sequence[Deliberation]:
        return [
            kept
            for kept in self.kept.values()
            if where.council_id in {None, kept.council_id}
            and where.task in {None, kept.task.id}
            and (where.statuses is None or kept.status in where.statuses)
        ]


class _Followed(AsyncIterator[LiveEvent]):
    def __init__(self) -> None:
        self.waiting: asyncio.Queue[LiveEvent] = asyncio.Queue()

    @override
    async def __anext__(self) -> LiveEvent:
        return await self.waiting.get()


@dataclass
class Office(Asked):
    """The engine: it accepts into an archive and runs nothing; followers hear what a test posts."""

    archive: Archive = field(default_factory=Archive)
    followers: dict[str, list[_Followed]] = field(default_factory=dict)
    runs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """What the seats of the deliberations wait for that this process runs."""

    async def accept(self, order: Order) -> Accepted:
        self.ask("accept", order)
        council = order.council
        held_by = a_council(
            council.id[4:] if isinstance(council, CouncilById) else council.role.lower()
        )
        accepted = a_deliberation(order.deliberation, council=held_by, status=Status.QUEUED)
        self.archive.keep(replace(accepted, task=order.task))
        return Accepted(deliberation=order.deliberation, new=True)

    async def retry(self, order: Retry) -> Accepted:
        self.ask("retry", order)
        old = self.archive.kept[order.of]
        self.archive.keep(replace(old, id=order.deliberation, status=Status.QUEUED))
        self.archive.retried[order.deliberation] = order.of
        return Accepted(deliberation=order.deliberation, new=True)

    async def cancel(self, deliberation: str, reason: str | None, *, by: str | None = None) -> None:
        self.ask("cancel", deliberation, reason)
        self.authors_named.append(("cancel", by))
        kept = self.archive.kept[deliberation]
        self.archive.keep(replace(kept, status=Status.CANCELLED, failure=reason))

    def follow(self, deliberation: str) -> AsyncIterator[LiveEvent]:
        self.ask("follow", deliberation)
        follower = _Followed()
        self.followers.setdefault(deliberation, []).append(follower)
        return follower

    def obstacles(self, deliberation: str) -> tuple[str, ...] | None:
        return self.runs.get(deliberation)

    def idle(self) -> bool:
        """Whether all that was posted was taken."""
        return all(one.waiting.empty() for some in self.followers.values() for one in some)

    def post(self, deliberation: str, *events: LiveEvent) -> None:
        for follower in self.followers[deliberation]:
            for event in events:
                follower.waiting.put_nowait(event)


@dataclass
class Town:
    """What changes, as a test says."""

    of_deliberations: Audience[Transition, DeliberationChange] = field(default_factory=Audience)
    of_councils: Audience[Council, Council] = field(default_factory=Audience)
    looks: int = 0
    ever_listened: int = 0
    """How many have begun to."""

    def deliberations(self, where: DeliberationFilter) -> AsyncIterator[DeliberationChange]:
        self.ever_listened += 1
        return self.of_deliberations.listen(lambda change: matches(where, change))

    def councils(self) -> AsyncIterator[Council]:
        self.ever_listened += 1
        return self.of_councils.listen()

    def look_at_councils(self) -> None:
        self.looks += 1


@dataclass
class Doctor:
    """The health of endpoints, by their names."""

    seen: dict[str, EndpointHealth] = field(default_factory=dict)
    of_endpoints: Audience[Endpoint, Endpoint] = field(default_factory=Audience)
    looks: int = 0
    ever_listened: int = 0

    def changes(self) -> AsyncIterator[Endpoint]:
        self.ever_listened += 1
        return self.of_endpoints.listen()

    def look(self) -> None:
        self.looks += 1

    def health(self, endpoint: Endpoint) -> EndpointHealth:
        return self.seen.get(endpoint.name, EndpointHealth())


@dataclass
class State:
    """How the service is."""

    version: str = "1.2.3"
    started_at: datetime = NOW
    waiting_for: str | None = None
    ending: bool = False
    rehearsal: bool = False
    rehydration: Rehydration | None = None
    agent: str | None = "Neo4j/5.26.30"
    size: GraphSize | None = None
    told_to_end: asyncio.Event = field(default_factory=asyncio.Event)

    async def ends(self) -> None:
        await self.told_to_end.wait()

    async def neo4j(self) -> str | None:
        return self.agent

    async def graph_size(self) -> GraphSize | None:
        return self.size


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class House:
    """All of it together."""

    registry: Registry = field(default_factory=Registry)
    archive: Archive = field(default_factory=Archive)
    office: Office = field(default_factory=Office)
    town: Town = field(default_factory=Town)
    doctor: Doctor = field(default_factory=Doctor)
    state: State = field(default_factory=State)
    means: Means = field(default_factory=lambda: Means(anonymous=Scope.MANAGE))
    issuer: Issuer | None = None
    clock: Callable[[], datetime] = _now
    doorkeeper: Doorkeeper = field(init=False)
    allow_link_local: bool = False
    operation_seconds: float = MOST_SECONDS
    introspection: bool = True
    documents: Documents | None = None

    def __post_init__(self) -> None:
        self.office.archive = self.archive
        self.doorkeeper = Doorkeeper(self.means, self.issuer, now=self.clock)

    def ports(self) -> Ports:
        return Ports(
            councils=self.registry,
            records=self.archive,
            docket=self.office,
            changes=self.town,
            watch=self.doctor,
            service=self.state,
            doorkeeper=self.doorkeeper,
            allow_link_local=self.allow_link_local,
            operation_seconds=self.operation_seconds,
            introspection=self.introspection,
            documents=self.documents,
        )


def _as_asked(council: Council, *, seated: bool) -> Council:
    return council if seated else replace(council, seats=())


def _found(all_: Mapping[str, T], ids: Collection[str]) -> dict[str, T]:
    return {id_: all_[id_] for id_ in ids if id_ in all_}
