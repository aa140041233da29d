"""SIGKILL at random moments, twenty times, while several deliberations go on, with token budgets and without.

A moment is a number of messages between the service and Neo4j, so that a slow machine meets the same ones.
"""

from __future__ import annotations

import asyncio
import os
import random
from dataclasses import dataclass, field

import httpx
import pytest

from orchestrator.graph.doctor import examine
from orchestrator.graph.driver import Graph
from tests.support.evidence import faults
from tests.support.model_behaviour import Behaviour
from tests.support.scene import ROLES, Scene
from tests.support.service_process import AnsweredError, ServiceProcess
from tests.support.waiting import until

pytestmark = [pytest.mark.faults, pytest.mark.neo4j, pytest.mark.timeout(900)]

_KILLS = 20
_AT_ONCE = 4
_BUDGETS = ((2_000, 5_000), (2_000, 40_000), (2_000, 40_000))
"""From how many tokens to how many, by turns, and then none: the first are too few for any deliberation, of the others most are enough."""
_SEED = "COUNCIL_FAULT_SEED"

_SPEAKING = Behaviour(latency=0.02, pace=0.004, pieces=60, length=600)
"""Answers of 60 tokens and 150 of a prompt."""

_SHOWN = "query Shown($id: ID!) { deliberation(id: $id) { tokenBudget tokensSpent } }"


@dataclass(slots=True)
class _Caller:
    """Keeps deliberations coming, some with a budget, and asks again with the same key where no answer came."""

    scene: Scene
    chance: random.Random
    budgets: dict[str, int] = field(default_factory=dict)
    """Of what was accepted, by ids."""
    made: int = 0
    unanswered: list[tuple[int, int | None]] = field(default_factory=list)
    """Numbers, with budgets."""

    async def order(self, service: ServiceProcess, count: int) -> None:
        """Send what has no answer yet and so many new ones, all at once."""
        fresh = [(number, self._budget(number)) for number in range(self.made, self.made + count)]
        self.made += count
        waiting, self.unanswered = [*self.unanswered, *fresh], []
        async with asyncio.TaskGroup() as tasks:
            for number, budget in waiting:
                tasks.create_task(self._send(service, number, budget))

    def _budget(self, number: int) -> int | None:
        place = number % (len(_BUDGETS) + 1)
        return self.chance.randint(*_BUDGETS[place]) if place < len(_BUDGETS) else None

    async def _send(self, service: ServiceProcess, number: int, budget: int | None) -> None:
        role = ROLES[number % len(ROLES)]
        more = {} if budget is None else {"tokenBudget": budget}
        try:
            accepted = await self.scene.deliberate(service, role, key=f"order {number}", **more)
        except httpx.TransportError:
            self.unanswered.append((number, budget))
        except AnsweredError as error:
            if error.codes != ["UNAVAILABLE"]:
                raise
            self.unanswered.append((number, budget))
        else:
            if budget is not None:
                self.budgets[accepted] = budget


async def test_after_twenty_kills_at_random_moments_all_is_decided_once_and_no_budget_is_exceeded(
    scene: Scene, empty_graph: Graph
) -> None:
    seed = int(os.environ.get(_SEED, "20261123"))
    print(f"{_SEED}={seed}")  # noqa: T201
    chance = random.Random(seed)  # noqa: S311 - no secret
    scene.model.behaviour = _SPEAKING
    # One answer in some is cut off, so that attempts fail as well.
    scene.model.script(Behaviour(cut_after=9, pieces=60, length=600), turn="*-c1-s2*", attempts=1)
    caller = _Caller(scene, chance)
    service = await scene.start(COUNCIL_LEASE_SECONDS="300")
    for number in range(_KILLS):
        if number and chance.random() < 0.25:
            # While it starts: it may have reached the graph, claimed, or nothing yet.
            await _pass(scene, chance.randint(1, 80))
        else:
            await service.ready()
            unended = [one for one in (await scene.look()).deliberations if not one.ended]
            room = max(0, _AT_ONCE - len(unended) - len(caller.unanswered))
            ordering = asyncio.create_task(caller.order(service, room))
            await _pass(scene, chance.randint(1, 120))
            await service.kill()
            await ordering
        crash = await scene.crash(service, f"kill {number + 1}")
        print(  # noqa: T201
            f"{crash.point}: {len(crash.recorded)} turns recorded, {crash.under_way} under way"
        )
        await service.start()
    await service.ready()
    await caller.order(service, 0)
    assert caller.unanswered == []
    seen = await scene.all_ended(90)
    ended_early = {
        id_ for id_ in caller.budgets if seen.deliberation(id_).stop_reason == "TOKEN_BUDGET"
    }
    decided = seen.without(ended_early)
    accepted = set(scene.accepted) - ended_early
    assert faults(decided, accepted=accepted, log=scene.log, crashes=scene.crashes) == []
    await _judge_budgets(scene, service, caller.budgets)
    # Some were enough, and some were not.
    assert 0 < len(ended_early) < len(caller.budgets)
    assert len(set(scene.accepted)) == caller.made == len(seen.deliberations)
    assert await examine(empty_graph) == ()
    # It was not killed at its rest.
    assert sum(1 for crash in scene.crashes if crash.under_way) >= 3


async def _judge_budgets(scene: Scene, service: ServiceProcess, budgets: dict[str, int]) -> None:
    """Hold what is said to be spent against what the model server counted."""
    used = scene.used()
    assert {id_: used[id_] for id_ in budgets if used[id_] > budgets[id_]} == {}
    for id_, budget in budgets.items():
        shown = (await service.ask(_SHOWN, id=id_))["deliberation"]
        assert shown["tokenBudget"] == budget
        assert used[id_] <= shown["tokensSpent"] <= budget


async def _pass(scene: Scene, messages: int) -> None:
    """Wait until so many more messages have come to the proxy."""
    enough = scene.proxy.messages + messages
    await until(lambda: scene.proxy.messages >= enough, 60)
