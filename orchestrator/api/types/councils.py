"""Roles and the councils that serve them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from orchestrator.api.context import Info
from orchestrator.api.ids import Node
from orchestrator.api.pages import After, Before, Connection, First, Last, connection
from orchestrator.api.selections import asked_of, only_counted
from orchestrator.api.shown import Shown
from orchestrator.api.types import agents as agent_types
from orchestrator.api.types import authors, filters, lazy
from orchestrator.api.types.statistics import CouncilStatistics
from orchestrator.domain import councils
from orchestrator.domain.filters import CouncilFilter
from orchestrator.domain.ids import Prefix
from orchestrator.domain.pages import Page, PageRequest
from orchestrator.domain.statistics import Period

_SEATS = "seats"
"""The one field that looks at seats: where it is not asked for, they are not read."""


@strawberry.type(description="What a council is for, such as DEV, QA, ARCHITECT, DEVOPS or DATA.")
class Role(Node, Shown[councils.Role]):
    """A role."""

    name: str = strawberry.field(description="Unique.")
    description: str | None = strawberry.field(description="What it is about.")
    created_by: str | None = strawberry.field(
        resolver=authors.created_by, description=authors.CREATED
    )

    @strawberry.field(
        description="The one council that serves the role now; none where it is archived. A new role has none yet, either."
    )
    async def council(self, info: Info) -> Council | None:
        serving = self.source.council_id
        if serving is None:
            # An archived council's role says nothing of the council that may serve it since.
            role = await info.context.loaders.roles.load(self.id)
            serving = None if role is None else role.council_id
        return None if serving is None else await council(info, serving)


@strawberry.type(
    description="A set of agents that serves, or served until it was archived, a role."
)
class Council(Node, Shown[councils.Council]):
    """A council."""

    name: str = strawberry.field(description="What people call it.")
    protocol: councils.ProtocolName = strawberry.field(
        description="The rules by which its turns follow."
    )
    rounds: int = strawberry.field(description="Rounds of critique and revision.")
    quorum: int = strawberry.field(
        description="How many seats must have a standing proposal for a verdict."
    )
    decision: councils.Decision = strawberry.field(description="Who has the last word.")
    version: int = strawberry.field(description="Goes up by one with every change.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")
    archived_at: datetime | None = strawberry.field(
        description="When it was archived; none while it serves its role."
    )
    created_by: str | None = strawberry.field(
        resolver=authors.created_by, description=authors.CREATED
    )
    updated_by: str | None = strawberry.field(
        resolver=authors.updated_by, description=authors.UPDATED
    )

    @strawberry.field(description="What it serves, or served until it was archived.")
    def role(self) -> Role:
        return Role.of(self.source.role)

    @strawberry.field(description="Its places, in order, with who has them now.")
    def seats(self) -> list[agent_types.Seat]:
        return [agent_types.Seat.of(seat) for seat in self.source.seats]

    @strawberry.field(description="What it has deliberated on, newest first.")
    async def deliberations(
        self,
        info: Info,
        *,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[
            filters.DeliberationFilter | None, strawberry.argument(description="Which.")
        ] = None,
    ) -> Connection[lazy.Deliberation]:
        page = filters.page_by_id(Prefix.DELIBERATION, first, after, last, before)
        where = filters.deliberations(filter, council=self.id)
        return await lazy.deliberations_page(info, page, where)

    @strawberry.field(
        description="What came of the deliberations that it accepted in some time; all of them are read for it, so leave out what is not needed."
    )
    async def statistics(
        self,
        info: Info,
        since: Annotated[
            datetime | None, strawberry.argument(description="Those accepted then or later.")
        ] = None,
        until: Annotated[
            datetime | None, strawberry.argument(description="Those accepted earlier.")
        ] = None,
    ) -> CouncilStatistics:
        period = Period(council=self.id, since=since, until=until)
        counted = await info.context.loaders.statistics.load(period)
        if counted is None:
            msg = f"nothing was counted of {self.id}"
            raise LookupError(msg)
        return CouncilStatistics.of(counted)


async def council(info: Info, identifier: str) -> Council | None:
    """Read a council, with its seats only where they are asked for; none where there is none."""
    loaders = info.context.loaders
    seated = _SEATS in asked_of(info)
    found = await (loaders.councils if seated else loaders.councils_without_seats).load(identifier)
    return None if found is None else Council.of(found)


async def council_of_role(info: Info, role: str) -> Council | None:
    """Read the council that serves a role now, as `council` does."""
    port = info.context.ports.councils
    found = await port.council_by_role(role, seated=_SEATS in asked_of(info))
    return None if found is None else Council.of(found)


async def councils_page(info: Info, page: PageRequest, where: CouncilFilter) -> Connection[Council]:
    """Read a page of councils."""
    port = info.context.ports.councils
    found: Page[councils.Council] = Page(items=())
    if not only_counted(info):
        seated = _SEATS in asked_of(info, "edges", "node")
        found = await port.councils(page, where, seated=seated)
    return connection(
        found,
        node=Council.of,
        key=lambda council: council.id,
        count=lambda: port.count_councils(where),
    )
