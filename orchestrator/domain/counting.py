"""From ballots to a ranking."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from hashlib import sha256
from itertools import combinations

from orchestrator.domain.deliberations import RankedProposal, Turn, TurnKind

UNRANKED_SCORE = Fraction(1, 2)
"""The score of a proposal that nobody ranked or that was a ballot's only choice: what chance would give it."""


def rank(
    deliberation: str, proposals: Collection[str], ballots: Collection[Sequence[str]]
) -> tuple[RankedProposal, ...]:
    """Rank proposals (turn ids) by ballots, each of them turn ids, best first.

    A proposal's score is the mean, over the ballots that rank it, of (k - position) / (k - 1), k
    being the choices on that ballot: a Borda count that does not punish whoever was on fewer or
    longer ballots. Ties go to who beats more of the tied in pairs, then to a hash of the
    deliberation and the proposal: never to a seat, as a plain Borda sum with ties by seat elects
    seat 1 in half of all random elections.
    """
    scores = {proposal: _score(proposal, ballots) for proposal in proposals}
    votes = Counter(ballot[0] for ballot in ballots if ballot)
    wins = _wins_among_equals(scores, ballots)
    order = sorted(
        proposals,
        key=lambda proposal: (
            -scores[proposal],
            -wins[proposal],
            sha256(f"{deliberation}/{proposal}".encode()).digest(),
        ),
    )
    return tuple(
        RankedProposal(
            rank=place, score=float(scores[proposal]), votes=votes[proposal], proposal=proposal
        )
        for place, proposal in enumerate(order, start=1)
    )


def ballots_cast(turns: Collection[Turn]) -> tuple[Turn, ...]:
    """The ballots among turns that were taken, in the order of their keys."""
    cast = [turn for turn in turns if turn.key.kind is TurnKind.BALLOT and turn.taken]
    return tuple(sorted(cast, key=lambda turn: turn.key))


def dissent(winner: str, ballots: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Of ballots by their turns' ids, those that did not put the winner first, although they could."""
    return tuple(
        ballot for ballot, choices in ballots.items() if winner in choices and choices[0] != winner
    )


def agreement(ballots: Collection[Sequence[str]]) -> float | None:
    """Kendall's W of ballots that may leave out some of the proposals, 0 to 1.

    None where a pair of proposals was ranked by fewer than two of the ballots: one voter always
    agrees with himself. With T_i the sum of i's deviations from the middle of each ballot, W is
    sum(T_i^2) over the same sum had each pair's voters been unanimous for the order that T gives.
    Where every pair has the same number of voters this is Durbin's W for balanced incomplete
    rankings (J. Durbin, British Journal of Psychology 4, 1951), and with complete ballots Kendall's.
    """
    lead: Counter[tuple[str, str]] = Counter()
    voters: Counter[frozenset[str]] = Counter()
    for ballot in ballots:
        for better, worse in combinations(ballot, 2):
            lead[better, worse] += 1
            lead[worse, better] -= 1
            voters[frozenset((better, worse))] += 1
    proposals = sorted({proposal for ballot in ballots for proposal in ballot})
    pairs = [frozenset(pair) for pair in combinations(proposals, 2)]
    if not pairs or any(voters[pair] < 2 for pair in pairs):  # noqa: PLR2004 - a pair of voters
        return None
    total = {i: sum(lead[i, j] for j in proposals if j != i) for i in proposals}
    order = sorted(proposals, key=lambda i: -total[i])
    unanimous: Counter[str] = Counter()
    for better, worse in combinations(order, 2):
        unanimous[better] += voters[frozenset((better, worse))]
        unanimous[worse] -= voters[frozenset((better, worse))]
    most = sum(value * value for value in unanimous.values())
    return sum(value * value for value in total.values()) / most


def _score(proposal: str, ballots: Collection[Sequence[str]]) -> Fraction:
    """Exact: in floats 0.2 + 0.4 is not 0 + 0.6, and what is no tie would be decided by rounding."""
    marks = [
        Fraction(len(ballot) - 1 - ballot.index(proposal), len(ballot) - 1)
        if len(ballot) > 1
        else UNRANKED_SCORE
        for ballot in ballots
        if proposal in ballot
    ]
    return sum(marks, start=Fraction(0)) / len(marks) if marks else UNRANKED_SCORE


def _wins_among_equals(
    scores: dict[str, Fraction], ballots: Collection[Sequence[str]]
) -> Counter[str]:
    wins: Counter[str] = Counter()
    for one, other in combinations(sorted(scores), 2):
        if scores[one] != scores[other]:
            continue
        both = [ballot for ballot in ballots if one in ballot and other in ballot]
        for_one = sum(ballot.index(one) < ballot.index(other) for ballot in both)
        if for_one * 2 > len(both):
            wins[one] += 1
        elif for_one * 2 < len(both):
            wins[other] += 1
    return wins
