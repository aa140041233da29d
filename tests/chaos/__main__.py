"""Chaos: `python -m tests.chaos --minutes 10 --seed 7`.

Three processes of the service on one Neo4j and one model server, and callers who keep ordering deliberations, while
everything is killed, paused, cut and restarted at random. Then all of it is made whole, and what is promised is held
against the graph and against the model server's log. Exit code 1 where something does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import random
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table

from orchestrator.domain.errors import CouncilError
from orchestrator.local.neo4j import stop_leftover
from tests.chaos.calling import Callers, Watch
from tests.chaos.faults import Chaos, Fault
from tests.chaos.judging import Evidence, Found, Row, found_in, judge, read_log
from tests.chaos.reading import Readers
from tests.chaos.world import DATABASE, LEASE_SECONDS, World, open_world
from tests.support.ending import end_in_order
from tests.support.neo4j import statement
from tests.support.service_process import COMMAND

_FOLDER = Path("build/chaos").absolute()
_OWNED_SECONDS = 30.0
_END_SECONDS = 120.0
_SHOWN = 10
"""Of what speaks against a promise."""


def main() -> int:
    """Read the command line, and do it."""
    end_in_order()
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="for how long (10)")
    parser.add_argument("--seed", type=int, help="the same order of faults again; none: a new one")
    options = parser.parse_args()
    seed: int = random.SystemRandom().randrange(1_000_000) if options.seed is None else options.seed
    console = Console(width=None if sys.stdout.isatty() else 150, highlight=False)
    console.print(f"SEED={seed} MINUTES={options.minutes:g}")
    # Of a Neo4j that was killed the driver has much to say.
    logging.getLogger("neo4j").setLevel(logging.CRITICAL)
    began = time.monotonic()

    def tell(line: str) -> None:
        sys.stderr.write(f"{time.monotonic() - began:7.1f} s  {line}\n")

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            evidence = runner.run(_run(60 * options.minutes, seed, tell))
    except KeyboardInterrupt:
        return 130
    except CouncilError as error:
        tell(str(error))
        return 1
    rows = judge(evidence)
    console.print(_table_of_faults(evidence.faults))
    console.print(_table_of_promises(rows))
    broken = [row for row in rows if not row.holds]
    for row in broken:
        console.print(f"\n{row.promise}: {len(row.against)}")
        for line in row.against[:_SHOWN]:
            console.print(f"    {line}", markup=False)
    if broken:
        console.print(f"\nSEED={seed}. The logs are in {_FOLDER.relative_to(Path.cwd())}.")
    return 1 if broken else 0


async def _run(seconds: float, seed: int, tell: Callable[[str], None]) -> Evidence:
    await stop_leftover(_FOLDER)
    await asyncio.to_thread(shutil.rmtree, _FOLDER, ignore_errors=True)
    _FOLDER.mkdir(parents=True)
    async with open_world(_FOLDER, tell) as world:
        watch = Watch(world)
        callers = Callers(world, watch, random.Random(f"callers {seed}"))  # noqa: S311 - no secret
        readers = Readers(world, random.Random(f"readers {seed}"))  # noqa: S311 - as above
        chaos = Chaos(world, random.Random(seed), tell)  # noqa: S311 - as above
        ending = asyncio.Event()
        watching = asyncio.create_task(watch.keep_looking())
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(callers.keep_ordering(ending))
                tasks.create_task(readers.keep_reading(ending))
                await chaos.reign(seconds)
                ending.set()
            tell("all is whole again; waiting for the ends")
            after_faults = await _look_until(world, _owned, _OWNED_SECONDS)
            await _look_until(world, _over, _END_SECONDS)
        finally:
            watching.cancel()
            await asyncio.wait([watching])
        if not watching.cancelled():
            watching.result()
        doctor = await _doctor(world)
        return Evidence(
            accepted=callers.accepted,
            cancelled=callers.cancelled,
            after_faults=after_faults,
            # After the doctor: Neo4j shows a commit piece by piece, and the last end was only just seen.
            at_end=await _look(world),
            asked=read_log(world.model_log),
            recorded=watch.recorded,
            faults=chaos.done,
            kills=chaos.kills,
            exits=chaos.exits,
            broken=watch.broken,
            unexpected=callers.unexpected + readers.unexpected,
            read=readers.read,
            contradictions=readers.contradictions,
            doctor=doctor,
            lease=LEASE_SECONDS,
        )


async def _look_until(
    world: World, holds: Callable[[Sequence[Found]], bool], seconds: float
) -> list[Found]:
    """Look until it holds, or for so long; what is then not as it should be is judged."""
    until = time.monotonic() + seconds
    while True:
        found = await _look(world)
        if holds(found) or time.monotonic() > until:
            return found
        await asyncio.sleep(1)


async def _look(world: World) -> list[Found]:
    rows = await world.driver.execute_query(
        statement("chaos/list_deliberations"), database_=DATABASE
    )
    return [found_in(row.data()) for row in rows.records]


def _owned(found: Sequence[Found]) -> bool:
    return all(one.ended or one.alive for one in found)


def _over(found: Sequence[Found]) -> bool:
    return all(one.ended and not one.held for one in found)


async def _doctor(world: World) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        COMMAND,
        "doctor",
        env={**os.environ, **world.server.environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, warned = await process.communicate()
    code = await process.wait()
    return code, (said or warned).decode().strip()


def _table_of_faults(faults: Sequence[Fault]) -> Table:
    table = Table(title="What was done", title_justify="left")
    table.add_column("fault")
    table.add_column("times", justify="right")
    for kind, times in Counter(fault.kind for fault in faults).most_common():
        table.add_row(kind, str(times))
    return table


def _table_of_promises(rows: Sequence[Row]) -> Table:
    table = Table(title="What came of it", title_justify="left")
    for name in ("promise", "found", "holds"):
        table.add_column(name)
    for row in rows:
        table.add_row(row.promise, row.found, "yes" if row.holds else f"NO: {len(row.against)}")
    return table


if __name__ == "__main__":
    sys.exit(main())
