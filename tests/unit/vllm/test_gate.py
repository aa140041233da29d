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


async def test_calls_that_were_lost_while_it_was_down_take_nothing_from_what_it_is_given_afterwards(
    clock: Clock,
) -> None:
    gate = Gate("default", 8, clock)
    answered, *lost = let_in(gate, 8)
    clock.now += 1
    answered.heard()
    answered.leave()
    gate.down("endpoint default cannot be reached")
    clock.now += 60
    for place in lost:
        place.failed(Trouble.SILENT, "endpoint default fell silent", None)
        place.leave()
    gate.up()
    waiting = [wait(gate, number) for number in range(8)]
    let_in_by_round: list[int] = []
    for _ in range(4):
        places = [ticket.place.result() for ticket in waiting if ticket.place.done()]
        waiting = [ticket for ticket in waiting if not ticket.place.done()]
        let_in_by_round.append(len(places))
        for place in places:
            place.heard()
    assert let_in_by_round == [1, 2, 4, 1]


async def test_one_call_that_hangs_while_later_ones_are_answered_takes_nothing_from_others(
    clock: Clock,
) -> None:
    gate = Gate("default", 8, clock)
    (stuck,) = let_in(gate, 1)
    clock.now += 30
    for place in let_in(gate, 7):
        place.heard()
        place.leave()
    clock.now += 30
    stuck.failed(Trouble.SILENT, "endpoint default fell silent", None)
    stuck.leave()
    assert len(let_in(gate, 8)) == 8
