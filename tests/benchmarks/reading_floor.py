"""The floor of a read: its statements by the bare driver, one after the other, and nothing made of what they return.

It is told {"statements": [[name, parameters], ...], "at_once", "seconds"} a line at a time, and says the same as `asking`.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import uvloop

from orchestrator.domain.errors import CouncilError
from orchestrator.graph.driver import Graph
from tests.benchmarks.bench import graph_here
from tests.benchmarks.processes import say, told


async def main() -> None:
    """Read whenever told to."""
    async with graph_here() as graph:
        while (order := await told()) is not None:
            times: list[float] = []
            failures: list[str] = []
            used, began = time.process_time(), time.perf_counter()

            async with asyncio.TaskGroup() as group:
                for _ in range(order["at_once"]):
                    until = began + order["seconds"]
                    group.create_task(_read(graph, order["statements"], until, times, failures))
            say(
                times=times,
                failed=len(failures),
                failure=failures[0] if failures else "",
                elapsed=time.perf_counter() - began,
                cpu=time.process_time() - used,
            )


async def _read(
    graph: Graph, statements: list[Any], until: float, times: list[float], failures: list[str]
) -> None:
    while (sent := time.perf_counter()) < until:
        try:
            for name, parameters in statements:
                await graph.read(name, **parameters)
        except CouncilError as error:
            # Such as of a Neo4j whose memory the peer's last requests still have.
            failures.append(str(error))
        else:
            times.append(1000 * (time.perf_counter() - sent))


if __name__ == "__main__":
    uvloop.run(main())
