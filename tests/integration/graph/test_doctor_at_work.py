"""The doctor beside a service that is at work."""

from __future__ import annotations

import asyncio
from itertools import chain

import pytest

from orchestrator.graph import doctor
from orchestrator.graph.councils import Councils
from orchestrator.graph.deliberations import GraphDeliberations
from orchestrator.graph.doctor import examine, rules
from tests.support.deliberating import LEASE, all_turns, an_order, recordings

pytestmark = [pytest.mark.neo4j]

MANY = 200
"""The longer the doctor looks, the more happens meanwhile."""


async def test_what_is_at_work_while_it_is_looked_at_breaks_no_rule(
    seeded: Councils, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_events = {"sequence_not_whole", "usage_miscounted", "epoch_without_claim"}
    judged = tuple(rule for rule in rules() if rule.name in of_events)
    monkeypatch.setattr(doctor, "rules", lambda: judged)
    deliberations = GraphDeliberations(seeded.graph)
    await deliberations.enter("prc_many", "host", LEASE)
    await asyncio.gather(*(deliberations.accept(an_order()) for _ in range(MANY)))
    held = await deliberations.claim("prc_many", MANY, (), ())
    turns = [recordings(one, all_turns(one.deliberation)) for one in held]
    await deliberations.record(list(chain.from_iterable(turns)))

    async def at_work(process: str) -> None:
        await deliberations.enter(process, "host", LEASE)
        while True:
            await deliberations.accept(an_order())
            for one in await deliberations.claim(process, 1, (), ()):
                for turn in recordings(one, all_turns(one.deliberation)):
                    await deliberations.record([turn])
                await deliberations.cancel(one.deliberation, None)

    working = [asyncio.create_task(at_work(f"prc_{number}")) for number in range(4)]
    try:
        found = [violation for _ in range(60) for violation in await examine(seeded.graph)]
    finally:
        for worker in working:
            worker.cancel()
        ended = await asyncio.gather(*working, return_exceptions=True)
    assert found == []
    assert all(isinstance(one, asyncio.CancelledError) for one in ended)
