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
_WITH_DEADLINE = 0.15
_WITH_BUDGET = 0.3
_BUDGETS = (2_000, 40_000)
"""Tokens, from too few for a verdict to enough for one, whatever happens."""
_CANCELLED = 0.2
_LATEST_CANCEL_SECONDS = 2.0
_RETRIED = 0.3
"""Shares, of all and the last of those that were cancelled."""
_DESCRIPTION = "Write a function that adds two numbers."

_CANCEL = """
mutation Cancel($input: CancelDeliberationInput!) {
  cancelDeliberation(input: $input) { deliberation { status } errors { __typename message path } }
}
"""
_RETRY = """
mutation Retry($input: RetryDeliberationInput!) {
  retryDeliberation(input: $input) { deliberation { id } errors { __typename message path } }
}
"""


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
    cancelled: set[str] = field(default_factory=set)
    """Of which a caller was told that they are."""
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
            key = f"order {self._made}"
            accepted = await self._order(key)
            if self.chance.random() < _CANCELLED:
                await asyncio.sleep(self.chance.uniform(0, _LATEST_CANCEL_SECONDS))
                if await self._cancel(accepted) and self.chance.random() < _RETRIED:
                    accepted = await self._retry(accepted, f"{key} retried")
            while accepted not in self.watch.ended and not ending.is_set():  # noqa: ASYNC110 - in another process
                await asyncio.sleep(_WAIT_SECONDS)

    async def _order(self, key: str) -> str:
        """Have one accepted, whoever does it."""
        order: dict[str, Any] = {
            "council": {"role": self.chance.choice(ROLES)},
            "task": {"description": _DESCRIPTION},
            "idempotencyKey": key,
        }
        if self.chance.random() < _WITH_DEADLINE:
            order["deadlineSeconds"] = self.chance.randint(1, 15)
        if self.chance.random() < _WITH_BUDGET:
            order["tokenBudget"] = self.chance.randint(*_BUDGETS)
        payload = await self._insist("deliberate", DELIBERATE, order)
        return self._accepted(key, payload)

    async def _cancel(self, id_: str) -> bool:
        """Cancel it, and say whether it is; another end may have been first."""
        payload = await self._insist("cancelDeliberation", _CANCEL, {"id": id_})
        if payload["errors"]:
            return False
        self.cancelled.add(id_)
        return True

    async def _retry(self, id_: str, key: str) -> str:
        given = {"id": id_, "idempotencyKey": key}
        return self._accepted(key, await self._insist("retryDeliberation", _RETRY, given))

    def _accepted(self, key: str, payload: dict[str, Any]) -> str:
        id_: str = payload["deliberation"]["id"]
        self.accepted[key] = id_
        return id_

    async def _insist(self, mutation: str, document: str, given: dict[str, Any]) -> dict[str, Any]:
        """Send it to one process after the other until it is answered."""
        while True:
            replica: Replica = self.chance.choice(self.world.replicas)
            try:
                payload = (await replica.service.ask(document, input=given))[mutation]
            except httpx.TransportError:
                pass
            except AnsweredError as error:
                if error.codes != ["UNAVAILABLE"]:
                    self.unexpected.append(f"{mutation} of {given}: {error}")
            else:
                # To a cancel it is an answer that another end was first.
                if mutation == "cancelDeliberation" and _conflicts(payload):
                    return payload
                if not payload["errors"]:
                    return payload
                self.unexpected.append(f"{mutation} of {given}: {payload['errors']}")
            self.repeated += 1
            await asyncio.sleep(_WAIT_SECONDS)


def _conflicts(payload: dict[str, Any]) -> bool:
    return [error["__typename"] for error in payload["errors"]] == ["Conflict"]
