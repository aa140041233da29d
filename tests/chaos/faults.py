"""What is done to the world, one fault after the other in an order that the seed decides; several go on at once."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

from tests.chaos.world import LEASE_SECONDS, Replica, World
from tests.support import neo4j_faults


class Kind(StrEnum):
    """What happens."""

    KILL = "process killed"
    KILL_AGAIN = "process killed, and again while it starts"
    END = "process ended in order"
    PAUSE = "process paused for longer than its lease"
    CUT = "connections to Neo4j cut"
    PART = "Neo4j out of a process's reach"
    SLOW = "connections to Neo4j slow"
    MODEL_KILL = "model server killed"
    MODEL_HANG = "model server hung, then killed"
    NEO4J_KILL = "Neo4j killed"
    NEO4J_PAUSE = "Neo4j paused for longer than the lease"
    NEO4J_END = "Neo4j restarted in order"


_DECK = {
    Kind.KILL: 10,
    Kind.KILL_AGAIN: 2,
    Kind.END: 4,
    Kind.PAUSE: 4,
    Kind.CUT: 5,
    Kind.PART: 3,
    Kind.SLOW: 3,
    Kind.MODEL_KILL: 2,
    Kind.MODEL_HANG: 2,
    Kind.NEO4J_KILL: 1,
    Kind.NEO4J_PAUSE: 1,
    Kind.NEO4J_END: 1,
}
"""How often each comes before all of them come again. Neo4j is seldom: nothing moves until it has started."""

WHOLE_DECK = sum(_DECK.values())
"""So many faults are each kind of them once, whatever the seed."""

_LONGEST_GAP = 4.0

_LONGEST_DELAY = 0.2
"""Seconds of each message either way: a claim's answer, and with it a deadline, comes up to twice as late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happened to whom, from when until when by time.time()."""

    kind: Kind
    victim: str
    began: float
    ended: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """A SIGKILL, from when it was sent until the process was gone, by time.time()."""

    victim: str
    began: float
    ended: float


