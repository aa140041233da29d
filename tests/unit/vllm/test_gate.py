"""What a gate says of why it lets nothing in."""

from __future__ import annotations

from orchestrator.vllm.breaker import Trouble
from orchestrator.vllm.gate import Gate, Place, Ticket
from tests.unit.vllm.conftest import Clock


def wait(gate: Gate, number: int) -> Ticket:
    ticket = Ticket((0, number))
    ticket.wait_at((gate,))
    return ticket


def let_in(gate: Gate, count: int) -> list[Place]:
    return [wait(gate, number).place.result() for number in range(count)]


async def test_the_words_are_the_same_for_as_long_as_the_reason_is(clock: Clock) -> None:
    gate = Gate("default", 1, clock)
    gate.down("endpoint default cannot be reached")
    words = gate.obstacle
    # As where one clock goes on and that of the words does not, or is set.
    clock.now += 3600.0

    assert words is not None
    assert words.endswith("Z: it cannot be reached")
    assert gate.obstacle == words


async def test_where_some_are_answered_and_others_are_not_these_have_waited_inside_the_server(
    clock: Clock,
) -> None:
    gate = Gate("default", 8, clock)
    answered, *others = let_in(gate, 8)
    clock.now += 1
    answered.heard()
    clock.now += 60
    for place in others:
        place.failed(Trouble.SILENT, "endpoint default fell silent", None)
        place.leave()
    # It is well, and is given no more than it is at work on.
    assert gate.obstacle is None
    next_one = wait(gate, 8)
    assert not next_one.place.done()
    answered.leave()
    assert next_one.place.done()


async def test_a_server_that_is_silent_to_all_that_it_has_is_not_asked_however_it_was_before(
    clock: Clock,
) -> None:
    gate = Gate("default", 8, clock)
    answered, silent = let_in(gate, 2)
    clock.now += 1
    silent.heard()
    answered.heard()
    answered.leave()
    clock.now += 60
    silent.failed(Trouble.SILENT, "endpoint default fell silent", None)
    assert gate.is_down
