"""How far deliberations go beyond their token budgets while processes are killed and answers are cut off, by the model server's own count."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import httpx

from orchestrator.domain.ids import turn_named
from orchestrator.graph.driver import Graph
from tests.benchmarks.bench import Bench, statement
from tests.benchmarks.processes import started
from tests.benchmarks.quiet_service import QuietService
from tests.benchmarks.results import Figure, Report, load
from tests.support.scene import DELIBERATE, ROLES

_SEED = 7
_LEAST, _MOST = 2_000, 20_000
"""Tokens of a budget: from too few for a verdict to enough for one."""

_CUT = {
    "turn": "*-c1-s2*",
    "attempts": 1,
    "behaviour": {"cut_after": 20, "pieces": 200, "length": 1600},
}
"""Of the second seat, the first answer to each critique is cut off."""

_LONGEST_GAP = 1.5
_END_SECONDS = 180.0
_LOOK_SECONDS = 0.2


async def measure(bench: Bench) -> Report:
    """Have many deliberated, each with a budget, and kill the process again and again while they are."""
    before = load()
    count, kills = (20, 2) if bench.quick else (200, 20)
    chance = random.Random(_SEED)  # noqa: S311 - no secret
    log = bench.home("budget") / "model.jsonl"
    async with AsyncExitStack() as stack:
        speaking = ("--latency", "0.05", "--pace", "0.002", "--pieces", "200", "--length", "1600")
        model = await stack.enter_async_context(
            started(
                *(sys.executable, "-m", "tests.support.model_server"),
                *(*speaking, "--log", str(log)),
                says=True,
            )
        )
        async with httpx.AsyncClient() as http:
            script = f"{model.said.removesuffix('/v1')}/script"
            (await http.post(script, json=[_CUT])).raise_for_status()
        graph = await stack.enter_async_context(bench.empty_graph())
        service = await stack.enter_async_context(
            QuietService(
                home=bench.home("budget"),
                environment={
                    **bench.server.environment,
                    "VLLM_URL": model.said,
                    "VLLM_MODEL": "tiny",
                    "COUNCIL_CONCURRENCY": "32",
                },
            )
        )
        await service.ready()
        budgets: dict[str, int] = {}
        for number in range(count):
            tokens = chance.randint(_LEAST, _MOST)
            order = {
                "council": {"role": ROLES[number % len(ROLES)]},
                "task": {"description": "Write a function that adds two numbers."},
                "tokenBudget": tokens,
            }
            payload = (await service.ask(DELIBERATE, input=order))["deliberate"]
            budgets[payload["deliberation"]["id"]] = tokens
        for _ in range(kills):
            await asyncio.sleep(chance.uniform(0.1, _LONGEST_GAP))
            await service.kill()
            await service.start()
            await service.ready()
        spent, ends = await _ended(graph, count)
    used = _used(log)
    excess = [100 * max(0, used[id_] - tokens) / tokens for id_, tokens in budgets.items()]
    kept = [100 * used[id_] / spent[id_] for id_ in budgets if spent[id_]]
    return Report(
        name="budget",
        figures=(
            Figure(what="used beyond the budget", unit="%", values=tuple(excess), target="0"),
            Figure(
                what="used beyond the budget, in the mean",
                unit="%",
                values=(sum(excess) / len(excess),),
            ),
            Figure(what="used, of what counts as spent", unit="%", values=tuple(kept)),
        ),
        remarks=(
            f"{count} deliberations with budgets of {_LEAST:,} to {_MOST:,} tokens, {kills} kills of the one process; it ended with {_told(ends)}.",
            "Used is what the model server counted: prompts and answers of all attempts, cut off or not.",
            "What was in flight when a process died counts as spent whole: that is why less is used than spent.",
        ),
        load_before=before,
        load_after=load(),
    )


async def _ended(graph: Graph, count: int) -> tuple[dict[str, int], Counter[str]]:
    """Wait until all have ended; return what each has as spent, and how they ended."""
    async with asyncio.timeout(_END_SECONDS):
        while True:
            rows = (await graph.driver.execute_query(statement("show_spent"))).records
            if len(rows) == count:
                break
            await asyncio.sleep(_LOOK_SECONDS)
    spent = {row["id"]: row["spent"] for row in rows}
    return spent, Counter(row["stopReason"] for row in rows)


def _used(log: Path) -> Counter[str]:
    """Sum up the model server's log by deliberation."""
    calls: dict[tuple[str, int], int] = {}
    for text in log.read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        calls[line["id"], line["attempt"]] = line["tokens"]
    used: Counter[str] = Counter()
    for (turn, _), tokens in calls.items():
        named = turn_named(turn)
        if named is not None:
            used[named[0]] += tokens
    return used


def _told(ends: Mapping[str, int]) -> str:
    return ", ".join(f"{times} {end}" for end, times in sorted(ends.items()))
