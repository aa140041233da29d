"""What the API asks of others: `graph` implements Councils and Records, `engine` the Docket and the Changes, `vllm` the Watch, `identity` the Doorkeeper; `service` joins them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol
from weakref import WeakValueDictionary

from orchestrator.api.timing import MOST_SECONDS
from orchestrator.domain.availability import Holding
from orchestrator.domain.callers import Authors, Caller
from orchestrator.domain.councils import Agent, Council, Endpoint, Model, Role
from orchestrator.domain.deliberations import Deliberation, Retries, Task
from orchestrator.domain.drafts import (
    AgentChange,
    AgentDraft,
    CouncilChange,
    CouncilDraft,
    EndpointChange,
    Idempotency,
)
from orchestrator.domain.errors import UnauthenticatedError, UnavailableError
from orchestrator.domain.filters import CouncilFilter, DeliberationFilter
from orchestrator.domain.health import EndpointHealth
from orchestrator.domain.pages import Page, PageRequest
from orchestrator.domain.pruning import GraphSize
from orchestrator.domain.searching import Hit
from orchestrator.domain.statistics import CouncilStatistics, Period
from orchestrator.domain.transcripts import Transcript
from orchestrator.engine.changes import DeliberationChange
from orchestrator.engine.events import LiveEvent
from orchestrator.engine.ports import Accepted, Order, Retry

if TYPE_CHECKING:
    from orchestrator.api.loaders import LoadersTogether

# ---------------------------------------------------------------- councils: reads and changes


class Councils(Protocol):
    """Roles, councils, agents, models and endpoints. Changes raise RefusedError and then wrote nothing.

    `by` is who makes a change; none where he was not asked.

    All raise UnavailableError where the graph cannot be reached. Lists by key are newest first; where ids
    are given, what is not there is missing from the mapping. Where councils are not `seated`, they come without their
    seats, which are most of what there is to read. Which endpoints serve a model is told of models alone.
    """

    async def roles(self) -> tuple[Role, ...]: ...
    async def role_by_name(self, name: str) -> Role | None: ...
    async def roles_by_id(self, ids: Collection[str]) -> Mapping[str, Role]: ...
    async def councils_by_id(
        self, ids: Collection[str], *, seated: bool
    ) -> Mapping[str, Council]: ...
    async def council_by_role(self, role: str, *, seated: bool) -> Council | None: ...
    async def councils(
        self, page: PageRequest, where: CouncilFilter, *, seated: bool
    ) -> Page[Council]: ...
    async def count_councils(self, where: CouncilFilter) -> int: ...
    async def agents_by_id(self, ids: Collection[str]) -> Mapping[str, Agent]: ...
    async def agent_by_name(self, name: str) -> Agent | None: ...
    async def agents(self, page: PageRequest) -> Page[Agent]: ...
    async def busy_agents(self) -> frozenset[str]:
        """The ids of those who have a seat in a running deliberation."""
        ...

    async def count_agents(self) -> int: ...
    async def models(self) -> tuple[Model, ...]: ...
    async def models_by_id(self, ids: Collection[str]) -> Mapping[str, Model]: ...
    async def endpoints(self) -> tuple[Endpoint, ...]: ...
    async def endpoints_by_id(self, ids: Collection[str]) -> Mapping[str, Endpoint]: ...

    async def create_role(
        self,
        name: str,
        description: str | None,
        idempotency: Idempotency | None,
        *,
        by: str | None = None,
    ) -> str:
        """Return the role's id."""
        ...

    async def create_council(
        self, draft: CouncilDraft, idempotency: Idempotency | None, *, by: str | None = None
    ) -> str:
        """Return the council's id."""
        ...

    async def update_council(
        self,
        council: str,
        expected_version: int | None,
        change: CouncilChange,
        *,
        by: str | None = None,
    ) -> None: ...
    async def archive_council(
        self, council: str, expected_version: int | None, *, by: str | None = None
    ) -> None: ...
    async def restore_council(self, council: str, *, by: str | None = None) -> None: ...

    async def register_agent(
        self,
        council: str,
        draft: AgentDraft,
        idempotency: Idempotency | None,
        *,
        by: str | None = None,
    ) -> str:
        """Return the agent's id."""
        ...

    async def update_agent(
        self, agent: str, change: AgentChange, *, by: str | None = None
    ) -> None: ...
    async def retire_agent(self, agent: str, *, by: str | None = None) -> None: ...

    async def register_endpoint(
        self,
        name: str,
        url: str,
        api_key_variable: str | None,
        idempotency: Idempotency | None,
        *,
        by: str | None = None,
    ) -> str:
        """Return the endpoint's id."""
        ...

    async def update_endpoint(
        self, endpoint: str, change: EndpointChange, *, by: str | None = None
    ) -> None: ...
    async def remove_endpoint(self, endpoint: str, *, by: str | None = None) -> Endpoint:
        """Return what was removed."""
        ...


