"""The floor of a read: its statements by the bare driver, one after the other, and nothing made of what they return.

It is told {"statements": [[name, parameters], ...], "at_once", "seconds"} a line at a time, and says the same as `asking`.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import uvloop

from tests.benchmarks.bench import graph_here
from tests.benchmarks.processes import say, told


async def main() -> None:
    """Read whenever told to."""
    async with graph_here() as graph:
        while (order := await told()) is not None:
            times: list[float] = []
            used, began = time.process_time(), time.perf_counter()

            async def one(order: dict[str, Any], times: list[float], until: float) -> None:
                while (sent := time.perf_counter()) < until:
                    for name, parameters in order["statements"]:
                        await graph.read(name, **parameters)
                    times.append(1000 * (time.perf_counter() - sent))

            async with asyncio.TaskGroup() as group:
                for _ in range(order["at_once"]):
                    group.create_task(one(order, times, began + order["seconds"]))
            say(
                times=times,
                failed=0,
                failure="",
                elapsed=time.perf_counter() - began,
                cpu=time.process_time() - used,
            )


if __name__ == "__main__":
    uvloop.run(main())
