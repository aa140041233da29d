"""Callers who keep ordering deliberations, ask again with the same key until they are answered, and look at what came of it."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import Any

import httpx
from neo4j.exceptions import DriverError, Neo4jError

from tests.chaos.world import DATABASE, Replica, World
from tests.support.neo4j import statement
from tests.support.scene import DELIBERATE, ROLES
from tests.support.service_process import AnsweredError

_CALLERS = 16
_LOOK_SECONDS = 1.0
_WAIT_SECONDS = 0.3
_DESCRIPTION = "Write a function that adds two numbers."


@dataclass(slots=True)
class Watch:
    """What has been seen in the graph, and when at the latest it was there, by time.time()."""

    world: World
    recorded: dict[str, float] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)
    """Processes that ended unasked."""

    async def keep_looking(self) -> None:
        """Look again and again; while Neo4j is away there is nothing to see."""
        while True:
            for replica in self.world.replicas:
                if told := await replica.restart_if_ended():
                    self.broken.append(told)
            try:
                async with asyncio.timeout(10):
                    await self.look()
            except (Neo4jError, DriverError, OSError, TimeoutError):
                pass
            await asyncio.sleep(_LOOK_SECONDS)

    async def look(self) -> None:
        """Look once."""
        found = await self.world.driver.execute_query(
            statement("chaos/list_recorded"), database_=DATABASE
        )
        now = time.time()
        [record] = found.records
        self.ended.update(record["ended"])
        for turn in record["turns"]:
            self.recorded.setdefault(turn, now)


@dataclass(slots=True)
class Callers:
    """Sixteen of them; `accepted` is what they were answered for, by key."""

    world: World
    watch: Watch
    chance: random.Random
    accepted: dict[str, str] = field(default_factory=dict)
    unexpected: list[str] = field(default_factory=list)
    """Answers that are none of what the API promises."""
    repeated: int = 0
    """Requests that were sent again, since no answer or UNAVAILABLE came."""
    _made: int = 0

    async def keep_ordering(self, ending: asyncio.Event) -> None:
        """Order until it ends; return when each is answered."""
        async with asyncio.TaskGroup() as callers:
            for _ in range(_CALLERS):
                callers.create_task(self._keep_ordering(ending))

    async def _keep_ordering(self, ending: asyncio.Event) -> None:
        while not ending.is_set():
            self._made += 1
            accepted = await self._order(f"order {self._made}")
            while accepted not in self.watch.ended and not ending.is_set():  # noqa: ASYNC110 - in another process
                await asyncio.sleep(_WAIT_SECONDS)

    async def _order(self, key: str) -> str:
        """Have one accepted, whoever does it."""
        order: dict[str, Any] = {
            "council": {"role": self.chance.choice(ROLES)},
            "task": {"description": _DESCRIPTION},
            "idempotencyKey": key,
        }
        if self.chance.random() < 0.15:
            order["deadlineSeconds"] = self.chance.randint(1, 15)
        payload = await self._insist("deliberate", DELIBERATE, order)
        accepted = self.accepted[key] = payload["deliberation"]["id"]
        return accepted

    async def _insist(self, field_: str, document: str, given: dict[str, Any]) -> dict[str, Any]:
        """Send it to one process after the other until it is answered."""
        while True:
            replica: Replica = self.chance.choice(self.world.replicas)
            try:
                payload = (await replica.service.ask(document, input=given))[field_]
            except httpx.TransportError:
                pass
            except AnsweredError as error:
                if error.codes != ["UNAVAILABLE"]:
                    self.unexpected.append(f"{field_} of {given}: {error}")
            else:
                if payload["errors"]:
                    self.unexpected.append(f"{field_} of {given}: {payload['errors']}")
                if payload.get("deliberation") is not None:
                    return payload
            self.repeated += 1
            await asyncio.sleep(_WAIT_SECONDS)