# ---------------------------------------------------------------- what was deliberated


class Records(Protocol):
    """Tasks, deliberations and their turns, to be read. Lists are newest first."""

    async def tasks_by_id(self, ids: Collection[str]) -> Mapping[str, Task]: ...
    async def tasks(self, page: PageRequest, external_id: str | None, *, brief: bool) -> Page[Task]:
        """Read a page; of tasks that are `brief` their id and external id only."""
        ...

    async def count_tasks(self, external_id: str | None) -> int: ...
    async def deliberations_by_id(self, ids: Collection[str]) -> Mapping[str, Deliberation]: ...
    async def deliberation(self, id: str) -> Deliberation | None:
        """One, for those who follow: they are many and ask at once, and who asks while some are read has his answer with all others by the next statement."""
        ...

    async def deliberations_of_each(
        self, page: PageRequest, lists: Sequence[DeliberationFilter], *, seated: bool, brief: bool
    ) -> Sequence[Page[Deliberation]]:
        """The same page of each list; those that differ only in their council or task cost one statement together.

        Where they are not `seated` they come without their seats, which are most of what there is to read;
        where they are `brief`, of their tasks with id and external id only.
        """
        ...

    async def count_deliberations_of_each(
        self, lists: Sequence[DeliberationFilter]
    ) -> Sequence[int]: ...
    async def retries(self, deliberations: Collection[str]) -> Mapping[str, Retries]: ...
    async def search(self, text: str) -> tuple[Hit, ...]:
        """Find the tasks and last revisions that match any word of a text, the best first, MOST_HITS at most."""
        ...

    async def statistics(self, periods: Collection[Period]) -> Mapping[Period, CouncilStatistics]:
        """Count what came of what councils accepted, all in one go."""
        ...

    async def transcripts(
        self,
        deliberations: Collection[str],
        *,
        ended: Collection[str] = (),
        brief: Collection[str] = (),
    ) -> Mapping[str, Transcript]:
        """Read what was recorded; of those that are known to have `ended` with their end, of those that are `brief` not what was said and thought."""
        ...

    async def followed(self, deliberation: str) -> tuple[Deliberation, Transcript] | None:
        """One without its seats and with what was recorded of it, read as `deliberation` reads; none of one that is gone.

        All up to the sequence of the deliberation was committed when its transcript was read.
        """
        ...

    async def authors(self, ids: Collection[str]) -> Mapping[str, Authors]:
        """Who made, changed and cancelled roles, councils, agents, endpoints and deliberations."""
        ...

    async def holdings(self, deliberations: Collection[str]) -> Mapping[str, Holding]:
        """Who holds them; what is not under way is missing."""
        ...


# ---------------------------------------------------------------- the engine


