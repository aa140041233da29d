"""The count of ballots: what it says of given ballots, and that it favours nobody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from fractions import Fraction
from itertools import combinations, product
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from orchestrator.domain import counting
from orchestrator.domain.deliberations import RankedProposal, TurnKey, TurnKind
from orchestrator.domain.ids import turn_id

Ballots = list[list[str]]
PROPOSALS = "abcdef"


def ranked(ballots: Collection[Sequence[str]], proposals: str = "abc") -> list[tuple[str, float]]:
    ranking = counting.rank("dlb_1", proposals, ballots)
    return [(place.proposal, place.score) for place in ranking]


@st.composite
def some_ballots(draw: st.DrawFn) -> Ballots:
    """Ballots over some or all of up to six proposals."""
    count = draw(st.integers(2, len(PROPOSALS)))
    proposals = PROPOSALS[:count]
    ballot = st.lists(st.sampled_from(proposals), min_size=1, unique=True)
    return draw(st.lists(ballot, min_size=1, max_size=7))


def self_excluding(seats: int, chance: Random) -> Ballots:
    """Each seat ranks all others' proposals at random."""
    return [
        chance.sample([other for other in PROPOSALS[:seats] if other != seat], seats - 1)
        for seat in PROPOSALS[:seats]
    ]


# ---------------------------------------------------------------- the score


def test_the_score_is_the_mean_mark_over_the_ballots_that_rank_a_proposal() -> None:
    assert counting.rank("dlb_1", "abcd", ["abc", "bda", "dc"]) == (
        RankedProposal(rank=1, score=0.75, votes=1, proposal="b"),
        RankedProposal(rank=2, score=0.75, votes=1, proposal="d"),
        RankedProposal(rank=3, score=0.5, votes=1, proposal="a"),
        RankedProposal(rank=4, score=0.0, votes=0, proposal="c"),
    )


@pytest.mark.parametrize(
    ("ballots", "expected"),
    [
        ([], [0.5, 0.5, 0.5]),
        ([["a"], ["a"]], [0.5, 0.5, 0.5]),
        ([["a", "b"]], [1.0, 0.5, 0.0]),
        ([["a", "b", "c"]], [1.0, 0.5, 0.0]),
    ],
)
def test_who_is_on_no_ballot_or_alone_on_one_has_the_score_of_chance(
    ballots: Ballots, expected: list[float]
) -> None:
    assert [score for _, score in ranked(ballots)] == expected


def winners(ballots: Collection[Sequence[str]], proposals: str = "abc") -> set[str]:
    """Who wins these ballots in one deliberation or another."""
    return {counting.rank(f"dlb_{n}", proposals, ballots)[0].proposal for n in range(50)}


def test_a_tie_goes_to_who_beats_more_of_the_tied_in_pairs() -> None:
    assert ranked(["abc", "abc", "bca"])[:2] == [("a", 2 / 3), ("b", 2 / 3)]
    assert winners(["abc", "abc", "bca"]) == {"a"}
    assert winners(["cba", "cba", "bac"]) == {"c"}
    # b and d have 2/3; of the three who rank both, two prefer d, one of them on a ballot of two.
    assert winners(["db", "bac", "bc", "dcba", "bad"], "abcd") == {"d"}


def test_a_tie_that_pairs_do_not_break_goes_to_each_in_one_deliberation_or_another() -> None:
    assert winners(["abc", "bca", "cab"]) == {"a", "b", "c"}


def test_an_exact_tie_is_a_tie_whatever_floats_would_make_of_it() -> None:
    # a has 1/5 and 2/5, b has 0 and 3/5: in floats a would be ahead by a rounding, and always.
    ballots = ["cdefab", "cdbaef"]
    scores = dict(ranked(ballots, PROPOSALS))
    assert scores["a"] == scores["b"] == 0.3
    rankings = [counting.rank(f"dlb_{n}", PROPOSALS, ballots) for n in range(50)]
    ahead = {next(p.proposal for p in ranking if p.proposal in "ab") for ranking in rankings}
    assert ahead == {"a", "b"}


