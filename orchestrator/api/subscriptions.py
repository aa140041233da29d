"""The fields of Subscription."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated

import strawberry

from orchestrator.api.context import Info
from orchestrator.api.following import Follow
from orchestrator.api.ids import sought
from orchestrator.api.queries import Id
from orchestrator.api.types.events import DeliberationEvent
from orchestrator.domain.errors import NotFound, RefusedError
from orchestrator.domain.ids import Prefix


@strawberry.type(description="What can be followed.")
class Subscription:
    """What can be followed."""

    @strawberry.subscription(
        description="Replays the events after the sequence given (all where none is), then follows until the deliberation has ended."
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
        known = sought(("id",), id, Prefix.DELIBERATION)
        found = None if known is None else await context.loaders.deliberations.load(known)
        if found is None:
            raise RefusedError(
                NotFound(message="no deliberation has this id", path=("id",), sought=id)
            )
        # What is followed is there, and is read anew from now on: nothing slips between.
        live = context.ports.docket.follow(found.id)
        return Follow(context, found, after).events(live)
