"""Judges from outside what came of it: the graph, the model server's log, what callers were told, and when what was done."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.domain.ids import turn_named
from tests.chaos.faults import WHOLE_DECK, Fault, Kill, Kind

_NOTICED = 1.0
"""Seconds that it takes to hear of an end, beside a lease: one tick."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnFound:
    """A turn, as it is in the graph at the end."""

    id: str
    kind: str
    round: int
    seat: int
    outcome: str
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimFound:
    """A claim, as it is in the graph at the end."""

    sequence: int
    at: float
    """By time.time()."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A deliberation, as it is in the graph at the end."""

    id: str
    status: str
    stop_reason: str | None
    key: str
    finished_at: float | None
    """By time.time()."""
    held: bool
    alive: bool
    """Whether the lease of who holds it runs."""
    claims: tuple[ClaimFound, ...]
    """In their order."""
    verdicts: int
    deadline: float | None = None
    """By time.time()."""
    budget: int | None = None
    """In tokens."""
    spent: int | None = None
    """What counts against it."""
    turns: tuple[TurnFound, ...]

    @property
    def ended(self) -> bool:
        """Whether nothing more is to come."""
        return self.status in {"DECIDED", "FAILED", "CANCELLED"}

    def claim_at(self, moment: float) -> ClaimFound | None:
        """Return the claim that it was under then; none before the first."""
        return next((claim for claim in reversed(self.claims) if claim.at <= moment), None)

    def recorded_by(self, claim: ClaimFound) -> set[str]:
        """Return the turns that whoever made this claim found recorded."""
        return {turn.id for turn in self.turns if turn.sequence < claim.sequence}


