"""What the fields of one operation read together."""

from __future__ import annotations

import asyncio

import pytest

from orchestrator.api.loaders import Loaders
from tests.support.samples import a_council
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
