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
from orchestrator.domain.protocols.steps import Ask, Decide, Fail, Rules, Step, Take
from orchestrator.domain.values import replace


def turns_expected(rules: Rules) -> int:
    """Count the turns of a deliberation in which nobody is absent."""
    seats = len(rules.seats)
    return 1 if seats == 1 else seats * (2 + 2 * rules.rounds)


def next_step(rules: Rules, turns: Collection[Turn]) -> Step:
    """Say what follows from the turns recorded, in whatever order they are given."""
    table = _Table(rules, {turn.key: turn for turn in turns})
    standings = {seat: _follow(table, seat) for seat in rules.seats}

    possible = [s for s in standings.values() if s.proposal is not None or s.next_ask is not None]
    if len(possible) < rules.quorum:
        return Fail(
            stop_reason=StopReason.QUORUM_LOST,
            failure=(
                f"{len(rules.seats) - len(possible)} of {len(rules.seats)} seats have no proposal; "
                f"the quorum is {rules.quorum}"
            ),
        )

    if asks := [s.next_ask for s in standings.values() if s.next_ask is not None]:
        return Take(asks=tuple(asks))

    standing = {s.proposal: seat for seat, s in standings.items() if s.proposal is not None}
    if asks := _ballots_to_take(table, standing):
        return Take(asks=tuple(asks))
    return _conclude(table, standing)


def conclude_early(rules: Rules, turns: Collection[Turn], stop_reason: StopReason) -> Decide | Fail:
    """Say what the turns recorded amount to when no more may be taken.

    With a quorum of standing proposals and a ballot at least, or nothing to choose between, that is
    a partial verdict.
    """
    table = _Table(rules, {turn.key: turn for turn in turns})
    standing = {
        proposal: seat
        for seat in rules.seats
        if (proposal := _follow(table, seat).proposal) is not None
    }
    if len(standing) < rules.quorum:
        return Fail(
            stop_reason=stop_reason,
            failure=f"{len(standing)} proposals stood when it was stopped; the quorum is {rules.quorum}",
        )
    end = _conclude(table, standing)
    if isinstance(end, Fail):
        return replace(end, stop_reason=stop_reason)
    return Decide(verdict=replace(end.verdict, partial=True), stop_reason=stop_reason)


@dataclass(frozen=True, slots=True)
class _Table:
    """The turns on the table."""

    rules: Rules
    turns: Mapping[TurnKey, Turn]


@dataclass(frozen=True, slots=True)
class _Standing:
    """A seat's proposal as it stands, by id, and the next turn about it; none once it is settled."""

    proposal: str | None
    next_ask: Ask | None


def _critic_of(rules: Rules, seat: int, round_: int) -> int:
    count = len(rules.seats)
    distance = 1 + (round_ - 1) % (count - 1)
    return rules.seats[(rules.seats.index(seat) - distance) % count]


def _critique_key(rules: Rules, seat: int, round_: int) -> TurnKey:
    critic = _critic_of(rules, seat, round_)
    return TurnKey(kind=TurnKind.CRITIQUE, round=round_, seat=critic, target=seat)


def _follow(table: _Table, seat: int) -> _Standing:
    """Follow a seat's proposal through the rounds; each turn about it waits for the one before."""
    first = TurnKey(kind=TurnKind.PROPOSAL, round=0, seat=seat)
    turn = table.turns.get(first)
    if turn is None:
        return _Standing(None, Ask(key=first))
    if not turn.taken:
        return _Standing(None, None)
    proposal = turn.id
    rounds = table.rules.rounds if len(table.rules.seats) > 1 else 0
    for round_ in range(1, rounds + 1):
        critique_key = _critique_key(table.rules, seat, round_)
        critique = table.turns.get(critique_key)
        if critique is None:
            return _Standing(proposal, Ask(key=critique_key, target=proposal))
        if not critique.taken:
            continue
        revision_key = TurnKey(kind=TurnKind.REVISION, round=round_, seat=seat)
        revision = table.turns.get(revision_key)
        if revision is None:
            ask = Ask(key=revision_key, revises=proposal, answers=(critique.id,))
            return _Standing(proposal, ask)
        if revision.taken:
            proposal = revision.id
    return _Standing(proposal, None)


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


def _conclude(table: _Table, standing: Mapping[str, int]) -> Decide | Fail:
    cast = counting.ballots_cast(table.turns.values())
    if len(standing) > 1 and not cast:
        return Fail(
            stop_reason=StopReason.QUORUM_LOST,
            failure=f"{len(standing)} proposals stand, and no ballot came to choose between them",
        )
    choices = [ballot.choices for ballot in cast]
    ranking = counting.rank(table.rules.deliberation, standing, choices)
    winner = ranking[0]
    absent = any(not turn.taken for turn in table.turns.values())
    return Decide(
        verdict=Verdict(
            ranking=ranking,
            ballots=tuple(ballot.id for ballot in cast),
            dissent=counting.dissent(
                winner.proposal, {ballot.id: ballot.choices for ballot in cast}
            ),
            margin=winner.score - ranking[1].score if len(ranking) > 1 else 1.0,
            agreement=counting.agreement(choices) if len(cast) == len(table.rules.seats) else None,
            partial=absent,
        )
    )
