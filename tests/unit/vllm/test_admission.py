"""Which endpoints a call may go to, and how long it waits in vain: for one that does not take it, and not for those that go first."""

from __future__ import annotations

import asyncio

import pytest

from orchestrator.domain.councils import Endpoint, Seat
from orchestrator.domain.errors import ModelError
from orchestrator.vllm.admission import Admission, Errand
from orchestrator.vllm.breaker import Trouble
from orchestrator.vllm.connections import Connections
from orchestrator.vllm.failures import EndpointError
from orchestrator.vllm.gate import Gate, Ticket
from tests.support.model_calls import NoRehearsal, Seen, call, endpoint, seat
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


DEFAULT, LAB = endpoint("http://127.0.0.1:1/v1"), endpoint("http://127.0.0.1:2/v1", "lab")


async def asked(asking: Seat, seen: Seen) -> Endpoint:
    """Return where the call of a seat goes."""
    async with Connections(environment={}, calls_per_endpoint=1) as connections:
        admission = Admission(connections=connections, watch=seen, rehearsal=NoRehearsal())
        async with (
            admission.errand(call(asking)) as errand,
            admission.place(errand) as (line, _),
        ):
            return line.endpoint


async def test_an_endpoint_that_has_come_to_list_the_model_since_may_be_asked() -> None:
    seen = Seen()
    seen.removed.add(DEFAULT.id)
    seen.lists["tiny"] = [LAB]
    assert await asked(seat(DEFAULT), seen) == LAB


async def test_a_seat_that_is_bound_to_an_endpoint_goes_to_no_other_that_lists_its_model() -> None:
    seen = Seen()
    seen.lists["tiny"] = [DEFAULT]
    assert await asked(seat(LAB, bound=LAB), seen) == LAB


async def test_of_those_that_serve_the_model_one_that_was_removed_is_left_out() -> None:
    seen = Seen()
    seen.removed.add(LAB.id)
    assert await asked(seat(LAB, DEFAULT), seen) == DEFAULT


@pytest.mark.parametrize(
    ("asking", "reason"),
    [
        (seat(DEFAULT, LAB, bound=LAB), "endpoint lab was removed"),
        (seat(LAB), "no endpoint serves model tiny: endpoint lab was removed"),
    ],
)
async def test_where_all_that_could_be_asked_were_removed_the_call_says_so(
    asking: Seat, reason: str
) -> None:
    seen = Seen()
    seen.removed.add(LAB.id)
    with pytest.raises(ModelError) as raised:
        await asked(asking, seen)
    assert (raised.value.reason, raised.value.retryable) == (reason, False)


async def test_a_call_is_stranded_while_every_endpoint_that_could_take_it_is_down(
    errand: Errand, clock: Clock
) -> None:
    one, other = Gate("one", 1, clock), Gate("other", 1, clock)
    assert not errand.stranded
    one.down("it cannot be reached")
    ticket = errand.ticket = Ticket(errand.order)
    ticket.gates = (one, other)
    assert not errand.stranded
    other.down("it cannot be reached")
    assert errand.stranded
