"""How long a call waits in vain: for an endpoint that does not take it, and not for those that go first."""

from __future__ import annotations

import asyncio

import pytest

from orchestrator.domain.errors import ModelError
from orchestrator.vllm.admission import Errand
from orchestrator.vllm.breaker import Trouble
from orchestrator.vllm.failures import EndpointError
from orchestrator.vllm.gate import Gate, Ticket
from tests.support.model_calls import call, endpoint, seat
from tests.unit.vllm.conftest import Clock

REFUSAL = EndpointError("endpoint default answered 503", Trouble.OVERRUN)


@pytest.fixture
def errand(clock: Clock) -> Errand:
    """Of a call that waits ten seconds."""
    return Errand(call(seat(endpoint("http://127.0.0.1:1/v1")), wait=10.0), 1, clock)


async def stand_in_line(errand: Errand, clock: Clock, seconds: float) -> None:
    """Wait that long behind another call, at an endpoint that is well."""
    gate = Gate("default", 1, clock)
    first, ticket = Ticket((0, 0)), Ticket((1, 1))
    first.wait_at((gate,))
    errand.ticket = ticket
    ticket.wait_at((gate,))
    waiting = asyncio.create_task(errand.wait(ticket))
    await asyncio.sleep(0)
    clock.now += seconds
    first.place.result().leave()
    await waiting
    errand.ticket = None
    ticket.place.result().leave()


async def test_what_is_refused_for_as_long_as_it_may_wait_is_given_up(
    errand: Errand, clock: Clock
) -> None:
    errand.refused(REFUSAL)
    clock.now += 9.0
    errand.refused(REFUSAL)
    clock.now += 1.0
    with pytest.raises(ModelError, match="time and again"):
        errand.refused(REFUSAL)


async def test_the_time_in_which_others_went_first_is_none_of_refusal(
    errand: Errand, clock: Clock
) -> None:
    errand.refused(REFUSAL)
    clock.now += 5.0
    await stand_in_line(errand, clock, 60.0)
    errand.refused(REFUSAL)
    clock.now += 5.0
    with pytest.raises(ModelError, match="time and again"):
        errand.refused(REFUSAL)
