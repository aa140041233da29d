"""A graph that tells what each statement cost, and what a plan does."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping
from typing import Any, cast

from neo4j import AsyncManagedTransaction, Record
from typing_extensions import override

from orchestrator.graph.driver import Graph
from orchestrator.graph.statements import statement

Plan = Mapping[str, Any]


def operators(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield the operators of a plan, each with what it is applied to, in Neo4j's words."""
    own: str = plan["operatorType"]
    arguments: Mapping[str, Any] = plan["args"]
    yield own.partition("@")[0], arguments.get("Details", "")
    for child in cast("list[Plan]", plan.get("children", [])):
        yield from operators(child)


class ProfiledGraph(Graph):
    """Runs each statement under PROFILE and keeps the db hits of its last run, by its name."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph.driver, graph.address, graph.database, graph.bounds)
        self.hits: dict[str, int] = {}
        self.operators: dict[str, set[str]] = {}

    @override
    async def read(self, name: str, /, **parameters: Any) -> list[Record]:
        return await self._profile(name, parameters)

    @override
    async def write(self, name: str, /, **parameters: Any) -> list[Record]:
        return await self._profile(name, parameters)

    @override
    async def stream(
        self, name: str, /, *, seconds: float | None = None, **parameters: Any
    ) -> AsyncGenerator[Record, None]:
        for record in await self._profile(name, parameters):
            yield record

    async def _profile(self, name: str, parameters: Mapping[str, Any]) -> list[Record]:
        async def work(transaction: AsyncManagedTransaction) -> tuple[list[Record], Plan]:
            result = await transaction.run("PROFILE " + statement(name), dict(parameters))
            records = [record async for record in result]
            profile = cast("Plan | None", (await result.consume()).profile)
            assert profile is not None
            return records, profile

        async with self.driver.session(database=self.database) as session:
            records, profile = await session.execute_write(work)
        self.hits[name] = _hits(profile)
        self.operators[name] = {operator for operator, _ in operators(profile)}
        return records


def _hits(plan: Plan) -> int:
    children: list[Plan] = plan.get("children", [])
    hits: int = plan["dbHits"]
    return hits + sum(_hits(child) for child in children)
