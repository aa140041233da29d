"""Deliberations: one council at work on one task."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, NamedTuple, cast

import strawberry

from orchestrator.api.context import Context, Info
from orchestrator.api.ids import Node
from orchestrator.api.loaders import DeliberationPage, as_of
from orchestrator.api.pages import (
    After,
    Before,
    Connection,
    First,
    Last,
    connection,
    page_request,
)
from orchestrator.api.scalars import Count
from orchestrator.api.selections import asked_below, asked_of, only_counted
from orchestrator.api.shown import Shown
from orchestrator.api.types import agents, authors, verdicts
from orchestrator.api.types import councils as council_types
from orchestrator.api.types import tasks as task_types
from orchestrator.api.types import turns as turn_types
from orchestrator.api.types.usage import Usage
from orchestrator.domain import availability, councils, deliberations, reading
from orchestrator.domain.filters import DeliberationFilter
from orchestrator.domain.pages import Page, PageRequest

_WITHOUT_SEATS = frozenset(
    {
        *("__typename", "id", "task", "council", "councilVersion", "protocol", "rounds", "quorum"),
        *("decision", "priority", "status", "stopReason", "failure", "rehearsal", "acceptedAt"),
        *("startedAt", "finishedAt", "deadline", "tokenBudget", "tokensSpent", "prunedAt"),
        *("createdBy", "retryOf", "retries", "resumptions", "usage"),
    }
)
"""Fields that look at no seat: where nothing else is asked for, no seats are read."""

_WORDS = frozenset({"content", "reasoning"})
"""Fields of a turn that may be long: where they are not asked for, they are not read."""

Kinds = Annotated[
    list[deliberations.TurnKind] | None,
    strawberry.argument(description="Only turns of these kinds."),
]


@strawberry.type(description="How far a deliberation has come.")
class Progress(Shown[reading.Progress]):
    """How far a deliberation has come."""

    turns_taken: int = strawberry.field(
        description="Turns that are recorded, those of absent agents among them."
    )
    turns_expected: int = strawberry.field(description="Turns where nobody is absent.")
    phase: deliberations.TurnKind | None = strawberry.field(
        description="The earliest kind of turn that is due; none once it has ended."
    )


class _Named(NamedTuple):
    id: str


def _tokens_spent(self: Deliberation) -> Count | None:
    return None if self.source.token_budget is None else Count(self.source.tokens_spent)


@strawberry.type(description="One council at work on one task.")
class Deliberation(Node, Shown[deliberations.Deliberation]):
    """A deliberation. What it says of the council is how that was when the deliberation was accepted."""

    council_version: int = strawberry.field(
        description="The version of the council that it was accepted with."
    )
    protocol: councils.ProtocolName = strawberry.field(
        description="The rules by which its turns follow."
    )
    rounds: int = strawberry.field(description="Rounds of critique and revision.")
    quorum: int = strawberry.field(
        description="How many seats must have a standing proposal for a verdict."
    )
    decision: councils.Decision = strawberry.field(description="Who has the last word.")
    priority: deliberations.Priority = strawberry.field(
        description="Whether it is taken up before others."
    )
    status: deliberations.Status = strawberry.field(description="Where it stands.")
    stop_reason: deliberations.StopReason | None = strawberry.field(description="Why it has ended.")
    failure: str | None = strawberry.field(
        description="Why it failed, in words. Of one that was cancelled, the reason that was given."
    )
    rehearsal: bool = strawberry.field(
        description="True where any seat spoke through a rehearsal model instead of a real one."
    )
    accepted_at: datetime = strawberry.field(
        description="When it was in the graph: from then on it is never lost."
    )
    started_at: datetime | None = strawberry.field(description="When a process first took it up.")
    finished_at: datetime | None = strawberry.field(description="When it ended.")
    deadline: datetime | None = strawberry.field(description="When it ends at the latest.")
    token_budget: Count | None = strawberry.field(
        description="How many tokens it may use, read and written, attempts that failed among them."
    )
    tokens_spent: Count | None = strawberry.field(
        resolver=_tokens_spent,
        description="What counts against its token budget: all of `usage`, and what was reserved for calls that are under way or that nobody counted, such as one that was cut off. None where it has no budget.",
    )
    pruned_at: datetime | None = strawberry.field(
        description="Since when its turns have no `content` and no `reasoning` any more, but for the winning proposal; none unless `council prune` took them out."
    )
    created_by: str | None = strawberry.field(
        description="Who asked for it; none where callers are anonymous."
    )
    cancelled_by: str | None = strawberry.field(
        resolver=authors.cancelled_by, description=authors.CANCELLED
    )
    resumptions: int = strawberry.field(
        description="How many times a process took it up again after another had left it."
    )

    @classmethod
    def named(cls, identifier: str) -> Deliberation:
        """Show one of which nothing but its id is asked for, and so nothing was read."""
        return cls.of(cast("Any", _Named(identifier)))

    @strawberry.field(description="What it is about.")
    def task(self) -> task_types.Task:
        return task_types.Task.of(self.source.task)

    @strawberry.field(description="Who deliberates, as it is now.")
    async def council(self, info: Info) -> council_types.Council:
        council = await council_types.council(info, self.source.council_id)
        if council is None:
            msg = f"{self.id} was held by {self.source.council_id}, which is not in the graph"
            raise LookupError(msg)
        return council

    @strawberry.field(description="The seats as they were when it was accepted.")
    def seats(self) -> list[agents.Seat]:
        return [agents.Seat.recorded_of(seat) for seat in self.source.seats]

    @strawberry.field(
        description="Why nothing is moving, in words: no process has room, an endpoint is down, Neo4j was away."
    )
    async def waiting_for(self, info: Info) -> str | None:
        if self.source.status.ended:
            return None
        ports, loaders = info.context.ports, info.context.loaders
        obstacles = ports.docket.obstacles(self.source.id)
        found: list[councils.Model | None] = []
        holding = None
        if obstacles is None and self.source.status is deliberations.Status.RUNNING:
            found = await loaders.models.load_many({seat.model.id for seat in self.source.seats})
            holding = await loaders.holdings.load(self.source.id)
        return availability.waiting_for(
            self.source,
            {model.id: model for model in found if model is not None},
            ports.watch.health,
            service_waits_for=ports.service.waiting_for,
            obstacles=obstacles,
            holding=holding,
        )

    @strawberry.field(
        description="The one that failed or was cancelled, and whose task it is about."
    )
    async def retry_of(self, info: Info) -> Deliberation | None:
        retries = await info.context.loaders.retries.load(self.id)
        if retries is None or retries.of is None:
            return None
        old = await info.context.loaders.deliberations.load(retries.of)
        return None if old is None else Deliberation.of(old)

    @strawberry.field(description="The new deliberations on the same task, oldest first.")
    async def retries(self, info: Info) -> list[Deliberation]:
        retries = await info.context.loaders.retries.load(self.id)
        if retries is None:
            return []
        found = await info.context.loaders.deliberations.load_many(retries.by)
        return [Deliberation.of(retry) for retry in found if retry is not None]

    @strawberry.field(description="How far it has come.")
    async def progress(self, info: Info) -> Progress:
        table = await table_of(info.context, self.source, brief=True)
        return Progress.of(reading.progress(self.source, table.reading))

    @strawberry.field(description="The tokens of all its turns.")
    def usage(self) -> Usage:
        return Usage.of(self.source.usage)

    @strawberry.field(description="What its agents said, oldest first.")
    async def turns(
        self,
        info: Info,
        *,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        kinds: Kinds = None,
    ) -> Connection[turn_types.Turn]:
        page = page_request(first, after, last, before, is_key=_is_sequence)
        return turn_types.turns_page(await _table_below(info, self.source), page, kinds)

    @strawberry.field(
        description="The standing proposal of each seat, best first once there is a verdict."
    )
    async def proposals(self, info: Info) -> list[turn_types.Proposal]:
        return turn_types.standing(await _table_below(info, self.source))

    @strawberry.field(description="What it came to; none until it is decided.")
    async def verdict(self, info: Info) -> verdicts.Verdict | None:
        table = await _table_below(info, self.source)
        outcome = table.reading.outcome
        return None if outcome is None else verdicts.Verdict.of(outcome, table)


async def table_of(
    context: Context, deliberation: deliberations.Deliberation, *, brief: bool = False
) -> turn_types.Table:
    """Read what had been said when the deliberation was read, once for everything that is asked of it; `brief`: without the words."""
    asked = as_of(deliberation, brief=brief)
    return turn_types.Table(deliberation, await context.loaders.readings.load(asked))


async def _table_below(info: Info, deliberation: deliberations.Deliberation) -> turn_types.Table:
    return await table_of(info.context, deliberation, brief=_WORDS.isdisjoint(asked_below(info)))


async def deliberations_page(
    info: Info, page: PageRequest, where: DeliberationFilter
) -> Connection[Deliberation]:
    """Read a page of deliberations, together with the same page of other lists that are asked for beside it."""
    loaders = info.context.loaders
    found: Page[deliberations.Deliberation] = Page(items=())
    if not only_counted(info):
        seated = not asked_of(info, "edges", "node") <= _WITHOUT_SEATS
        # A turn leads back to its deliberation, and so to the task.
        leads_back = "deliberation" in asked_below(info)
        brief = not leads_back and asked_of(info, "edges", "node", "task") <= task_types.BRIEF
        asked = DeliberationPage(page, where, seated, brief)
        found = await loaders.deliberation_pages.load(asked)
    return connection(
        found,
        node=Deliberation.of,
        key=lambda deliberation: deliberation.id,
        count=lambda: loaders.deliberation_counts.load(where),
    )


def _is_sequence(key: str) -> bool:
    return key.isascii() and key.isdecimal() and len(key) < len(str(2**53))
