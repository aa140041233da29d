"""The fields of Subscription."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated

import strawberry

from orchestrator.api.context import Context, Info
from orchestrator.api.following import Follow
from orchestrator.api.ids import sought
from orchestrator.api.queries import Id
from orchestrator.api.scopes import READ
from orchestrator.api.types import filters
from orchestrator.api.types.changes import DeliberationChange
from orchestrator.api.types.councils import Council
from orchestrator.api.types.deliberations import Deliberation
from orchestrator.api.types.endpoints import Endpoint
from orchestrator.api.types.events import DeliberationEvent
from orchestrator.domain import councils
from orchestrator.domain.errors import InvalidInput, NotFound, RefusedError, UnavailableError
from orchestrator.domain.ids import Prefix
from orchestrator.engine import changes


@strawberry.type(description="What can be followed.")
class Subscription:
    """What can be followed."""

    @strawberry.subscription(
        directives=[READ],
        description="Replays the events after the sequence given (all where none is), then follows until the deliberation has ended.",
    )
    async def deliberation_events(
        self,
        info: Info,
        id: Id,
        after: Annotated[
            int | None,
            strawberry.argument(description="The sequence of the last event that is known."),
        ] = None,
    ) -> AsyncGenerator[DeliberationEvent, None]:
        context = info.context
        if after is not None and after < 0:
            raise RefusedError(
                InvalidInput(message=f"after must be 0 or more, and is {after}", path=("after",))
            )
        known = sought(("id",), id, Prefix.DELIBERATION)
        found = None if known is None else await context.ports.records.deliberation(known)
        if found is None:
            raise RefusedError(
                NotFound(message="no deliberation has this id", path=("id",), sought=id)
            )
        # What is followed is there, and is read anew from now on: nothing slips between.
        live = context.ports.docket.follow(found.id)
        return Follow(context, found, after).events(live)

    @strawberry.subscription(
        directives=[READ],
        description="Deliberations that come to another status, from now on. Sent where the old or the new status matches the filter. Whoever was cut off reads the list again: what happened meanwhile is not sent later.",
    )
    async def deliberation_changes(
        self,
        info: Info,
        filter: Annotated[
            filters.DeliberationFilter | None, strawberry.argument(description="Which.")
        ] = None,
    ) -> AsyncGenerator[DeliberationChange, None]:
        where = filters.deliberations(filter)
        _refuse_unready(info.context)
        return _deliberations(info.context, info.context.ports.changes.deliberations(where))

    @strawberry.subscription(
        directives=[READ],
        description="Councils made, changed, archived and restored. From now on, each as it is then; of several changes within a second one is sent.",
    )
    async def council_changes(self, info: Info) -> AsyncGenerator[Council, None]:
        _refuse_unready(info.context)
        return _councils(info.context, info.context.ports.changes.councils())

    @strawberry.subscription(
        directives=[READ],
        description="Endpoints registered, changed, and found to be up, down or to serve other models by the process that answers, from now on. One that was removed comes a last time, with the status UNKNOWN.",
    )
    async def endpoint_changes(self, info: Info) -> AsyncGenerator[Endpoint, None]:
        return _endpoints(info.context, info.context.ports.watch.changes())


def _refuse_unready(context: Context) -> None:
    """Refuse to listen to a graph that was not migrated yet, or that is away: nobody would be told anything."""
    service = context.ports.service
    if service.waiting_for is not None and not service.ending:
        raise UnavailableError(f"the service is not ready; it waits for {service.waiting_for}")


async def _deliberations(
    context: Context, told: AsyncIterator[changes.DeliberationChange]
) -> AsyncGenerator[DeliberationChange, None]:
    async for change in told:
        await context.give_way()
        context.share(change)
        deliberation = change.deliberation
        context.loaders.deliberations.prime(deliberation.id, deliberation)
        yield DeliberationChange(
            at=change.transition.at,
            previous=change.transition.previous,
            status=change.transition.status,
            deliberation=Deliberation.of(deliberation),
        )


async def _councils(
    context: Context, told: AsyncIterator[councils.Council]
) -> AsyncGenerator[Council, None]:
    async for council in told:
        await context.give_way()
        context.share(council)
        context.loaders.know_council(council)
        yield Council.of(council)


async def _endpoints(
    context: Context, told: AsyncIterator[councils.Endpoint]
) -> AsyncGenerator[Endpoint, None]:
    async for endpoint in told:
        await context.give_way()
        context.refresh()
        yield Endpoint.of(endpoint)
