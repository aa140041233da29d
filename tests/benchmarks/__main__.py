"""Runs the benchmarks: `python -m tests.benchmarks [NAME ...]`."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import time
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import uvloop
from rich.console import Console

from orchestrator import __version__
from orchestrator.domain.errors import CouncilError
from tests.benchmarks import (
    budget,
    cancel,
    deliberation,
    growth,
    persistence,
    pruning,
    reads,
    recording,
    rehydration,
    restart,
    start,
    subscribers,
)
from tests.benchmarks.bench import Measure, open_bench
from tests.benchmarks.results import Report, load
from tests.support.ending import end_in_order
from tests.support.neo4j import Way, prepare


class Benchmark(NamedTuple):
    """What one measures."""

    measure: Measure
    what: str
    steady: bool = False
    """Whether it is about a Neo4j that has run for long: it comes with both of Java's compilers, and is given the time that they take."""


BENCHMARKS: dict[str, Benchmark] = {
    "rehydration": Benchmark(
        rehydration.measure, "reading all councils back, beside a key-value store"
    ),
    "start": Benchmark(start.measure, "from the start of the process to ready"),
    "restart": Benchmark(
        restart.measure, "from a kill of the process to where it had been, and what is done twice"
    ),
    "cancel": Benchmark(
        cancel.measure, "from a cancel to no call in flight, here and in another process"
    ),
    "subscribers": Benchmark(
        subscribers.measure, "what those who wait for news cost the service, over real sockets"
    ),
    "recording": Benchmark(recording.measure, "turns recorded, by one process and by four"),
    "pruning": Benchmark(pruning.measure, "turns recorded with and without a pruning beside it"),
    "budget": Benchmark(budget.measure, "tokens used beyond their budget, over kills"),
    "deliberation": Benchmark(
        deliberation.measure, "deliberations, beside the bare calls", steady=True
    ),
    "persistence": Benchmark(
        persistence.measure,
        "what persistence adds to a deliberation, by the model's time",
        steady=True,
    ),
    "api": Benchmark(
        reads.measure, "what dashboards read, beside @neo4j/graphql on GraphQL Yoga", steady=True
    ),
    # The last: the graph that it leaves takes minutes to be emptied for another.
    "growth": Benchmark(
        growth.measure, "what is done all the time, as the graph grows; bytes on disk"
    ),
}

_LONGEST_SECONDS = 900
"""Of one benchmark: what hangs is given up."""


def main() -> int:
    """Read the command line and measure."""
    end_in_order()
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description="Measures, each thing beside a floor in the same run. Nothing is judged: read the figures together with the load of the machine.",
        epilog="\n".join(f"{name:14}{what}" for name, (_, what, _) in BENCHMARKS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", nargs="*", help="which; none: all of them")
    parser.add_argument(
        "--quick", action="store_true", help="do little: that they run, not what they measure"
    )
    parser.add_argument("--json", type=Path, default=Path("build/benchmarks.json"), metavar="FILE")
    options = parser.parse_args()
    names: list[str] = options.name or list(BENCHMARKS)
    for name in names:
        if name not in BENCHMARKS:
            parser.error(f"there is no benchmark {name}; there are {', '.join(BENCHMARKS)}")
    console = Console(width=None if sys.stdout.isatty() else 140)
    try:
        # Fetching Neo4j takes minutes, once a machine.
        way = prepare(_tell)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            reports, failed = runner.run(_measure(way, names, console, quick=options.quick))
    except KeyboardInterrupt:
        return 130
    except CouncilError as error:
        _tell(str(error))
        return 1
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(
        json.dumps(
            {**_surroundings(), "quick": options.quick, "reports": [r.to_json() for r in reports]},
            indent=2,
        )
        + "\n",
        encoding="utf-8",
    )
    console.print(f"Written to {options.json}.", highlight=False)
    if failed:
        _tell(f"Without {', '.join(failed)}: see above.")
    return 1 if failed else 0


async def _measure(
    way: Way, names: list[str], console: Console, *, quick: bool
) -> tuple[list[Report], list[str]]:
    """Return what was measured, and the names of what could not be."""
    reports: list[Report] = []
    failed: list[str] = []
    for steady, alike in groupby(names, lambda name: BENCHMARKS[name].steady):
        async with open_bench(way, quick=quick, tell=_tell, lasting=steady) as bench:
            for name in alike:
                _tell(f"{name}, at a load of {load():.1f} …")
                began = time.perf_counter()
                try:
                    async with asyncio.timeout(_LONGEST_SECONDS):
                        report = await BENCHMARKS[name].measure(bench)
                except Exception:  # noqa: BLE001 - the others are measured all the same, and this one is told of
                    console.print_exception()
                    failed.append(name)
                else:
                    report.show(console)
                    reports.append(report)
                _tell(f"  {name} took {time.perf_counter() - began:.0f} s.")
    return reports, failed


def _surroundings() -> dict[str, Any]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": __version__,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
