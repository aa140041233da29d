"""The arithmetic of a token budget."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from orchestrator.domain.budget import Ledger, Need, Refusal

NEED = Need(prompt=100, most=500, least=50)


def a_ledger(budget: int, *, spent: int = 0) -> Ledger:
    return Ledger(budget, spent=spent, reserved=spent)


def call(ledger: Ledger, turn: str, need: Need = NEED) -> int | Refusal:
    """Reserve and send."""
    allowed = ledger.reserve(turn, need)
    if isinstance(allowed, int):
        ledger.send(turn)
    return allowed


def test_a_call_that_fits_may_have_its_whole_answer() -> None:
    ledger = a_ledger(1000)
    assert call(ledger, "a") == 500
    assert (ledger.spent, ledger.reserved, ledger.ever_reserved) == (0, 600, 600)


def test_what_a_recorded_turn_did_not_use_is_free() -> None:
    ledger = a_ledger(1000)
    call(ledger, "a")
    ledger.end("a", 130)
    assert ledger.reserve("b", NEED) is Refusal.LATER
    ledger.settle("a")
    assert (ledger.spent, ledger.reserved) == (130, 0)
    assert ledger.reserve("b", NEED) == 500


def test_with_nothing_under_way_the_answer_is_cut_to_what_is_left() -> None:
    assert call(a_ledger(1000, spent=700), "a") == 200


def test_an_answer_cut_to_the_least_is_the_last_that_is_of_use() -> None:
    assert call(a_ledger(150), "a") == 50
    assert call(a_ledger(149), "a") is Refusal.NEVER


def test_a_call_waits_for_others_rather_than_be_cut() -> None:
    ledger = a_ledger(1000)
    call(ledger, "a")
    assert ledger.reserve("b", NEED) is Refusal.LATER


def test_two_that_wait_between_their_attempts_do_not_wait_for_each_other() -> None:
    ledger = a_ledger(1200)
    for turn in "ab":
        call(ledger, turn)
        ledger.end(turn, None)
    assert ledger.reserve("a", NEED) is Refusal.LATER
    assert ledger.reserve("b", NEED) is Refusal.NEVER


def test_one_that_waited_and_was_let_in_is_under_way_again() -> None:
    ledger = a_ledger(1200)
    for turn in "ab":
        call(ledger, turn)
    ledger.end("a", None)
    assert ledger.reserve("a", NEED) is Refusal.LATER
    ledger.end("b", 100)
    ledger.settle("b")
    assert ledger.reserve("a", NEED) == 400
    assert ledger.reserve("c", NEED) is Refusal.LATER


def test_an_attempt_that_nobody_counted_may_have_used_all_that_was_reserved() -> None:
    ledger = a_ledger(2000)
    call(ledger, "a")
    ledger.end("a", None)
    call(ledger, "a")
    ledger.end("a", 130)
    assert ledger.settlement("a") == 600
    ledger.settle("a")
    assert (ledger.spent, ledger.ever_reserved) == (730, 1200)


def test_an_attempt_that_was_counted_leaves_its_turn_what_it_did_not_use() -> None:
    ledger = a_ledger(800)
    call(ledger, "a")
    ledger.end("a", 150)
    assert call(ledger, "a") == 500
    assert ledger.ever_reserved == 750


def test_what_was_never_sent_costs_nothing() -> None:
    ledger = a_ledger(1000)
    ledger.reserve("a", NEED)
    ledger.abandon("a")
    assert (ledger.spent, ledger.ever_reserved) == (0, 0)


def test_an_attempt_that_failed_before_it_was_sent_costs_nothing() -> None:
    ledger = a_ledger(1000)
    ledger.reserve("a", NEED)
    ledger.end("a", None)
    assert ledger.settlement("a") == 0
    ledger.settle("a")
    assert ledger.spent == 0


def test_an_attempt_after_one_that_was_sent_costs_nothing_either_if_it_is_not() -> None:
    ledger = a_ledger(1000)
    call(ledger, "a")
    ledger.end("a", 130)
    ledger.reserve("a", NEED)
    ledger.end("a", None)
    ledger.settle("a")
    assert ledger.spent == 130


def test_a_call_that_was_closed_may_have_used_all_that_was_reserved() -> None:
    ledger = a_ledger(1000)
    call(ledger, "a")
    ledger.abandon("a")
    assert ledger.spent == 600


def test_what_a_server_counts_beyond_what_was_reserved_is_spent_all_the_same() -> None:
    ledger = a_ledger(1200)
    call(ledger, "a")
    ledger.end("a", 1100)
    assert ledger.reserve("b", NEED) is Refusal.LATER
    ledger.settle("a")
    assert ledger.spent == 1100
    assert call(ledger, "b") is Refusal.NEVER


@pytest.mark.parametrize("takeovers", [1, 2, 5])
def test_what_was_in_flight_counts_once_however_often_it_is_taken_over(takeovers: int) -> None:
    ledger = a_ledger(10_000)
    call(ledger, "a")
    call(ledger, "b")
    for _ in range(takeovers):
        # Nothing was recorded, so that what the graph has as spent is all that was reserved.
        ledger = Ledger(10_000, spent=ledger.ever_reserved, reserved=ledger.ever_reserved)
    assert ledger.spent == 1200


@dataclass
class Under:
    """A turn that is not recorded, as the world has it and the ledger can't know."""

    allowed: int = 0
    prompt: int = 0
    sent: bool = False
    counted: int = 0
    """What its attempts used whose servers said so."""
    used: int = 0
    """What they used in truth."""


