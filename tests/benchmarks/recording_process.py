"""A process that records turns as the service does, without models: `record` alone, or `all` that belongs to it.

python -m tests.benchmarks.recording_process record|all
It is told {"prepare": how many deliberations}, says when it is ready, is told to go, and says what it did; again and again.
"""

from __future__ import annotations

import asyncio
import contextlib
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
from orchestrator.domain.values import replace
from orchestrator.engine.patience import until_available
from orchestrator.engine.ports import Conclusion, Held
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

    def __init__(self, deliberations: GraphDeliberations) -> None:
        self._deliberations = deliberations
        self._recorder = Recorder(deliberations)
        self._process = fresh(Prefix.PROCESS)
        self._held: list[Held] = []
        self._left: list[str] = []
        """What has its turns and was not to be decided: it is held still."""

    async def enter(self) -> None:
        """Write this process into the graph."""
        await self._deliberations.enter(self._process, socket.gethostname(), LEASE)

    async def accept(self, count: int) -> None:
        """Have so many accepted."""
        orders = [
            an_order(role) for role, _ in zip(itertools.cycle(_ROLES), range(count), strict=False)
        ]

        async def one_after_the_other() -> None:
            while orders:
                order = orders.pop()
                await until_available(partial(self._deliberations.accept, order))

        async with asyncio.TaskGroup() as group:
            for _ in range(_ACCEPTING):
                group.create_task(one_after_the_other())

    async def claim(self, room: int) -> int:
        """Claim what there is, up to `room`, and return how many."""
        held = await until_available(
            lambda: self._deliberations.claim(self._process, room, frozenset(), self._left)
        )
        self._held += held
        return len(held)

    async def record(self, *, deciding: bool) -> int:
        """Record the turns of all that is held, so many deliberations at once, and return how many they were."""
        turns = 0

        async def one_after_the_other() -> None:
            nonlocal turns
            while self._held:
                taken = await self._take(self._held.pop(), deciding=deciding)
                turns += taken

        recording = asyncio.create_task(self._recorder.run())
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(_AT_ONCE):
                    group.create_task(one_after_the_other())
        finally:
            recording.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await recording
        return turns

    async def everything(self, count: int) -> int:
        """Accept so many, and meanwhile claim, record and decide whatever anybody has had accepted; return the turns."""
        turns = 0
        accepting = asyncio.create_task(self.accept(count))
        while True:
            over = accepting.done()
            if await self.claim(_AT_ONCE):
                turns += await self.record(deciding=True)
            elif over:
                break
        await accepting
        return turns

    async def _take(self, held: Held, *, deciding: bool) -> int:
        turns = [replace(turn, content=_CONTENT) for turn in all_turns(held.deliberation)]
        conclusion = Conclusion(
            # The claim was the first.
            sequence=1 + len(turns),
            verdict=a_verdict(turns),
            stop_reason=StopReason.COMPLETED,
        )
        decided = False
        for first in range(0, len(turns), _STEP):
            step = recordings(held, turns[first : first + _STEP])
            if deciding and first + _STEP >= len(turns):
                step[-1] = replace(step[-1], conclusion=conclusion)
            written = await asyncio.gather(*map(self._recorder.record, step))
            decided = any(one.decided for one in written)
        if decided is not deciding:
            raise AssertionError(f"{held.deliberation}: decided is {decided}")
        if not deciding:
            self._left.append(held.deliberation)
        return len(turns)


async def main(how: str) -> None:
    """Do it until nothing more is told."""
    retries = _Retries()
    logging.getLogger("neo4j.session").addHandler(retries)
    async with graph_here() as graph:
        work = _Work(GraphDeliberations(graph))
        await work.enter()
        while (order := await told()) is not None:
            if how == "record":
                await work.accept(order["prepare"])
                await work.claim(order["prepare"])
            say(ready=True)
            await told()
            cpu, began = time.process_time(), time.perf_counter()
            if how == "record":
                turns = await work.record(deciding=False)
            else:
                turns = await work.everything(order["prepare"])
            say(
                turns=turns,
                seconds=time.perf_counter() - began,
                cpu=time.process_time() - cpu,
                retried=retries.reasons,
            )
            retries.reasons.clear()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
