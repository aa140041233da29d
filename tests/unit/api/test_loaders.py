"""What the fields of one operation read together."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from orchestrator.api.loaders import DeliberationPage, Loaders
from orchestrator.domain.filters import DeliberationFilter
from orchestrator.domain.pages import PageRequest
from tests.support.samples import a_council, a_deliberation
from tests.unit.api.doubles import House


async def test_a_field_that_is_cancelled_takes_nothing_from_another_that_waits_for_the_same() -> (
    None
):
    house = House()
    council = a_council("dev")
    house.registry.add(council)
    ports = house.ports()
    loaders = Loaders(ports.councils, ports.records)

    async def read() -> object:
        return await loaders.councils.load(council.id)

    one, other = asyncio.create_task(read()), asyncio.create_task(read())
    await asyncio.sleep(0)
    one.cancel()
    with pytest.raises(asyncio.CancelledError):
        await one

    assert await other == council


async def test_what_was_read_goes_with_the_loaders_before_any_garbage_is_looked_for() -> None:
    house = House()
    council = a_council("dev")
    deliberation = a_deliberation(council=council)
    house.registry.add(council)
    house.archive.keep(deliberation)
    ports = house.ports()
    loaders = Loaders(ports.councils, ports.records)
    await loaders.councils.load(council.id)
    await loaders.busy.load(council.seats[0].agent.id)
    await loaders.deliberations.load(deliberation.id)
    page = DeliberationPage(PageRequest(), DeliberationFilter(), seated=True, brief=False)
    await loaders.deliberation_pages.load(page)
    # What has been answered is let go of by the loop with its next turn.
    await asyncio.sleep(0)
    everything: list[object] = [
        loaders,
        *(loaders.councils, loaders.councils_without_seats, loaders.agents, loaders.busy),
        *(loaders.deliberations, loaders.deliberation_pages),
    ]
    kept = [weakref.ref(one) for one in everything]

    gc.disable()
    try:
        del loaders, everything
        left = [one() for one in kept]
    finally:
        gc.enable()
    assert left == [None] * len(kept)
