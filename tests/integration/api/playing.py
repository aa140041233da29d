"""What is played through the API: a deliberation is accepted, and the test is the process that runs it."""

from __future__ import annotations

from typing import Any

from orchestrator.domain.deliberations import StopReason
from orchestrator.engine.events import Moved
from orchestrator.engine.ports import Held
from tests.integration.api.conftest import Api
from tests.support.deliberating import LEASE, a_verdict, all_turns, one_more, recordings


async def accept(api: Api, **more: Any) -> str:
    payload = await api.change(
        "deliberate",
        "deliberation { id }",
        council={"role": "DEV"},
        task={
            "description": "Write a cache.",
            "externalId": "JIRA-1",
            "metadata": {"a": [1, None]},
        },
        **more,
    )
    assert payload["errors"] == []
    return payload["deliberation"]["id"]


async def claim(api: Api) -> Held:
    await api.desk.deliberations.enter("prc_test", "host", LEASE)
    return await one_more(api.desk.deliberations, "prc_test")


async def decide(api: Api, held: Held) -> None:
    """Play a deliberation to its end, and tell those who follow."""
    turns = all_turns(held.deliberation)
    moved = Moved(deliberation=held.deliberation)
    for turn in turns:
        await api.desk.deliberations.record(recordings(held, [turn]))
        api.desk.board.post(moved)
    assert await api.desk.deliberations.decide(held, 13, a_verdict(turns), StopReason.COMPLETED)
    api.desk.board.post(moved)
