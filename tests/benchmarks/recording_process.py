"""A process that records turns as the service does, without models: `record` alone, or `all` that belongs to it.

python -m tests.benchmarks.recording_process record|all DELIBERATIONS
It says when it is ready, is told to go, and says what it did.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import logging
import socket
import sys
import time
from collections import Counter
from functools import partial

import uvloop
from typing_extensions import override

from orchestrator.domain.deliberations import StopReason
from orchestrator.domain.ids import Prefix
from orchestrator.engine.patience import until_available
from orchestrator.engine.ports import Held
from orchestrator.engine.recorder import Recorder
from orchestrator.graph.deliberations import GraphDeliberations
from tests.benchmarks.bench import graph_here
from tests.benchmarks.processes import say, told
from tests.support.deliberating import LEASE, a_verdict, all_turns, an_order, fresh, recordings

_AT_ONCE = 64
_ACCEPTING = 4
_STEP = 3
_CONTENT = ("It is as long as it was told to be. " * 29)[:1024]
_ROLES = ("DEV", "QA", "ARCHITECT", "DEVOPS", "DATA")


class _Retries(logging.Handler):
    """Counts what the driver says of transactions that it runs again."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.reasons: Counter[str] = Counter()

    @override
    def emit(self, record: logging.LogRecord) -> None:
        arguments = record.args if isinstance(record.args, tuple) else ()
        error = arguments[-1] if arguments else record.msg
        self.reasons[str(getattr(error, "code", type(error).__name__))] += 1


class _Work:
    """What one process does."""

    def __init__(self, deliberations: GraphDeliberations, count: int) -> None:
        self._deliberations = deliberations
        self._recorder = Recorder(deliberations)
        self._process = fresh(Prefix.PROCESS)
        self._orders = [
            an_order(role) for role, _ in zip(itertools.cycle(_ROLES), range(count), strict=False)
        ]
        self._held: list[Held] = []
        self.turns = 0

    async def enter(self) -> None:
        """Write this process into the graph."""
        await self._deliberations.enter(self._process, socket.gethostname(), LEASE)

    async def accept(self) -> None:
        """Have all accepted."""

        async def one_after_the_other() -> None:
            while self._orders:
                order = self._orders.pop()
                await until_available(partial(self._deliberations.accept, order))

        async with asyncio.TaskGroup() as group:
            for _ in range(_ACCEPTING):
                group.create_task(one_after_the_other())

    async def claim(self, room: int) -> int:
        """Claim what there is, up to `room`, and return how many."""
        held = await until_available(
            lambda: self._deliberations.claim(self._process, room, frozenset())
        )
        self._held += held
        return len(held)

    async def record(self, *, deciding: bool) -> None:
        """Record the turns of all that is held, so many deliberations at once."""

        async def one_after_the_other() -> None:
            while self._held:
                await self._take(self._held.pop(), deciding=deciding)

        recording = asyncio.create_task(self._recorder.run())
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(_AT_ONCE):
                    group.create_task(one_after_the_other())
        finally:
            recording.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await recording

    async def everything(self) -> None:
        """Accept, and meanwhile claim, record and decide whatever anybody has had accepted."""
        accepting = asyncio.create_task(self.accept())
        while True:
            over = accepting.done()
            if await self.claim(_AT_ONCE):
                await self.record(deciding=True)
            elif over:
                break
        await accepting

    async def _take(self, held: Held, *, deciding: bool) -> None:
        turns = [
            dataclasses.replace(turn, content=_CONTENT) for turn in all_turns(held.deliberation)
        ]
        sequence = 0
        for first in range(0, len(turns), _STEP):
            step = turns[first : first + _STEP]
            recorded = await asyncio.gather(*map(self._recorder.record, recordings(held, step)))
            sequence = max(turn.sequence or 0 for turn in recorded)
        self.turns += len(turns)
        if deciding and not await until_available(
            lambda: self._deliberations.decide(
                held, sequence, a_verdict(turns), StopReason.COMPLETED
            )
        ):
            raise AssertionError(f"{held.deliberation} was not decided")


async def main(how: str, count: int) -> None:
    """Do it once."""
    retries = _Retries()
    logging.getLogger("neo4j.session").addHandler(retries)
    async with graph_here() as graph:
        work = _Work(GraphDeliberations(graph), count)
        await work.enter()
        if how == "record":
            await work.accept()
            await work.claim(count)
        say(ready=True)
        await told()
        cpu, began = time.process_time(), time.perf_counter()
        await (work.everything() if how == "all" else work.record(deciding=False))
        say(
            turns=work.turns,
            seconds=time.perf_counter() - began,
            cpu=time.process_time() - cpu,
            retried=retries.reasons,
        )


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2])))
