"""Waiting for the end of a deliberation with a query."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from orchestrator.api.context import Context
from orchestrator.api.schema import SCHEMA
from orchestrator.api.timing import Time
from orchestrator.domain.deliberations import Status
from orchestrator.engine.events import Moved
from tests.support.samples import ANYBODY, a_deliberation, play
from tests.support.waiting import until
from tests.unit.api.conftest import Api
from tests.unit.api.doubles import House

WAIT = 'query ($wait: Int) { deliberation(id: "dlb_1", wait: $wait) { status } }'
MOVED = Moved(deliberation="dlb_1")
CHANGED = Moved(deliberation="dlb_1", changed=True)


@pytest.fixture
def running(house: House) -> House:
    house.archive.keep(a_deliberation())
    return house


async def begun(api: Api, house: House, wait: int = 60) -> asyncio.Task[dict[str, Any]]:
    """Ask, and come back once that waits."""
    asked = asyncio.create_task(api.ask(WAIT, {"wait": wait}))
    await until(lambda: bool(house.office.followers))
    return asked


async def test_end_is_answered_when_it_comes(api: Api, running: House) -> None:
    asked = await begun(api, running)
    running.office.post("dlb_1", MOVED, CHANGED, MOVED)
    await until(running.office.idle)
    assert not asked.done()
    running.archive.keep(*play(a_deliberation()))
    running.office.post("dlb_1", CHANGED)

    assert await asked == {"deliberation": {"status": "DECIDED"}}
    # Once at first, and where the status was another one.
    assert running.archive.names == ["deliberation"] * 3


async def test_end_of_the_time_shows_it_as_it_is(api: Api, running: House) -> None:
    asked = await begun(api, running, wait=1)
    running.archive.keep(a_deliberation(status=Status.RUNNING))

    assert await asked == {"deliberation": {"status": "RUNNING"}}
    assert running.archive.names == ["deliberation"] * 2


async def test_process_that_is_told_to_end_answers_at_once(api: Api, running: House) -> None:
    asked = await begun(api, running)
    running.state.told_to_end.set()

    assert await asked == {"deliberation": {"status": "RUNNING"}}


@pytest.mark.parametrize("wait", [None, 0])
async def test_without_a_time_nothing_is_waited_for(
    api: Api, running: House, wait: int | None
) -> None:
    assert await api.ask(WAIT, {"wait": wait}) == {"deliberation": {"status": "RUNNING"}}
    assert running.office.followers == {}


async def test_what_has_ended_or_is_not_there_is_not_waited_for(api: Api, house: House) -> None:
    assert await api.ask(WAIT, {"wait": 60}) == {"deliberation": None}
    house.archive.keep(*play(a_deliberation()))
    assert await api.ask(WAIT, {"wait": 60}) == {"deliberation": {"status": "DECIDED"}}


async def test_what_is_removed_meanwhile_is_waited_for_no_longer(api: Api, running: House) -> None:
    asked = await begun(api, running)
    running.archive.kept.clear()
    running.office.post("dlb_1", CHANGED)

    assert await asked == {"deliberation": None}


@pytest.mark.parametrize("wait", [-1, 61, 2**31 - 1])
async def test_time_out_of_bounds_is_refused(api: Api, running: House, wait: int) -> None:
    error = await api.fail(WAIT, {"wait": wait})

    assert error["message"] == f"wait must be from 0 to 60, and is {wait}"
    assert (error["extensions"]["code"], error["extensions"]["path"]) == ("INVALID_INPUT", ["wait"])
    assert running.office.followers == {}


async def test_caller_who_hangs_up_is_not_waited_for(running: House) -> None:
    gone = asyncio.Event()

    async def hung_up() -> None:
        await gone.wait()

    asked = asyncio.create_task(
        SCHEMA.execute(
            WAIT,
            variable_values={"wait": 60},
            context_value=Context(running.ports(), ANYBODY, hung_up),
        )
    )
    await until(lambda: bool(running.office.followers))
    gone.set()
    await asked

    assert running.archive.names == ["deliberation"]


@pytest.mark.usefixtures("running")
async def test_operation_that_is_carried_out_anew_does_not_wait_anew(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it is where something else in it went wrong; all of it is as old as its beginning."""
    monkeypatch.setattr(Time, "age", 60.0)

    assert await api.ask(WAIT, {"wait": 60}) == {"deliberation": {"status": "RUNNING"}}