@given(some_ballots(), st.randoms(use_true_random=False))
def test_the_order_of_ballots_and_proposals_changes_nothing(
    ballots: Ballots, chance: Random
) -> None:
    ranking = counting.rank("dlb_1", PROPOSALS, ballots)
    shuffled = chance.sample(ballots, len(ballots))
    assert counting.rank("dlb_1", chance.sample(PROPOSALS, len(PROPOSALS)), shuffled) == ranking
    assert counting.agreement(shuffled) == counting.agreement(ballots)


@given(some_ballots())
def test_ranks_count_from_one_scores_never_rise_and_votes_are_first_places(
    ballots: Ballots,
) -> None:
    ranking = counting.rank("dlb_1", PROPOSALS, ballots)
    assert [place.rank for place in ranking] == list(range(1, len(PROPOSALS) + 1))
    assert [place.score for place in ranking] == sorted(
        (place.score for place in ranking), reverse=True
    )
    assert {place.proposal: place.votes for place in ranking} == {
        proposal: sum(ballot[0] == proposal for ballot in ballots) for proposal in PROPOSALS
    }


@given(some_ballots(), st.data())
def test_moving_the_winner_up_on_a_ballot_never_makes_it_lose(
    ballots: Ballots, data: st.DataObject
) -> None:
    winner = counting.rank("dlb_1", PROPOSALS, ballots)[0].proposal
    below_the_top = [ballot for ballot in ballots if winner in ballot[1:]]
    assume(below_the_top)
    ballot = data.draw(st.sampled_from(below_the_top))
    place = ballot.index(winner)
    ballot[place - 1], ballot[place] = ballot[place], ballot[place - 1]
    assert counting.rank("dlb_1", PROPOSALS, ballots)[0].proposal == winner


def test_dissent_is_the_ballots_that_could_put_the_winner_first_and_did_not() -> None:
    ballots = {"one": "abc", "two": "bac", "three": "cb", "four": "ca"}
    assert counting.dissent("a", ballots) == ("two", "four")


# ---------------------------------------------------------------- nobody is favoured

ELECTIONS = 6000
BOUND = {3: 13.8, 4: 16.3, 5: 18.5}
"""Of chi-square, by the seats: what chance alone passes once in a thousand times."""

Count = Callable[[str, Sequence[str], Ballots], str]


def elected(deliberation: str, proposals: Sequence[str], ballots: Ballots) -> str:
    return counting.rank(deliberation, proposals, ballots)[0].proposal


def elected_by_a_plain_sum_with_ties_by_seat(
    _: str, proposals: Sequence[str], ballots: Ballots
) -> str:
    points = Counter(dict.fromkeys(proposals, 0))
    for ballot in ballots:
        points.update({proposal: -place for place, proposal in enumerate(ballot)})
    return max(proposals, key=lambda proposal: points[proposal])


def chi_square(seats: int, *, one_absent: bool, count: Count = elected) -> float:
    """How unevenly random elections elect the seats."""
    chance = Random(20261123)  # noqa: S311 - chance that can be repeated
    wins = Counter[int]()
    for number in range(ELECTIONS):
        deliberation = f"dlb_{number:032x}"
        proposals = [
            turn_id(deliberation, TurnKey(kind=TurnKind.REVISION, round=1, seat=seat))
            for seat in range(1, seats + 1)
        ]
        absent = chance.randrange(seats) if one_absent else None
        ballots = [
            chance.sample([other for other in proposals if other != own], seats - 1)
            for voter, own in enumerate(proposals)
            if voter != absent
        ]
        wins[proposals.index(count(deliberation, proposals, ballots))] += 1
    expected = ELECTIONS / seats
    return sum((wins[seat] - expected) ** 2 for seat in range(seats)) / expected


@pytest.mark.parametrize("seats", [3, 4, 5])
@pytest.mark.parametrize("one_absent", [False, True], ids=["all-vote", "one-absent"])
def test_random_ballots_elect_each_seat_equally_often(seats: int, *, one_absent: bool) -> None:
    assert chi_square(seats, one_absent=one_absent) < BOUND[seats]


