"""PEER_REVIEW: each seat proposes, criticises a neighbour's proposal, revises its own, and ranks the others'.

Round 0 is the proposals. In round r from 1, seat s criticises the standing proposal of the seat
1 + (r - 1) mod (n - 1) further on, in a ring over the seats as accepted that never closes over
gaps: no target, no critique; no critique, no revision. An absent revision leaves the proposal
before it standing. Absence belongs to the turn, not to the seat: who has no proposal still
criticises and votes. Nothing waits for more than what it is about.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from orchestrator.domain import counting
from orchestrator.domain.deliberations import StopReason, Turn, TurnKey, TurnKind, Verdict
from orchestrator.domain.ids import turn_id
from orchestrator.domain.protocols.steps import Ask, Decide, Fail, Rules, Step, Take


def turns_expected(rules: Rules) -> int:
    """Count the turns of a deliberation in which nobody is absent."""
    seats = len(rules.seats)
    return 1 if seats == 1 else seats * (2 + 2 * rules.rounds)


def next_step(rules: Rules, turns: Collection[Turn]) -> Step:
    """Say what follows from the turns recorded, in whatever order they are given."""
    table = _Table(rules, {turn.key: turn for turn in turns})
    standings = {seat: _standing(table, seat, rules.rounds) for seat in rules.seats}

    possible = [s for s in standings.values() if s.proposal is not None or not s.settled]
    if len(possible) < rules.quorum:
        return Fail(
            stop_reason=StopReason.QUORUM_LOST,
            failure=(
                f"{len(rules.seats) - len(possible)} of {len(rules.seats)} seats have no proposal; "
                f"the quorum is {rules.quorum}"
            ),
        )

    asks = [ask for seat in rules.seats for ask in _asks_about(table, seat)]
    if asks or not all(standing.settled for standing in standings.values()):
        return Take(asks=tuple(asks))

    standing = {s.proposal: seat for seat, s in standings.items() if s.proposal is not None}
    if asks := _ballots_to_take(table, standing):
        return Take(asks=tuple(asks))
    return _conclude(table, standing)


@dataclass(frozen=True, slots=True)
class _Table:
    """The turns on the table."""

    rules: Rules
    turns: Mapping[TurnKey, Turn]

    def id_of(self, key: TurnKey) -> str:
        return turn_id(self.rules.deliberation, key)


@dataclass(frozen=True, slots=True)
class _Standing:
    """A seat's proposal as it stands, by id; `settled` once no turn can change it any more."""

    proposal: str | None
    settled: bool


def _critic_of(rules: Rules, seat: int, round_: int) -> int:
    count = len(rules.seats)
    distance = 1 + (round_ - 1) % (count - 1)
    return rules.seats[(rules.seats.index(seat) - distance) % count]


def _critique_key(rules: Rules, seat: int, round_: int) -> TurnKey:
    critic = _critic_of(rules, seat, round_)
    return TurnKey(kind=TurnKind.CRITIQUE, round=round_, seat=critic, target=seat)


def _standing(table: _Table, seat: int, last_round: int) -> _Standing:
    """Follow a seat's proposal through the rounds up to and with `last_round`."""
    first = table.turns.get(TurnKey(kind=TurnKind.PROPOSAL, round=0, seat=seat))
    if first is None:
        return _Standing(None, settled=False)
    if not first.taken:
        return _Standing(None, settled=True)
    proposal = first.id
    if len(table.rules.seats) == 1:
        return _Standing(proposal, settled=True)
    for round_ in range(1, last_round + 1):
        critique = table.turns.get(_critique_key(table.rules, seat, round_))
        if critique is None:
            return _Standing(proposal, settled=False)
        if not critique.taken:
            continue
        revision = table.turns.get(TurnKey(kind=TurnKind.REVISION, round=round_, seat=seat))
        if revision is None:
            return _Standing(proposal, settled=False)
        if revision.taken:
            proposal = revision.id
    return _Standing(proposal, settled=True)


def _asks_about(table: _Table, seat: int) -> list[Ask]:
    """What can be asked now about one seat's proposal: at most one turn, as each waits for the one before."""
    first = TurnKey(kind=TurnKind.PROPOSAL, round=0, seat=seat)
    if first not in table.turns:
        return [Ask(key=first)]
    if len(table.rules.seats) == 1:
        return []
    for round_ in range(1, table.rules.rounds + 1):
        before = _standing(table, seat, round_ - 1)
        if before.proposal is None or not before.settled:
            return []
        critique_key = _critique_key(table.rules, seat, round_)
        critique = table.turns.get(critique_key)
        if critique is None:
            return [Ask(key=critique_key, target=before.proposal)]
        revision = TurnKey(kind=TurnKind.REVISION, round=round_, seat=seat)
        if critique.taken and revision not in table.turns:
            return [Ask(key=revision, revises=before.proposal, answers=(critique.id,))]
    return []


def _ballot_key(table: _Table, seat: int) -> TurnKey:
    return TurnKey(kind=TurnKind.BALLOT, round=table.rules.rounds, seat=seat)


def _ballots_to_take(table: _Table, standing: Mapping[str, int]) -> list[Ask]:
    """One a seat over the others' proposals; none where there is nothing to choose between."""
    if len(standing) == 1:
        return []
    return [
        Ask(key=key, choices=tuple(p for p, proposer in standing.items() if proposer != seat))
        for seat in table.rules.seats
        if (key := _ballot_key(table, seat)) not in table.turns
    ]


def _conclude(table: _Table, standing: Mapping[str, int]) -> Step:
    cast = sorted(
        (turn for turn in table.turns.values() if turn.key.kind is TurnKind.BALLOT and turn.taken),
        key=lambda turn: turn.key,
    )
    if len(standing) > 1 and not cast:
        return Fail(
            stop_reason=StopReason.QUORUM_LOST,
            failure=f"{len(standing)} proposals stand, and no ballot came to choose between them",
        )
    choices = [ballot.choices for ballot in cast]
    ranking = counting.rank(table.rules.deliberation, standing, choices)
    winner = ranking[0]
    absent = any(not turn.taken for turn in table.turns.values())
    ballot_absent = any(
        not turn.taken for turn in table.turns.values() if turn.key.kind is TurnKind.BALLOT
    )
    return Decide(
        verdict=Verdict(
            ranking=ranking,
            ballots=tuple(ballot.id for ballot in cast),
            dissent=tuple(
                ballot.id
                for ballot in cast
                if winner.proposal in ballot.choices and ballot.choices[0] != winner.proposal
            ),
            margin=winner.score - ranking[1].score if len(ranking) > 1 else 1.0,
            agreement=None if ballot_absent else counting.agreement(choices),
            partial=absent,
        )
    )