class Docket(Protocol):
    """The engine, as the API speaks to it."""

    async def accept(self, order: Order) -> Accepted:
        """Answer once task and deliberation are in the graph; raises RefusedError or UnavailableError."""
        ...

    async def retry(self, order: Retry) -> Accepted:
        """Answer once a new deliberation on the task of an old one is in the graph; raises as `accept`."""
        ...

    async def cancel(self, deliberation: str, reason: str | None, *, by: str | None = None) -> None:
        """Answer once it is recorded, and closed here; raises RefusedError or UnavailableError."""
        ...

    def follow(self, deliberation: str) -> AsyncIterator[LiveEvent]:
        """Yield what happens from the moment of the call.

        What another process does is told within a second or two, by a Moved, which this process's own
        moves are told by at once.
        """
        ...

    def obstacles(self, deliberation: str) -> tuple[str, ...] | None:
        """Say what it waits for, in words; none where this process does not run it."""
        ...


# ---------------------------------------------------------------- callers


class Doorkeeper(Protocol):
    """Who may come in, and for how long."""

    async def admit(self, shown: str | None) -> Caller:
        """Say who shows this text of an Authorization header, or nothing.

        Raises UnauthenticatedError, and UnavailableError where it cannot be judged now.
        """
        ...

    async def leaving(self, caller: Caller) -> UnauthenticatedError | UnavailableError:
        """Wait until a caller who was let in would not be let in any more, and return what he would be told."""
        ...


# ---------------------------------------------------------------- endpoints and the service


class Changes(Protocol):
    """What changes in the graph, whichever process changes it: this one's changes at once, others' within a second or two.

    What is yielded raises TooSlowError for who reads too slowly.
    """

    def deliberations(self, where: DeliberationFilter) -> AsyncIterator[DeliberationChange]:
        """Listen to deliberations that come to another status, by the one that they had or the one that they get."""
        ...

    def councils(self) -> AsyncIterator[Council]:
        """Listen to councils that are made or changed."""
        ...

    def look_at_councils(self) -> None:
        """Say that this process has changed one."""
        ...


class Watch(Protocol):
    """The health of endpoints, as this process sees it."""

    def health(self, endpoint: Endpoint) -> EndpointHealth: ...
    def changes(self) -> AsyncIterator[Endpoint]:
        """Listen to endpoints that are another way than before; raises TooSlowError as Changes do."""
        ...

    def look(self) -> None:
        """Say that this process has changed which endpoints there are, or one of them."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehydration:
    """What the start of this process brought back from the graph."""

    councils: int
    agents: int
    resumed: int
    seeded: bool
    duration_ms: float


class ServiceState(Protocol):
    """How the service is, now."""

    @property
    def version(self) -> str: ...
    @property
    def started_at(self) -> datetime: ...
    @property
    def waiting_for(self) -> str | None:
        """What it waits for; none where it is ready."""
        ...

    @property
    def ending(self) -> bool:
        """Whether it was told to end: it answers still, and accepts nothing."""
        ...

    async def ends(self) -> None:
        """Return once it was told to end."""
        ...

    @property
    def rehearsal(self) -> bool: ...
    @property
    def rehydration(self) -> Rehydration | None: ...
    async def neo4j(self) -> str | None:
        """The server's agent string; none while it cannot be reached."""
        ...

    async def graph_size(self) -> GraphSize | None:
        """How much is in the graph; none while it cannot be reached."""
        ...


# ---------------------------------------------------------------- all of them


class Documents(Protocol):
    """The documents that alone are answered."""

    def admit(self, sent: str) -> str:
        """Return the text of what was sent, or of what it is known by; raises GraphQLError where it is none of them."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything that the API asks of others, and what it is told of how to answer."""

    councils: Councils
    records: Records
    docket: Docket
    changes: Changes
    watch: Watch
    service: ServiceState
    doorkeeper: Doorkeeper
    allow_link_local: bool = False
    """Whether an endpoint may have a link-local or metadata address."""
    operation_seconds: float = MOST_SECONDS
    """How long an operation may take, but for what it was asked to wait."""
    introspection: bool = True
    """Whether the schema is shown to those who ask."""
    documents: Documents | None = None
    """The only ones that are answered, where there is a list."""
    telling: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by who is about to tell a subscriber something: one at a time."""
    together: MutableMapping[int, LoadersTogether] = field(
        default_factory=WeakValueDictionary[int, "LoadersTogether"]
    )
    """What those read who are told the same now, by where that lies in memory."""
