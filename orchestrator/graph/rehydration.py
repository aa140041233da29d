"""From the graph to the registry, at each start, in one statement."""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import aclosing, contextmanager
from typing import Any, cast

from orchestrator.domain.councils import Council
from orchestrator.engine.registry import Registry
from orchestrator.graph.again import read_readable
from orchestrator.graph.council_rows import Rows
from orchestrator.graph.driver import Graph

_TOGETHER = 100
"""Councils in one row of the answer: some 100 KB, so that it still comes in a stream."""


async def rehydrate(graph: Graph) -> Registry:
    """Read every serving council with seats, agents, models and endpoints.

    Archived councils are left out: nothing is dispatched to them, and what shows them reads the graph.

    Endpoints, models and councils are read one after the other, and other processes go on meanwhile: what a council names may have come
    after models were read. Then all of it is read again.

    Raises:
        UnreadableError: that was so each time.
    """
    with _without_collections():
        return await read_readable(lambda: _read(graph))


async def _read(graph: Graph) -> Registry:
    rows = Rows()
    councils: dict[str, Council] = {}
    async with aclosing(graph.stream("council/rehydrate", together=_TOGETHER)) as records:
        async for record in records:
            kind, items = record["kind"], cast("list[list[Any]]", record["items"])
            if kind == "council":
                for item in items:
                    council = rows.rehydrated(*item)
                    councils[council.id] = council
            elif kind == "model":
                for item in items:
                    rows.model(item)
            else:
                for item in items:
                    rows.endpoint(item)
    return Registry(councils=councils)


@contextmanager
def _without_collections() -> Generator[None, None, None]:
    """Spare the collector from going through what is built here over and over: nothing of it becomes garbage."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