@dataclass(slots=True, kw_only=True)
class Asked:
    """A call, as the model server saw it; times by time.time()."""

    turn: str
    caller: str
    began: float
    ended: float | None = None
    outcome: str | None = None
    tokens: int = 0
    """That were used, whatever became of it."""

    @property
    def failed(self) -> bool:
        """Whether it was the model server that did not answer it."""
        return self.outcome is not None and self.outcome not in {"answered", "cut by client"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that is judged."""

    accepted: Mapping[str, str]
    """By idempotency key: the id that a caller was answered with."""
    cancelled: Collection[str]
    """Of which a caller was told that they are."""
    after_faults: Sequence[Found]
    """When all was whole again, and before the rest was waited for."""
    at_end: Sequence[Found]
    asked: Sequence[Asked]
    recorded: Mapping[str, float]
    """When each turn was there at the latest."""
    faults: Sequence[Fault]
    kills: Sequence[Kill]
    exits: Sequence[int]
    broken: Sequence[str]
    unexpected: Sequence[str]
    read: int
    """Deliberations that were read while all went on."""
    contradictions: Sequence[str]
    """What could not be so at once in them."""
    doctor: tuple[int, str]
    lease: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A promise, what was found, and what speaks against it."""

    promise: str
    found: str
    against: Sequence[str] = field(default=())

    @property
    def holds(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.against


def read_log(path: Path) -> list[Asked]:
    """Read the model server's log: its calls in the order in which they began."""
    calls: list[Asked] = []
    open_: dict[tuple[str, int], Asked] = {}
    for text in path.read_text(encoding="utf-8").splitlines():
        line: dict[str, Any] = json.loads(text)
        which = (line["id"], line["attempt"])
        if line["event"] == "begin":
            call = Asked(
                turn=line["id"], caller=line["caller"], began=line["at"], tokens=line["tokens"]
            )
            open_[which] = call
            calls.append(call)
        else:
            call = open_.pop(which)
            call.ended, call.outcome, call.tokens = line["at"], line["outcome"], line["tokens"]
    return calls


def found_in(row: Mapping[str, Any]) -> Found:
    """Read a row of `chaos/list_deliberations`."""
    return Found(
        id=row["id"],
        status=row["status"],
        stop_reason=row["stopReason"],
        # As it was sent: the graph's begins with the caller and the mutation.
        key=(row["key"] or "").rpartition("/")[2],
        finished_at=_seconds(row["finishedAt"]),
        deadline=_seconds(row["deadline"]),
        held=row["held"],
        alive=row["alive"],
        claims=tuple(
            ClaimFound(sequence=sequence, at=at / 1_000_000)
            for sequence, at in sorted(row["claims"])
        ),
        verdicts=row["verdicts"],
        budget=row["budget"],
        spent=row["spent"],
        turns=tuple(
            TurnFound(
                id=id_, kind=kind, round=round_, seat=seat, outcome=outcome, sequence=sequence
            )
            for id_, kind, round_, seat, outcome, sequence in row["turns"]
        ),
    )


def _seconds(microseconds: int | None) -> float | None:
    return None if microseconds is None else microseconds / 1_000_000


def judge(evidence: Evidence) -> list[Row]:
    """Hold everything that is promised against what was found."""
    return [
        _something_happened(evidence),
        *_accepted(evidence),
        *_ended(evidence),
        *_turns(evidence),
        *_calls(evidence),
        _deadlines(evidence),
        _repeated_by_kills(evidence),
        *_budgets(evidence),
        *_processes(evidence),
    ]


def _something_happened(evidence: Evidence) -> Row:
    """Of a run in which nothing happened all else would hold."""
    happened = {
        "accepted": len(evidence.accepted),
        "asked of a model": len(evidence.asked),
        "decided": sum(one.status == "DECIDED" for one in evidence.at_end),
        "killed": len(evidence.kills),
        "read": evidence.read,
    }
    kinds = Counter(fault.kind for fault in evidence.faults)
    in_time = {
        "cancelled": len(evidence.cancelled),
        "given a deadline": sum(one.deadline is not None for one in evidence.at_end),
        "given a budget": sum(one.budget is not None for one in evidence.at_end),
        "paused": kinds[Kind.PAUSE],
        "cut off": kinds[Kind.CUT] + kinds[Kind.PART],
        "slowed": kinds[Kind.SLOW],
        "done to Neo4j": kinds[Kind.NEO4J_KILL] + kinds[Kind.NEO4J_PAUSE] + kinds[Kind.NEO4J_END],
    }
    # A shorter run may lack these by chance.
    due = happened | in_time if len(evidence.faults) >= WHOLE_DECK else happened
    return Row(
        promise="there was something to judge",
        found=", ".join(f"{times} {what}" for what, times in (happened | in_time).items()),
        against=[f"nothing was {what}" for what, times in due.items() if not times],
    )


def _accepted(evidence: Evidence) -> list[Row]:
    ids = {one.id for one in evidence.after_faults}
    lost = set(evidence.accepted.values()) - ids
    ended = sum(one.ended for one in evidence.after_faults)
    owned = sum(not one.ended and one.alive for one in evidence.after_faults)
    ownerless = [one.id for one in evidence.after_faults if not one.ended and not one.alive]
    keys = Counter(one.key for one in evidence.at_end)
    by_key = {one.key: one.id for one in evidence.at_end}
    return [
        Row(
            promise="accepted = ended + owned by somebody alive",
            found=f"{len(evidence.accepted)} answered, {len(ids)} there = {ended} + {owned}",
            against=[
                *(f"{id_} is lost" for id_ in sorted(lost)),
                *(f"{id_} is owned by nobody alive" for id_ in ownerless),
            ],
        ),
        Row(
            promise="one deliberation a key, and the one that was answered",
            found=f"{len(keys)} keys",
            against=[
                *(f"{key} has {times}" for key, times in keys.items() if times > 1),
                *(
                    f"{key} is {by_key.get(key)}, and {id_} was answered"
                    for key, id_ in evidence.accepted.items()
                    if by_key.get(key) != id_
                ),
            ],
        ),
    ]


def _ended(evidence: Evidence) -> list[Row]:
    ends = Counter(f"{one.status} {one.stop_reason}" for one in evidence.at_end)
    return [
        Row(
            promise="everything ends, nothing by an error of the service",
            found=", ".join(f"{times} {end}" for end, times in ends.most_common()),
            against=[
                f"{one.id} is {one.status} {one.stop_reason}"
                for one in evidence.at_end
                if not one.ended or one.stop_reason == "ERROR"
            ],
        ),
        Row(
            promise="what was cancelled stays so",
            found=f"{len(evidence.cancelled)} were",
            against=[
                f"{one.id} is {one.status}"
                for one in evidence.at_end
                if one.id in evidence.cancelled and one.status != "CANCELLED"
            ],
        ),
        Row(
            promise="a verdict where it was decided, and only there",
            found=f"{sum(one.verdicts for one in evidence.at_end)} verdicts",
            against=[
                f"{one.id} is {one.status} and has {one.verdicts}"
                for one in evidence.at_end
                if one.verdicts != (one.status == "DECIDED")
            ],
        ),
        Row(
            promise="no claim left",
            found=f"{sum(len(one.claims) for one in evidence.at_end)} claims were made",
            against=[f"{one.id} is still held" for one in evidence.at_end if one.held],
        ),
    ]


def _turns(evidence: Evidence) -> list[Row]:
    answered = {call.turn for call in evidence.asked if call.outcome == "answered"}
    turns = [(one, turn) for one in evidence.at_end for turn in one.turns]
    places = Counter((one.id, turn.kind, turn.round, turn.seat) for one, turn in turns)
    ids = Counter(turn.id for _, turn in turns)
    return [
        Row(
            promise="no turn twice",
            found=f"{len(turns)} turns",
            against=[f"{what} {times} times" for what, times in _several(places, ids)],
        ),
        Row(
            promise="no turn that no model gave",
            found=f"{sum(turn.outcome == 'TAKEN' for _, turn in turns)} taken",
            against=[
                turn.id for _, turn in turns if turn.outcome == "TAKEN" and turn.id not in answered
            ],
        ),
    ]


def _several(*counters: Counter[Any]) -> Iterable[tuple[Any, int]]:
    return ((what, times) for one in counters for what, times in one.items() if times > 1)


def _calls(evidence: Evidence) -> list[Row]:
    of = {turn.id: one for one in evidence.at_end for turn in one.turns}
    # What the model server failed to answer is asked again under the same claim.
    times = Counter(call.turn for call in evidence.asked if not call.failed)
    bound = evidence.lease + _NOTICED
    return [
        Row(
            promise="no call repeated whose turn was recorded",
            found=f"{len(evidence.asked)} calls for {len({call.turn for call in evidence.asked})} turns",
            against=[*_asked_after_its_claim(evidence, of), *_asked_after_it_was_seen(evidence)],
        ),
        Row(
            promise="no call made twice under one claim",
            found=f"{sum(count - 1 for count in times.values())} made again under another",
            against=[
                f"{turn} was asked for {count} times under {len(one.claims)} claims"
                for turn, count in times.items()
                if (one := _deliberation_of(turn, evidence)) is not None and count > len(one.claims)
            ],
        ),
        Row(
            promise=f"no call {bound:g} s after the end, or later",
            found="a lease and a tick",
            against=[
                f"{call.turn} began {call.began - ended:.2f} s after the end"
                for call in evidence.asked
                if (one := _deliberation_of(call.turn, evidence)) is not None
                and (ended := one.finished_at) is not None
                and call.began > ended + bound
            ],
        ),
    ]


def _deliberation_of(turn: str, evidence: Evidence) -> Found | None:
    """Return whose turn it is, recorded or not: what a cancel kept from being recorded is judged as well."""
    named = turn_named(turn)
    return next((one for one in evidence.at_end if named and one.id == named[0]), None)


def _asked_after_its_claim(evidence: Evidence, of: Mapping[str, Found]) -> list[str]:
    """Tell the calls under a claim for what it found recorded: the sequence says what that was, and no clock."""
    against: list[str] = []
    for call in evidence.asked:
        if (one := of.get(call.turn)) is None or (claim := one.claim_at(call.began)) is None:
            continue
        if call.turn in one.recorded_by(claim):
            against.append(
                f"{call.turn} was recorded before the claim {claim.sequence} under which {call.caller} asked for it"
            )
    return against


def _asked_after_it_was_seen(evidence: Evidence) -> list[str]:
    """Tell the calls for what a look at the graph had shown recorded, under whatever claim."""
    return [
        f"{call.turn} was recorded {call.began - evidence.recorded[call.turn]:.2f} s before {call.caller} asked for it"
        for call in evidence.asked
        if call.began > evidence.recorded.get(call.turn, call.began)
    ]


def _deadlines(evidence: Evidence) -> Row:
    limited = {one.id: (one, one.deadline) for one in evidence.at_end if one.deadline is not None}
    late: list[str] = []
    for call in evidence.asked:
        named = turn_named(call.turn)
        if named is None or named[0] not in limited:
            continue
        one, deadline = limited[named[0]]
        claim = one.claim_at(call.began)
        if claim is not None and claim.at > deadline:
            late.append(f"{call.turn} was asked for under a claim made after the deadline")
        elif call.began > deadline + _NOTICED:
            late.append(f"{call.turn} began {call.began - deadline:.2f} s after the deadline")
    missed = sum(
        any(claim.at > deadline for claim in one.claims) for one, deadline in limited.values()
    )
    return Row(
        promise="no call after the deadline, and none under a claim that came after it",
        found=f"{len(limited)} with one, {missed} claimed after it",
        against=late,
    )


def _budgets(evidence: Evidence) -> list[Row]:
    used = used_by_deliberation(evidence.asked)
    limited = [(one, one.budget) for one in evidence.at_end if one.budget is not None]
    excess = [max(0, used[one.id] - budget) / budget for one, budget in limited]
    mean, most = sum(excess) / max(1, len(excess)), max(excess, default=0.0)
    return [
        Row(
            promise="no more tokens used than the budget",
            found=f"{len(limited)} with one, beyond it {mean:.2%} in the mean, {most:.2%} at most",
            against=[
                f"{one.id} used {used[one.id]} of {budget}"
                for one, budget in limited
                if used[one.id] > budget
            ],
        ),
        Row(
            promise="all that was used is spent",
            found=f"{sum(used[one.id] for one, _ in limited)} used, {sum(one.spent or 0 for one, _ in limited)} spent",
            against=[
                f"{one.id} used {used[one.id]} and has {one.spent} as spent"
                for one, _ in limited
                if used[one.id] > (one.spent or 0)
            ],
        ),
    ]


def used_by_deliberation(asked: Iterable[Asked]) -> Counter[str]:
    """Sum up what the model server counted, over all attempts of all turns."""
    used: Counter[str] = Counter()
    for call in asked:
        named = turn_named(call.turn)
        if named is not None:
            used[named[0]] += call.tokens
    return used


def _repeated_by_kills(evidence: Evidence) -> Row:
    """Compare for each kill the calls that were made again with those that it left unrecorded.

    What it left is counted at the kill: what was in flight then, and what was answered and not recorded by the
    claim that came next. What was made again is counted afterwards, call by call.
    """
    of = {one.id: one for one in evidence.at_end}
    left, flying, repeated = Counter[Kill](), 0, Counter[Kill]()
    for turn, calls in _by_turn(evidence.asked).items():
        named = turn_named(turn)
        one = None if named is None else of.get(named[0])
        if one is None:
            continue
        for call in calls:
            if (kill := _kill_of(call, evidence.kills)) is None:
                continue
            in_flight = _in_flight(call, kill)
            flying += in_flight
            left[kill] += in_flight or _unrecorded(call, one, kill)
            repeated[kill] += sum(_repeats(later, call, kill, one) for later in calls)
    return Row(
        promise="a kill repeats at most what was in flight or not recorded yet",
        found=f"{len(evidence.kills)} kills, {flying} calls in flight and {left.total() - flying} answered and not recorded; {repeated.total()} repeated, at most {max(repeated.values(), default=0)} by one",
        against=[
            f"{kill.victim}: {repeated[kill]} repeated, and only {left[kill]} were in flight or not recorded"
            for kill in evidence.kills
            if repeated[kill] > left[kill]
        ],
    )


def _by_turn(asked: Iterable[Asked]) -> Mapping[str, Sequence[Asked]]:
    """Return the calls of each turn, less those that the model server failed: they are asked again anyway."""
    calls: dict[str, list[Asked]] = defaultdict(list)
    for call in asked:
        if not call.failed:
            calls[call.turn].append(call)
    return calls


def _kill_of(call: Asked, kills: Iterable[Kill]) -> Kill | None:
    """Return the kill that the process which made this call met with."""
    mine = (kill for kill in kills if kill.victim == call.caller and kill.ended >= call.began)
    return min(mine, key=lambda kill: kill.began, default=None)


def _in_flight(call: Asked, kill: Kill) -> bool:
    return call.ended is None or call.ended >= kill.began


def _unrecorded(call: Asked, one: Found, kill: Kill) -> bool:
    """Say whether it was answered before the kill, and not recorded when the next process claimed it."""
    after = next((claim for claim in one.claims if claim.at > kill.began), None)
    return (
        call.outcome == "answered" and after is not None and call.turn not in one.recorded_by(after)
    )


def _repeats(later: Asked, call: Asked, kill: Kill, one: Found) -> bool:
    """Say whether a call was made again because of this kill, under the claim that came next."""
    after = next((claim for claim in one.claims if claim.at > kill.began), None)
    if after is None or one.claim_at(later.began) != after:
        return False
    # What was closed before the kill had been overtaken or given up, and is not repeated for the kill's sake.
    return call.outcome == "answered" or _in_flight(call, kill)


def _processes(evidence: Evidence) -> list[Row]:
    code, said = evidence.doctor
    return [
        Row(
            promise="no process ends unasked",
            found=f"{len(evidence.broken)} did",
            against=evidence.broken,
        ),
        Row(
            promise="who is told to end does so with 0",
            found=f"{len(evidence.exits)} did",
            against=[f"one ended with {code}" for code in evidence.exits if code],
        ),
        Row(
            promise="callers hear only what the API promises",
            found=f"{len(evidence.unexpected)} other answers",
            against=evidence.unexpected,
        ),
        Row(
            promise="what is read is of one moment",
            found=f"{evidence.read} deliberations read",
            against=evidence.contradictions,
        ),
        Row(
            promise="`council doctor` finds nothing",
            found=said.splitlines()[-1] if said else f"exit code {code}",
            against=[said or f"exit code {code}"] if code else [],
        ),
    ]
