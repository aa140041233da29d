"""How much memory the registry takes in a process that has just read it: `traced` by Python, or `resident`."""

from __future__ import annotations

import asyncio
import gc
import sys
import tracemalloc

from orchestrator.graph.rehydration import rehydrate
from tests.benchmarks.bench import graph_here
from tests.benchmarks.processes import resident_bytes, say


async def main(how: str) -> None:
    """Read it and say by how many bytes the process grew."""
    async with graph_here() as graph:
        await graph.server()
        if how == "traced":
            tracemalloc.start()
        gc.collect()
        before = _bytes(how)
        registry = await rehydrate(graph)
        gc.collect()
        say(bytes=_bytes(how) - before, councils=len(registry.councils))


def _bytes(how: str) -> int:
    return tracemalloc.get_traced_memory()[0] if how == "traced" else resident_bytes()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