class Chaos:
    """Does it, and writes down what it did."""

    def __init__(self, world: World, chance: random.Random, tell: Callable[[str], None]) -> None:
        self.done: list[Fault] = []
        self.kills: list[Kill] = []
        self.exits: list[int] = []
        """Of those that were ended in order."""
        self._world = world
        self._chance = chance
        self._tell = tell
        self._acts: dict[Kind, Callable[[Replica, float], Awaitable[None]]] = {
            Kind.KILL: self._kill,
            Kind.KILL_AGAIN: self._kill_again,
            Kind.END: self._end,
            Kind.PAUSE: self._pause,
            Kind.CUT: self._cut,
            Kind.PART: self._part,
            Kind.SLOW: self._slow,
            Kind.MODEL_KILL: self._kill_model,
            Kind.MODEL_HANG: self._hang_model,
            Kind.NEO4J_KILL: self._kill_neo4j,
            Kind.NEO4J_PAUSE: self._pause_neo4j,
            Kind.NEO4J_END: self._end_neo4j,
        }

    async def reign(self, seconds: float) -> None:
        """Do one after the other for so long; return when all is whole again."""
        until = time.monotonic() + seconds
        deck: list[Kind] = []
        async with asyncio.TaskGroup() as under_way:
            while True:
                if not deck:
                    deck = [kind for kind, times in _DECK.items() for _ in range(times)]
                    self._chance.shuffle(deck)
                # All that chance decides is drawn here, so that it follows from the seed however long anything takes.
                kind, victim = deck.pop(), self._chance.choice(self._world.replicas)
                extent, gap = self._chance.random(), self._chance.uniform(0, _LONGEST_GAP)
                await asyncio.sleep(gap)
                place = self._place(kind, victim)
                await place.acquire()
                if time.monotonic() > until:
                    place.release()
                    return
                under_way.create_task(self._do(kind, victim, extent, place))

    def _place(self, kind: Kind, victim: Replica) -> asyncio.Lock:
        """Return what is to be whole when this begins."""
        if kind.name.startswith("NEO4J"):
            return self._world.neo4j_busy
        return self._world.model_busy if kind.name.startswith("MODEL") else victim.busy

    async def _do(self, kind: Kind, victim: Replica, extent: float, place: asyncio.Lock) -> None:
        name = victim.name if place is victim.busy else kind.name.partition("_")[0].lower()
        began = time.time()
        self._tell(f"{kind}: {name}")
        try:
            await self._acts[kind](victim, extent)
        finally:
            place.release()
            self.done.append(Fault(kind=kind, victim=name, began=began, ended=time.time()))

    async def _kill(self, victim: Replica, extent: float) -> None:
        await self._send_kill(victim)
        # Of three, one starts again before its lease has run out, one at once, one after it was taken over.
        await asyncio.sleep(2 * LEASE_SECONDS * max(0.0, extent - 0.3))
        await victim.service.start()

    async def _kill_again(self, victim: Replica, extent: float) -> None:
        await self._send_kill(victim)
        await victim.service.start()
        await asyncio.sleep(3 * extent)
        await self._send_kill(victim)
        await victim.service.start()

    async def _send_kill(self, victim: Replica) -> None:
        began = time.time()
        await victim.service.kill()
        self.kills.append(Kill(victim=victim.name, began=began, ended=time.time()))

    async def _end(self, victim: Replica, extent: float) -> None:
        listens = await victim.service.readiness() is not None
        code = await victim.service.stop()
        # One that has not yet come to listen has nothing to end in order.
        if listens:
            self.exits.append(code)
        await asyncio.sleep(2 * extent)
        await victim.service.start()

    async def _pause(self, victim: Replica, extent: float) -> None:
        victim.service.freeze()
        try:
            await asyncio.sleep(LEASE_SECONDS * (1.2 + extent))
        finally:
            victim.service.thaw()

    async def _cut(self, victim: Replica, extent: float) -> None:
        for _ in range(1 + round(3 * extent)):
            victim.proxy.cut()
            await asyncio.sleep(0.2 * extent)

    async def _part(self, victim: Replica, extent: float) -> None:
        async with self._refused(victim):
            await asyncio.sleep(2 * LEASE_SECONDS * extent)

    @asynccontextmanager
    async def _refused(self, victim: Replica) -> AsyncGenerator[None]:
        victim.proxy.refuse()
        victim.proxy.cut()
        try:
            yield
        finally:
            await victim.proxy.admit()

    async def _slow(self, victim: Replica, extent: float) -> None:
        victim.proxy.delay = _LONGEST_DELAY * extent
        try:
            await asyncio.sleep(LEASE_SECONDS * (1 + extent))
        finally:
            victim.proxy.delay = 0.0

    async def _kill_model(self, _: Replica, extent: float) -> None:
        await self._world.model.stop()
        await asyncio.sleep(2 * extent)
        await self._world.model.listen()

    async def _hang_model(self, victim: Replica, extent: float) -> None:
        self._world.model.hung = True
        await asyncio.sleep(3 * extent)
        self._world.model.hung = False
        await self._kill_model(victim, 0)

    async def _kill_neo4j(self, _: Replica, extent: float) -> None:
        await neo4j_faults.kill(self._world.own)
        await asyncio.sleep(LEASE_SECONDS * extent)
        await neo4j_faults.restart(self._world.own)

    async def _pause_neo4j(self, _: Replica, extent: float) -> None:
        await neo4j_faults.pause(self._world.own)
        try:
            await asyncio.sleep(LEASE_SECONDS * (1.2 + extent))
        finally:
            await neo4j_faults.go_on(self._world.own)

    async def _end_neo4j(self, _: Replica, _extent: float) -> None:
        await neo4j_faults.restart(self._world.own)
