"""An agent who is read while its model is changed for another has one or the other."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import pytest
from neo4j import Record
from typing_extensions import override

from orchestrator.domain.councils import Agent
from orchestrator.domain.deliberations import Deliberation
from orchestrator.domain.errors import UnreadableError
from orchestrator.domain.pages import PageRequest
from orchestrator.graph.councils import Councils
from orchestrator.graph.deliberations import GraphDeliberations
from orchestrator.graph.driver import Graph
from orchestrator.graph.records import GraphRecords
from tests.integration.graph.conftest import Run
from tests.support.deliberating import an_order

pytestmark = pytest.mark.neo4j

NAME = "dev-agent-1"


class _Changing(Graph):
    """Shows agents, so many times, as they are while Neo4j writes into its store whom they speak with: they have no model yet."""

    times: int = 2
    looks: int = 0

    @override
    async def read(self, name: str, /, **parameters: Any) -> list[Record]:
        rows = await super().read(name, **parameters)
        self._change(rows)
        return rows

    @override
    async def stream(
        self, name: str, /, *, seconds: float | None = None, **parameters: Any
    ) -> AsyncGenerator[Record, None]:
        rows = [row async for row in super().stream(name, seconds=seconds, **parameters)]
        self._change(rows)
        for row in rows:
            yield row

    def _change(self, rows: list[Record]) -> None:
        self.looks += 1
        if self.looks <= self.times:
            for row in rows:
                for agent in _agents(row):
                    agent[5] = None


def _agents(row: Record) -> list[list[Any]]:
    """The lists of agents in a row, whatever it is of."""
    if (told := row.get("told")) is not None:
        return [seat[-1] for seat in told[2]]
    if (agents := row.get("agents")) is not None:
        return agents
    if (seats := row.get("seats")) is not None:
        return [seat[-1] for seat in seats]
    return [seat[-1] for seat in row["seats"]]


def _seated(deliberation: Deliberation) -> list[Agent]:
    return [seat.agent for seat in deliberation.seats]


async def _by_id(graph: Graph, agent: str, _: str) -> list[Agent]:
    return list((await Councils(graph).agents_by_id([agent])).values())


async def _by_name(graph: Graph, *_: str) -> list[Agent]:
    found = await Councils(graph).agent_by_name(NAME)
    return [] if found is None else [found]


async def _listed(graph: Graph, *_: str) -> list[Agent]:
    return list((await Councils(graph).agents(PageRequest(limit=20))).items)


async def _of_deliberations(graph: Graph, _: str, deliberation: str) -> list[Agent]:
    return _seated((await GraphRecords(graph).deliberations_by_id([deliberation]))[deliberation])


async def _loaded(graph: Graph, _: str, deliberation: str) -> list[Agent]:
    return _seated((await GraphDeliberations(graph).load(deliberation)).deliberation)


READS: list[Callable[[Graph, str, str], Awaitable[list[Agent]]]] = [
    _by_id,
    _by_name,
    _listed,
    _of_deliberations,
    _loaded,
]


@pytest.mark.parametrize("read", READS)
async def test_agent_whose_model_is_being_changed_is_read_again(
    seeded: Councils, read: Callable[[Graph, str, str], Awaitable[list[Agent]]]
) -> None:
    graph = seeded.graph
    changing = _Changing(graph.driver, graph.address, graph.database, graph.bounds)
    sought = await seeded.agent_by_name(NAME)
    assert sought is not None
    deliberation = (await GraphDeliberations(graph).accept(an_order("DEV"))).deliberation

    found = await read(changing, sought.id, deliberation)

    assert [agent.model.name for agent in found if agent.id == sought.id] == [sought.model.name]
    assert changing.looks == 3


@pytest.mark.parametrize("read", READS)
async def test_agent_without_a_model_for_good_cannot_be_read_and_is_named(
    seeded: Councils, run: Run, read: Callable[[Graph, str, str], Awaitable[list[Agent]]]
) -> None:
    sought = await seeded.agent_by_name(NAME)
    assert sought is not None
    deliberation = (await GraphDeliberations(seeded.graph).accept(an_order("DEV"))).deliberation
    await run("unspeak", agent=NAME)

    with pytest.raises(UnreadableError, match=sought.id):
        await read(seeded.graph, sought.id, deliberation)
