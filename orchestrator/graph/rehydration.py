"""From the graph to the registry, at each start, in one statement."""

from __future__ import annotations

from typing import Any, cast

from orchestrator.domain.councils import Council
from orchestrator.engine.registry import Registry
from orchestrator.graph.council_rows import Rows
from orchestrator.graph.driver import Graph


async def rehydrate(graph: Graph) -> Registry:
    """Read every serving council with seats, agents, models and endpoints.

    Archived councils are left out: nothing is dispatched to them, and what shows them reads the graph.
    """
    rows = Rows()
    councils: dict[str, Council] = {}
    async for record in graph.stream("council/rehydrate"):
        kind, item = cast("tuple[str, list[Any]]", cast("object", record.values()))
        if kind == "council":
            council = rows.seated(*item)
            councils[council.id] = council
        elif kind == "model":
            rows.model(item)
        else:
            rows.endpoint(item)
    return Registry(councils=councils, models=rows.models, endpoints=rows.endpoints)
