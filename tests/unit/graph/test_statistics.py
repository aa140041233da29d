"""Statistics of a long history keep Neo4j busy for seconds: few are counted at once, and the others wait for their turn."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from orchestrator.domain.statistics import Period
from orchestrator.graph.records import GraphRecords
from tests.support.waiting import until


class Counting:
    """A graph that counts nothing before it is told to, and how many wait for that at once."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.at_once = 0
        self.most = 0

    async def read(self, name: str, /, *, periods: list[Any]) -> list[Any]:
        assert name == "council/read_statistics"
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await self.go_on.wait()
        self.at_once -= 1
        return [{"statistics": [[0, 0, 0, 0, None, None, 0, 0, 0, 0] for _ in periods]}]


async def test_of_however_many_statistics_are_asked_for_four_are_counted_at_once() -> None:
    graph = Counting()
    records = GraphRecords(cast("Any", graph))
    periods = [Period(council=f"cou_{number}") for number in range(20)]
    asked = [asyncio.create_task(records.statistics([period])) for period in periods]
    await until(lambda: graph.at_once == 4)
    graph.go_on.set()
    told = await asyncio.gather(*asked)
    assert [set(one) for one in told] == [{period} for period in periods]
    assert graph.most == 4


async def test_who_is_cancelled_while_he_waits_leaves_his_turn_to_the_next() -> None:
    graph = Counting()
    records = GraphRecords(cast("Any", graph))
    asked = [
        asyncio.create_task(records.statistics([Period(council=f"cou_{number}")]))
        for number in range(8)
    ]
    await until(lambda: graph.at_once == 4)
    for one in asked[2:6]:
        one.cancel()
    graph.go_on.set()
    assert len(await asyncio.gather(*asked[:2], *asked[6:])) == 4