@dataclass
class Graph:
    """What outlives a process."""

    usage: int = 0
    reserved: int = 0
    settled: int = 0

    @property
    def spent(self) -> int:
        return self.usage + self.reserved - self.settled


@dataclass
class World:
    budget: int
    graph: Graph = field(default_factory=Graph)
    under: dict[str, Under] = field(default_factory=dict)
    used: int = 0
    """By all turns of before, in truth."""


class Budgeting(RuleBasedStateMachine):
    """Turns are reserved, sent, fail, are counted or not, recorded or abandoned, and processes die, in any order."""

    world: World = World(0)
    ledger: Ledger = Ledger(0, spent=0, reserved=0)

    @initialize(budget=st.integers(1, 5000))
    def begin(self, budget: int) -> None:
        self.world = World(budget)
        self.ledger = Ledger(budget, spent=0, reserved=0)

    @rule(
        turn=st.integers(0, 5),
        prompt=st.integers(1, 900),
        most=st.integers(1, 900),
        least=st.integers(1, 900),
    )
    def reserve(self, turn: int, prompt: int, most: int, least: int) -> None:
        name = f"turn {turn}"
        under = self.world.under.get(name, Under())
        if under.allowed:
            return
        need = Need(prompt=prompt, most=most, least=min(most, least))
        allowed = self.ledger.reserve(name, need)
        if isinstance(allowed, int):
            assert need.least <= allowed <= most
            under.allowed, under.prompt, under.sent = allowed, prompt, False
            self.world.under[name] = under

    @precondition(lambda self: self._some(sent=False))
    @rule(data=st.data())
    def send(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self._some(sent=False)))
        self.ledger.send(name)
        graph = self.world.graph
        graph.reserved = max(graph.reserved, self.ledger.ever_reserved)
        self.world.under[name].sent = True

    @precondition(lambda self: self._some(sent=True))
    @rule(data=st.data(), counted=st.booleans())
    def end(self, data: st.DataObject, counted: bool) -> None:
        name = data.draw(st.sampled_from(self._some(sent=True)))
        under = self.world.under[name]
        used = self._use(data, under)
        under.used += used
        under.counted += used if counted else 0
        self.ledger.end(name, used if counted else None)
        under.allowed, under.sent = 0, False

    @precondition(lambda self: self._between())
    @rule(data=st.data())
    def record(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self._between()))
        under = self.world.under.pop(name)
        self.world.used += under.used
        self.world.graph.usage += under.counted
        self.world.graph.settled += self.ledger.settlement(name)
        self.ledger.settle(name)
        assert self.ledger.settlement(name) == 0

    @precondition(lambda self: bool(self.world.under))
    @rule(data=st.data())
    def abandon(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.world.under)))
        self._lose(data, name)
        self.ledger.abandon(name)

    @rule(data=st.data())
    def take_over(self, data: st.DataObject) -> None:
        for name in tuple(self.world.under):
            self._lose(data, name)
        graph = self.world.graph
        self.ledger = Ledger(self.world.budget, spent=graph.spent, reserved=graph.reserved)

    @invariant()
    def spent_and_reserved_are_within_the_budget(self) -> None:
        assert self.ledger.spent + self.ledger.reserved <= self.world.budget

    @invariant()
    def the_graph_has_no_less_as_spent_than_was_used_and_no_more_than_the_budget(self) -> None:
        in_truth = self.world.used + sum(
            under.used + (under.prompt + under.allowed if under.sent else 0)
            for under in self.world.under.values()
        )
        assert in_truth <= self.world.graph.spent <= self.world.budget

    @invariant()
    def at_rest_the_graph_has_as_spent_what_the_ledger_has(self) -> None:
        if not self.world.under:
            assert self.ledger.spent == self.world.graph.spent

    def _some(self, *, sent: bool) -> list[str]:
        return [name for name, one in self.world.under.items() if one.allowed and one.sent == sent]

    def _between(self) -> list[str]:
        return [name for name, one in self.world.under.items() if not one.allowed]

    def _use(self, data: st.DataObject, under: Under) -> int:
        return data.draw(st.integers(0, under.prompt + under.allowed)) if under.sent else 0

    def _lose(self, data: st.DataObject, name: str) -> None:
        under = self.world.under.pop(name)
        self.world.used += under.used + self._use(data, under)


Budgeting.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestBudgeting = Budgeting.TestCase