def test_of_three_seats_the_one_that_never_votes_is_elected_in_a_fourth_of_random_elections() -> (
    None
):
    """It is on two ballots and each other on one: where they agree on it the mean is as high or as low as can be."""
    random = [[list(one), list(two)] for one, two in product(("ac", "ca"), ("ab", "ba"))]
    assert [ballots for ballots in random if elected("dlb_1", "abc", ballots) == "a"] == [random[0]]


def test_the_bound_on_random_elections_would_catch_a_count_that_favours_a_seat() -> None:
    uneven = chi_square(3, one_absent=False, count=elected_by_a_plain_sum_with_ties_by_seat)
    assert uneven > 10 * BOUND[3]


# ---------------------------------------------------------------- agreement


def kendalls_w(ballots: Ballots) -> Fraction:
    """W of complete rankings: 12 S / (m^2 (n^3 - n)), S of the rank sums about their mean."""
    voters, proposals = len(ballots), ballots[0]
    count = len(proposals)
    sums = [sum(ballot.index(proposal) + 1 for ballot in ballots) for proposal in proposals]
    mean = Fraction(sum(sums), count)
    deviations = sum(((value - mean) * (value - mean) for value in sums), start=Fraction(0))
    return 12 * deviations / (voters**2 * (count**3 - count))


def durbins_w(ballots: Ballots, count: int) -> Fraction:
    """W of a balanced incomplete design: n proposals, k on a ballot, r ballots each, lambda each pair."""
    k = len(ballots[0])
    r = Fraction(len(ballots) * k, count)
    lambda_ = r * (k - 1) / (count - 1)
    sums = [
        sum(ballot.index(proposal) + 1 for ballot in ballots if proposal in ballot)
        for proposal in PROPOSALS[:count]
    ]
    squares = sum(value * value for value in sums)
    deviations = 12 * squares - 3 * r * r * count * (k + 1) ** 2
    return deviations / (lambda_ * lambda_ * count * (count**2 - 1))


@given(
    st.integers(2, 6).flatmap(
        lambda count: st.lists(st.permutations(PROPOSALS[:count]), min_size=2, max_size=7)
    )
)
def test_of_complete_ballots_agreement_is_kendalls_w(ballots: Ballots) -> None:
    assert counting.agreement(ballots) == pytest.approx(float(kendalls_w(ballots)), abs=1e-12)


@given(st.integers(4, 6), st.randoms(use_true_random=False))
def test_where_each_ranks_all_others_agreement_is_durbins_w(seats: int, chance: Random) -> None:
    ballots = self_excluding(seats, chance)
    assert counting.agreement(ballots) == pytest.approx(float(durbins_w(ballots, seats)), abs=1e-12)


@given(some_ballots())
def test_agreement_is_from_0_to_1_and_none_just_where_a_pair_has_fewer_than_two_voters(
    ballots: Ballots,
) -> None:
    seen = sorted({proposal for ballot in ballots for proposal in ballot})
    voters = [
        sum(one in ballot and other in ballot for ballot in ballots)
        for one, other in combinations(seen, 2)
    ]
    value = counting.agreement(ballots)
    if not voters or min(voters) < 2:
        assert value is None
    else:
        assert value is not None
        assert 0 <= value <= 1


@pytest.mark.parametrize(
    ("ballots", "expected"),
    [
        ([["b", "c"], ["a", "c"], ["a", "b"]], None),  # three seats: each pair has one voter
        ([["a", "b"], ["a", "b"]], 1.0),
        ([["a", "b"], ["b", "a"]], 0.0),
        # Unanimous, though the pairs have two voters or five.
        ([["b", "c", "a"], ["b", "c", "a"], ["c", "a"], ["c", "a"], ["c", "a"]], 1.0),
        ([["b", "c", "d"], ["a", "c", "d"], ["a", "b", "d"], ["a", "b", "c"]], 1.0),
        ([["a"], ["a"]], None),
        ([], None),
    ],
)
def test_agreement_of_a_few(ballots: Ballots, expected: float | None) -> None:
    assert counting.agreement(ballots) == expected
