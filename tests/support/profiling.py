"""A graph that tells what each statement cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from neo4j import AsyncManagedTransaction, Record
from typing_extensions import override

from orchestrator.graph.driver import Graph
from orchestrator.graph.statements import statement


class ProfiledGraph(Graph):
    """Runs each statement under PROFILE and keeps the db hits of its last run, by its name."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph.driver, graph.database, graph.bounds)
        self.hits: dict[str, int] = {}
        self.operators: dict[str, set[str]] = {}

    @override
    async def read(self, name: str, /, **parameters: Any) -> list[Record]:
        return await self._profile(name, parameters)

    @override
    async def write(self, name: str, /, **parameters: Any) -> list[Record]:
        return await self._profile(name, parameters)

    async def _profile(self, name: str, parameters: Mapping[str, Any]) -> list[Record]:
        async def work(
            transaction: AsyncManagedTransaction,
        ) -> tuple[list[Record], Mapping[str, Any]]:
            result = await transaction.run("PROFILE " + statement(name), dict(parameters))
            records = [record async for record in result]
            profile = cast("Mapping[str, Any] | None", (await result.consume()).profile)
            assert profile is not None
            return records, profile

        async with self.driver.session(database=self.database) as session:
            records, profile = await session.execute_write(work)
        self.hits[name] = _hits(profile)
        self.operators[name] = _operators(profile)
        return records


def _hits(plan: Mapping[str, Any]) -> int:
    children: list[Mapping[str, Any]] = plan.get("children", [])
    hits: int = plan["dbHits"]
    return hits + sum(_hits(child) for child in children)


def _operators(plan: Mapping[str, Any]) -> set[str]:
    children: list[Mapping[str, Any]] = plan.get("children", [])
    own: str = plan["operatorType"]
    return {own.partition("@")[0]}.union(*(_operators(child) for child in children))
