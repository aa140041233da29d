"""The same calls as a LangGraph that keeps its checkpoints in Postgres: what the service is measured beside.

    python deliberations.py POSTGRES-CONNINFO

First it is told {"url", "steps"}: where the model server takes completions, and the bodies of the calls, by step and
seat. Then {"count", "at_once"} a line at a time, and it says when each deliberation began and ended, as the floor does.

One node a call, so that each answer is kept as it comes; the nodes of a step run at the same time; a channel for each
answer, and one edge to each node, so that the least is written. A saver lets one statement through at a time, so that
there are several, over one pool as the documentation has it. Everything else is LangGraph's default.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import AsyncExitStack
from itertools import count, cycle
from typing import Any, TypedDict

import httpx
import uvloop
from httpx_aiohttp import AiohttpTransport
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.graph import START, StateGraph
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

_CONNECTIONS = 20
_SAVERS = 8
"""With one, a third fewer deliberations a second; with more than these, no more."""


def content_of(stream: bytes) -> str:
    """Put an answer's pieces together."""
    pieces = (
        json.loads(line.removeprefix(b"data: "))
        for line in stream.splitlines()
        if line.startswith(b"data: {")
    )
    return "".join(
        choice["delta"].get("content") or "" for piece in pieces for choice in piece["choices"]
    )


def node(client: httpx.AsyncClient, url: str, name: str, body: bytes) -> Any:
    """Make the node that makes one call."""

    async def ask(_: dict[str, str], config: RunnableConfig) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            "X-Request-Id": f"{config['configurable']['thread_id']}-{name}",
        }
        response = await client.post(url, content=body, headers=headers)
        response.raise_for_status()
        return {name: content_of(response.content)}

    return ask


def graph_of(client: httpx.AsyncClient, url: str, steps: list[list[str]]) -> StateGraph[Any]:
    """Lay out all steps; a step begins when the one before it has ended, whichever edges there are."""
    names = [[f"{step}_{seat}" for seat in range(len(bodies))] for step, bodies in enumerate(steps)]
    state: Any = TypedDict("State", {name: str for step in names for name in step}, total=False)  # type: ignore[misc]
    graph: StateGraph[Any] = StateGraph(state)
    before = [START] * len(names[0])
    for step, bodies in zip(names, steps, strict=True):
        for name, body in zip(step, bodies, strict=True):
            graph.add_node(f"ask_{name}", node(client, url, name, body.encode()))
        for one, name in zip(before, step, strict=True):
            graph.add_edge(one, f"ask_{name}")
        before = [f"ask_{name}" for name in step]
    return graph


async def told() -> dict[str, Any] | None:
    """Wait for a line from whoever started this process; none at the end."""
    line = await asyncio.to_thread(sys.stdin.readline)
    return json.loads(line) if line else None


def say(**what: Any) -> None:
    """Print a line to whoever started this process."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


async def main(postgres: str) -> None:
    """Run so many deliberations, so many at once, whenever told to."""
    setting = await told() or {}
    numbers = count(1)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            httpx.AsyncClient(transport=AiohttpTransport(), timeout=60, trust_env=False)
        )
        pool = await stack.enter_async_context(
            AsyncConnectionPool(
                postgres,
                max_size=_CONNECTIONS,
                kwargs={"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row},
                open=False,
            )
        )
        layout = graph_of(client, setting["url"], setting["steps"])
        savers = [AsyncPostgresSaver(pool) for _ in range(_SAVERS)]
        await savers[0].setup()
        graphs = cycle([layout.compile(checkpointer=saver) for saver in savers])

        async def work(left: list[None], times: list[tuple[float, float]]) -> None:
            while left:
                left.pop()
                config = {"configurable": {"thread_id": f"{next(numbers):032}"}}
                began = time.perf_counter()
                state = await next(graphs).ainvoke({}, config)
                times.append((began, time.perf_counter()))
                if len(state) != sum(map(len, setting["steps"])):
                    raise AssertionError(f"answers are missing: {sorted(state)}")

        say(ready=True)
        while (order := await told()) is not None:
            times: list[tuple[float, float]] = []
            left: list[None] = [None] * order["count"]
            used = time.process_time()
            async with asyncio.TaskGroup() as group:
                for _ in range(order["at_once"]):
                    group.create_task(work(left, times))
            say(times=times, cpu=time.process_time() - used)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
