"""PEER_REVIEW, by tables where a rule has a few cases and by Hypothesis where it must hold in all runs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from orchestrator.domain import counting
from orchestrator.domain.deliberations import (
    StopReason,
    Turn,
    TurnKey,
    TurnKind,
    TurnOutcome,
    Verdict,
)
from orchestrator.domain.ids import turn_id
from orchestrator.domain.protocols import peer_review
from orchestrator.domain.protocols.steps import Ask, Decide, Fail, Rules, Step, Take
from orchestrator.domain.values import replace

DELIBERATION = "dlb_019a"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def rules(seats: int | tuple[int, ...], *, rounds: int = 1, quorum: int = 1) -> Rules:
    return Rules(
        deliberation=DELIBERATION,
        seats=tuple(range(1, seats + 1)) if isinstance(seats, int) else seats,
        rounds=rounds,
        quorum=quorum,
    )


def proposal(seat: int) -> TurnKey:
    return TurnKey(kind=TurnKind.PROPOSAL, round=0, seat=seat)


def critique(seat: int, of: int, round_: int = 1) -> TurnKey:
    return TurnKey(kind=TurnKind.CRITIQUE, round=round_, seat=seat, target=of)


def revision(seat: int, round_: int = 1) -> TurnKey:
    return TurnKey(kind=TurnKind.REVISION, round=round_, seat=seat)


def ballot(seat: int, round_: int = 1) -> TurnKey:
    return TurnKey(kind=TurnKind.BALLOT, round=round_, seat=seat)


def id_of(key: TurnKey) -> str:
    return turn_id(DELIBERATION, key)


@dataclass(frozen=True)
class World:
    """What the agents will answer, whenever they are asked: who is absent, and how each one ranks."""

    absent: frozenset[TurnKey] = frozenset()
    taste: int = 0

    def answer(self, ask: Ask) -> Turn:
        return Turn(
            id=id_of(ask.key),
            key=ask.key,
            outcome=TurnOutcome.ABSENT if ask.key in self.absent else TurnOutcome.TAKEN,
            started_at=NOON,
            finished_at=NOON,
            target=ask.target,
            revises=ask.revises,
            answers=ask.answers,
            choices=tuple(sorted(ask.choices, key=lambda choice: self._liking(ask.key, choice))),
        )

    def _liking(self, key: TurnKey, choice: str) -> bytes:
        return sha256(f"{self.taste}/{key}/{choice}".encode()).digest()


Scheduler = Callable[[Sequence[Ask]], Collection[Ask]]
"""Which of the turns that can be taken are recorded next, at least one."""


def all_at_once(asks: Sequence[Ask]) -> Collection[Ask]:
    return asks


def one_at_random(chance: Random) -> Scheduler:
    return lambda asks: [chance.choice(asks)]


def some_at_random(chance: Random) -> Scheduler:
    return lambda asks: chance.sample(asks, chance.randint(1, len(asks)))


def run(
    given_rules: Rules, world: World, schedule: Scheduler = all_at_once, turns: Iterable[Turn] = ()
) -> tuple[list[Turn], list[Step]]:
    """Run to the end, from the turns given on; the steps are those after each record."""
    recorded = list(turns)
    steps = [peer_review.next_step(given_rules, recorded)]
    while isinstance(step := steps[-1], Take):
        assert len(recorded) < peer_review.turns_expected(given_rules), "it does not end"
        recorded += [world.answer(ask) for ask in schedule(step.asks)]
        steps.append(peer_review.next_step(given_rules, recorded))
    return recorded, steps


def verdict_of(given_rules: Rules, world: World) -> Verdict:
    _, steps = run(given_rules, world)
    end = steps[-1]
    assert isinstance(end, Decide)
    return end.verdict


def after(given_rules: Rules, world: World, *keys: TurnKey) -> Step:
    """Record these turns, each when it is asked for, and say what follows."""
    recorded: list[Turn] = []
    for key in keys:
        step = peer_review.next_step(given_rules, recorded)
        assert isinstance(step, Take)
        (ask,) = [ask for ask in step.asks if ask.key == key]
        recorded.append(world.answer(ask))
    return peer_review.next_step(given_rules, recorded)


def asked(step: Step) -> set[TurnKey]:
    assert isinstance(step, Take)
    return {ask.key for ask in step.asks}


def end_of(step: Step) -> Verdict | StopReason:
    """How it ended; in how many words a failure is told depends on how many came at once."""
    assert not isinstance(step, Take)
    return step.verdict if isinstance(step, Decide) else step.stop_reason


# ---------------------------------------------------------------- every run


@st.composite
def some_rules(draw: st.DrawFn) -> Rules:
    count = draw(st.integers(1, 5))
    seats = draw(st.lists(st.integers(1, 15), min_size=count, max_size=count, unique=True))
    return rules(
        tuple(sorted(seats)),
        rounds=draw(st.integers(0, 3)),
        quorum=draw(st.integers(1, count)),
    )


@st.composite
def some_world(draw: st.DrawFn, of: Rules) -> World:
    turns, _ = run(replace(of, quorum=1), World())
    keys = [turn.key for turn in turns]
    return World(
        absent=draw(st.frozensets(st.sampled_from(keys))), taste=draw(st.integers(0, 1000))
    )


@st.composite
def some_game(draw: st.DrawFn) -> tuple[Rules, World]:
    drawn = draw(some_rules())
    return drawn, draw(some_world(drawn))


chances = st.randoms(use_true_random=False)


@given(some_game(), chances)
def test_any_order_of_arrival_gives_the_same_verdict(
    game: tuple[Rules, World], chance: Random
) -> None:
    _, reference = run(*game)
    _, one_by_one = run(*game, one_at_random(chance))
    _, in_batches = run(*game, some_at_random(chance))

    assert end_of(one_by_one[-1]) == end_of(reference[-1])
    assert end_of(in_batches[-1]) == end_of(reference[-1])


@given(some_game(), chances)
def test_any_crash_point_resumes_to_the_same_verdict(
    game: tuple[Rules, World], chance: Random
) -> None:
    turns, steps = run(*game, one_at_random(chance))
    crash = chance.randint(0, len(turns))
    read_back = chance.sample(turns[:crash], crash)
    _, resumed = run(*game, some_at_random(chance), read_back)
    assert end_of(resumed[-1]) == end_of(steps[-1])


@given(some_game(), chances)
def test_what_follows_does_not_depend_on_the_order_in_which_turns_are_given(
    game: tuple[Rules, World], chance: Random
) -> None:
    turns, steps = run(*game, one_at_random(chance))
    for count, step in enumerate(steps):
        shuffled = chance.sample(turns[:count], count)
        assert peer_review.next_step(game[0], shuffled) == step


@given(some_game(), chances)
def test_no_turn_is_asked_for_that_is_recorded(game: tuple[Rules, World], chance: Random) -> None:
    recorded, _ = run(*game, some_at_random(chance))
    keys = [turn.key for turn in recorded]
    assert len(keys) == len(set(keys))


@given(some_game(), chances)
def test_nothing_is_asked_that_depends_on_a_turn_that_is_not_recorded_as_taken(
    game: tuple[Rules, World], chance: Random
) -> None:
    turns, steps = run(*game, one_at_random(chance))
    for count, step in enumerate(steps):
        taken = {turn.id for turn in turns[:count] if turn.taken}
        for ask in step.asks if isinstance(step, Take) else ():
            shown = {*ask.answers, *ask.choices, ask.target, ask.revises} - {None}
            assert shown <= taken


@given(some_game(), chances)
def test_what_was_asked_stays_asked_in_the_same_words_until_it_is_recorded_or_all_is_over(
    game: tuple[Rules, World], chance: Random
) -> None:
    turns, steps = run(*game, one_at_random(chance))
    for turn, before, step in zip(turns, steps[:-1], steps[1:], strict=True):
        assert isinstance(before, Take)
        if isinstance(step, Take):
            assert {ask for ask in before.asks if ask.key != turn.key} <= set(step.asks)
        elif isinstance(step, Decide):
            assert [ask.key for ask in before.asks] == [turn.key]


@given(some_rules())
def test_where_nobody_is_absent_it_takes_the_turns_expected(given_rules: Rules) -> None:
    turns, _ = run(given_rules, World())
    assert len(turns) == peer_review.turns_expected(given_rules)


@given(some_game())
def test_a_verdict_ranks_each_standing_proposal_once_by_the_count_of_the_ballots(
    game: tuple[Rules, World],
) -> None:
    turns, steps = run(*game)
    if not isinstance(end := steps[-1], Decide):
        return
    last: dict[int, str] = {}
    for turn in sorted(turns, key=lambda turn: turn.key.round):
        if turn.taken and turn.key.kind in {TurnKind.PROPOSAL, TurnKind.REVISION}:
            last[turn.key.seat] = turn.id
    ballots = [turn for turn in turns if turn.taken and turn.key.kind is TurnKind.BALLOT]

    assert {place.proposal for place in end.verdict.ranking} == set(last.values())
    assert end.verdict.ranking == counting.rank(
        DELIBERATION, list(last.values()), [turn.choices for turn in ballots]
    )
    assert end.verdict.ballots == tuple(
        turn.id for turn in sorted(ballots, key=lambda turn: turn.key.seat)
    )
    assert end.verdict.partial == any(not turn.taken for turn in turns)
    assert end.stop_reason is StopReason.COMPLETED


# ---------------------------------------------------------------- the way of a proposal


def test_a_critique_starts_when_its_target_is_recorded_not_when_the_slowest_proposal_is() -> None:
    step = after(rules(3), World(), proposal(2))
    assert asked(step) == {proposal(1), critique(1, of=2), proposal(3)}


def test_a_revision_starts_when_its_critique_is_recorded_while_others_still_propose() -> None:
    step = after(rules(3), World(), proposal(2), critique(1, of=2))
    assert isinstance(step, Take)
    assert step.asks == (
        Ask(key=proposal(1)),
        Ask(key=revision(2), revises=id_of(proposal(2)), answers=(id_of(critique(1, of=2)),)),
        Ask(key=proposal(3)),
    )


def test_the_next_round_is_about_the_revision_and_starts_without_waiting_for_the_others() -> None:
    step = after(rules(3, rounds=2), World(), proposal(2), critique(1, of=2), revision(2))
    assert isinstance(step, Take)
    assert step.asks == (
        Ask(key=proposal(1)),
        Ask(key=critique(3, of=2, round_=2), target=id_of(revision(2))),
        Ask(key=proposal(3)),
    )


def test_ballots_wait_until_every_proposal_stands_and_leave_out_the_voters_own() -> None:
    before = [proposal(1), critique(2, of=1), revision(1), proposal(2), critique(1, of=2)]
    assert asked(after(rules(2), World(), *before)) == {revision(2)}
    step = after(rules(2), World(), *before, revision(2))
    assert isinstance(step, Take)
    assert step.asks == (
        Ask(key=ballot(1), choices=(id_of(revision(2)),)),
        Ask(key=ballot(2), choices=(id_of(revision(1)),)),
    )


@pytest.mark.parametrize(
    ("seats", "distances"),
    [
        (2, [1, 1, 1, 1, 1, 1]),
        (3, [1, 2, 1, 2, 1, 2]),
        (4, [1, 2, 3, 1, 2, 3]),
        (5, [1, 2, 3, 4, 1, 2]),
    ],
)
def test_who_is_criticised_moves_on_along_the_ring_with_each_round(
    seats: int, distances: list[int]
) -> None:
    turns, _ = run(rules(seats, rounds=len(distances)), World())
    critiques = {turn.key for turn in turns if turn.key.kind is TurnKind.CRITIQUE}
    assert critiques == {
        critique(seat, of=(seat - 1 + distance) % seats + 1, round_=round_)
        for seat in range(1, seats + 1)
        for round_, distance in enumerate(distances, start=1)
    }


def test_the_ring_goes_over_the_seats_as_accepted_whatever_their_numbers() -> None:
    turns, _ = run(rules((2, 5, 9)), World())
    critiques = {turn.key for turn in turns if turn.key.kind is TurnKind.CRITIQUE}
    assert critiques == {critique(2, of=5), critique(5, of=9), critique(9, of=2)}


def test_the_ring_never_closes_over_a_gap_and_who_left_it_still_criticises_and_votes() -> None:
    turns, _ = run(rules(4, rounds=2), World(absent=frozenset({proposal(2)})))
    kinds = (TurnKind.CRITIQUE, TurnKind.BALLOT)
    assert {turn.key for turn in turns if turn.key.kind in kinds} == {
        critique(2, of=3),
        critique(3, of=4),
        critique(4, of=1),
        critique(1, of=3, round_=2),
        critique(2, of=4, round_=2),
        critique(3, of=1, round_=2),
        *(ballot(seat, round_=2) for seat in range(1, 5)),
    }


def test_who_has_no_proposal_ranks_those_of_all_others() -> None:
    turns, _ = run(rules(3), World(absent=frozenset({proposal(2)})))
    (vote,) = [turn for turn in turns if turn.key == ballot(2)]
    assert set(vote.choices) == {id_of(revision(1)), id_of(revision(3))}


def test_an_absent_revision_leaves_the_proposal_before_it() -> None:
    world = World(absent=frozenset({revision(1)}))
    step = after(rules(3, rounds=2), world, proposal(1), critique(3, of=1), revision(1))
    assert isinstance(step, Take)
    assert step.asks[0] == Ask(key=critique(2, of=1, round_=2), target=id_of(proposal(1)))
    standing = {place.proposal for place in verdict_of(rules(3), world).ranking}
    assert standing == {id_of(proposal(1)), id_of(revision(2)), id_of(revision(3))}


def test_an_absent_critique_means_no_revision_in_that_round() -> None:
    world = World(absent=frozenset({critique(3, of=1)}))
    step = after(rules(3, rounds=2), world, proposal(1), critique(3, of=1))
    assert isinstance(step, Take)
    assert step.asks[0] == Ask(key=critique(2, of=1, round_=2), target=id_of(proposal(1)))


def test_without_rounds_the_proposals_are_voted_on_as_they_are() -> None:
    step = after(rules(2, rounds=0), World(), proposal(1), proposal(2))
    assert isinstance(step, Take)
    assert step.asks == (
        Ask(key=ballot(1, round_=0), choices=(id_of(proposal(2)),)),
        Ask(key=ballot(2, round_=0), choices=(id_of(proposal(1)),)),
    )


# ---------------------------------------------------------------- ends


def test_one_seat_proposes_and_that_is_the_verdict() -> None:
    verdict = verdict_of(rules(1, rounds=3), World())
    assert [place.proposal for place in verdict.ranking] == [id_of(proposal(1))]
    assert (verdict.ballots, verdict.dissent) == ((), ())
    assert (verdict.margin, verdict.agreement, verdict.partial) == (1.0, None, False)


@pytest.mark.parametrize(
    ("seats", "quorum"), [(1, 1), (3, 1), (3, 2), (3, 3), (5, 3), (5, 5), (6, 4)]
)
def test_the_quorum_is_lost_as_soon_as_it_cannot_be_reached_and_not_before(
    seats: int, quorum: int
) -> None:
    spare = seats - quorum
    gone = [proposal(seat) for seat in range(1, spare + 2)]
    world = World(absent=frozenset(gone))
    given_rules = rules(seats, quorum=quorum)
    assert isinstance(after(given_rules, world, *gone[:spare]), Take)
    assert after(given_rules, world, *gone) == Fail(
        stop_reason=StopReason.QUORUM_LOST,
        failure=f"{spare + 1} of {seats} seats have no proposal; the quorum is {quorum}",
    )


def test_only_proposals_count_for_the_quorum() -> None:
    turns, _ = run(rules(3), World())
    rest = frozenset(
        turn.key
        for turn in turns
        if turn.key.kind in {TurnKind.CRITIQUE, TurnKind.REVISION} or turn.key == ballot(1)
    )
    assert verdict_of(rules(3, quorum=3), World(absent=rest)).partial


def test_several_proposals_and_no_ballot_are_no_verdict() -> None:
    absent = frozenset(ballot(seat) for seat in range(1, 4))
    _, steps = run(rules(3), World(absent=absent))
    assert steps[-1] == Fail(
        stop_reason=StopReason.QUORUM_LOST,
        failure="3 proposals stand, and no ballot came to choose between them",
    )


def test_a_proposal_that_alone_is_left_wins_without_ballots() -> None:
    world = World(absent=frozenset({proposal(1), proposal(3)}))
    verdict = verdict_of(rules(3), world)
    assert verdict.winner == id_of(revision(2))
    assert (verdict.ballots, verdict.margin, verdict.partial) == ((), 1.0, True)


@dataclass(frozen=True)
class Opinions(World):
    """Voters who rank by a table: seats, the best first."""

    order: tuple[tuple[int, ...], ...] = ()

    @override
    def answer(self, ask: Ask) -> Turn:
        turn = super().answer(ask)
        if ask.key.kind is not TurnKind.BALLOT:
            return turn
        choices = tuple(id_of(proposal(seat)) for seat in self.order[ask.key.seat - 1])
        assert set(choices) == set(ask.choices)
        return replace(turn, choices=choices)


def test_dissent_is_the_ballots_that_could_put_the_winner_first_and_did_not() -> None:
    world = Opinions(order=((2, 3, 4), (4, 3, 1), (2, 1, 4), (3, 2, 1)))
    verdict = verdict_of(rules(4, rounds=0), world)
    assert verdict.winner == id_of(proposal(2))
    assert verdict.dissent == (id_of(ballot(4, round_=0)),)  # seat 2 could not put itself first


def test_a_verdict_tells_margin_dissent_and_agreement() -> None:
    world = Opinions(order=((2, 3, 4), (3, 1, 4), (2, 1, 4), (2, 3, 1)))
    verdict = verdict_of(rules(4, rounds=0), world)
    assert [(p.proposal, p.score, p.votes) for p in verdict.ranking] == [
        (id_of(proposal(2)), 1.0, 3),
        (id_of(proposal(3)), (0.5 + 1 + 0.5) / 3, 1),
        (id_of(proposal(1)), (0.5 + 0.5 + 0) / 3, 0),
        (id_of(proposal(4)), 0.0, 0),
    ]
    assert verdict.margin == 1 - 2 / 3
    assert verdict.dissent == ()
    assert verdict.agreement == counting.agreement(
        [[id_of(proposal(seat)) for seat in order] for order in world.order]
    )
    assert not verdict.partial


def test_an_absent_ballot_leaves_no_agreement_to_speak_of() -> None:
    everyone = verdict_of(rules(5), World())
    without_one = verdict_of(rules(5), World(absent=frozenset({ballot(3)})))
    assert everyone.agreement is not None
    assert without_one.agreement is None


# ---------------------------------------------------------------- stopped early


@given(some_game(), chances)
def test_stopped_anywhere_it_fails_for_that_reason_or_has_a_partial_verdict_on_what_stands(
    game: tuple[Rules, World], chance: Random
) -> None:
    turns, _ = run(*game, one_at_random(chance))
    for count in range(len(turns) + 1):
        recorded = turns[:count]
        end = peer_review.conclude_early(game[0], recorded, StopReason.DEADLINE)
        assert end.stop_reason is StopReason.DEADLINE
        proposers = {t.key.seat for t in recorded if t.taken and t.key.kind is TurnKind.PROPOSAL}
        ballots = {t.id for t in recorded if t.taken and t.key.kind is TurnKind.BALLOT}
        decidable = len(proposers) >= game[0].quorum and (len(proposers) == 1 or bool(ballots))
        assert isinstance(end, Decide) == decidable
        if isinstance(end, Decide):
            assert end.verdict.partial
            assert len(end.verdict.ranking) == len(proposers)
            assert set(end.verdict.ballots) == ballots


def test_stopped_before_every_ballot_came_there_is_no_agreement_to_speak_of() -> None:
    turns, _ = run(rules(5, rounds=0), World())
    end = peer_review.conclude_early(rules(5, rounds=0), turns[:-1], StopReason.DEADLINE)
    assert isinstance(end, Decide)
    assert len(end.verdict.ballots) == 4
    assert end.verdict.agreement is None
