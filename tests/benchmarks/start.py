"""From the start of the process to ready, with Neo4j up, and what that time is made of."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from collections import defaultdict
from datetime import UTC, datetime

from tests.benchmarks.bench import Bench
from tests.benchmarks.processes import answered
from tests.benchmarks.quiet_service import QuietService
from tests.benchmarks.results import Figure, Report, load

_LOOK_SECONDS = 0.02
_SHOWN = 12
"""Packages whose import is shown."""

_EVENTS = ("graph_reached", "rehydrated", "listening")
_IMPORT = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+([\w.]+)")


async def measure(bench: Bench) -> Report:
    """Start the service on a graph that it knows, again and again."""
    before = load()
    runs = 2 if bench.quick else 11
    environment = {
        **bench.server.environment,
        "VLLM_URL": "http://127.0.0.1:9/v1",
        # As it is for users from the second start on, whatever is set here: modules are compiled already.
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": str(bench.home("bytecode")),
    }
    async with bench.empty_graph():
        pass
    seconds: list[float] = []
    seen: defaultdict[str, list[float]] = defaultdict(list)
    for run in range(runs + 1):
        took, events = await _start(bench, run, environment)
        # The first one seeds the graph and has Neo4j plan its statements.
        if run:
            seconds.append(took)
            for event, at in events.items():
                seen[event].append(at)
    steps: defaultdict[str, list[float]] = defaultdict(list)
    at_home = {**environment, "COUNCIL_HOME": str(bench.home("start-steps"))}
    for _ in range(runs):
        told = await answered("start_steps", repr(time.time()), environment=at_home)
        for step, took in told.items():
            steps[step].append(took)
    packages = [await _packages(environment) for _ in range(1 if bench.quick else 5)]
    slowest = sorted(packages[0], key=lambda name: -packages[0][name])[:_SHOWN]
    return Report(
        name="start",
        figures=(
            Figure(
                what="`council serve` to /readyz 200",
                unit="s",
                values=tuple(seconds),
                target="under 1.5",
            ),
            *(
                Figure(what=f"… its log says `{event}` after", unit="s", values=tuple(seen[event]))
                for event in _EVENTS
            ),
            *(
                Figure(what=f"step: {step}", unit="ms", values=tuple(1000 * one for one in values))
                for step, values in steps.items()
            ),
            *(
                Figure(
                    what=f"import of {name} itself",
                    unit="ms",
                    values=tuple(found.get(name, 0.0) for found in packages),
                )
                for name in slowest
            ),
        ),
        remarks=(
            "Modules are compiled beforehand, as they are for users from the second start on.",
            "The steps are taken one after the other in a process that does nothing else.",
            "An import's time is that of the package's own modules, by python -X importtime, which adds to it.",
        ),
        load_before=before,
        load_after=load(),
    )


async def _start(
    bench: Bench, run: int, environment: dict[str, str]
) -> tuple[float, dict[str, float]]:
    """Return the seconds to ready, and to each event of its log."""
    place = QuietService(home=bench.home(f"start-{run}"), environment=environment)
    spawned, began = datetime.now(UTC), time.perf_counter()
    async with place:
        async with asyncio.timeout(60):
            while not await _ready(place.port):
                place.check_alive()
                await asyncio.sleep(_LOOK_SECONDS)
        took = time.perf_counter() - began
        await place.stop()
    return took, {
        event: (
            datetime.fromisoformat(place.logged(event)[0]["timestamp"]) - spawned
        ).total_seconds()
        for event in _EVENTS
    }


async def _ready(port: int) -> bool:
    """Ask in the cheapest way: an HTTP client would take the time that is measured."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return b" 200 " in await reader.readline()
    except OSError:
        return False
    finally:
        writer.close()


async def _packages(environment: dict[str, str]) -> dict[str, float]:
    """Return the milliseconds that each package's modules took to import, apart from what they import."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-X",
        "importtime",
        "-c",
        "import orchestrator.cli.app, orchestrator.cli.carrying_out, orchestrator.service.serving, orchestrator.api.app, orchestrator.api.listening",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **environment},
    )
    _, told = await process.communicate()
    found: defaultdict[str, float] = defaultdict(float)
    for line in told.decode().splitlines():
        match = _IMPORT.fullmatch(line)
        if match is not None:
            found[match[2].partition(".")[0]] += int(match[1]) / 1000
    return dict(found)
