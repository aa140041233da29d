"""The judge of `make chaos`: it says yes where all is well, and no to each single thing that must never be."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from orchestrator.domain.values import replace
from tests.chaos.faults import WHOLE_DECK, Fault, Kill, Kind
from tests.chaos.judging import Asked, ClaimFound, Evidence, Found, TurnFound, judge
from tests.chaos.reading import contradictions

_KILL = Kill(victim="one", began=10.0, ended=10.1)


def _turn(seat: int, sequence: int) -> TurnFound:
    return TurnFound(
        id=_id(seat), kind="PROPOSAL", round=0, seat=seat, outcome="TAKEN", sequence=sequence
    )


def _id(seat: int) -> str:
    return f"trn_1-p0-s{seat}"


def _asked(
    seat: int, began: float, ended: float, caller: str = "one", outcome: str = "answered"
) -> Asked:
    return Asked(turn=_id(seat), caller=caller, began=began, ended=ended, outcome=outcome)


_FOUND = Found(
    id="dlb_1",
    status="DECIDED",
    stop_reason="COMPLETED",
    key="order 1",
    finished_at=12.0,
    held=False,
    alive=False,
    claims=(ClaimFound(sequence=1, at=7.0), ClaimFound(sequence=3, at=10.5)),
    verdicts=1,
    turns=(_turn(1, 2), _turn(2, 4)),
)
_WELL = Evidence(
    accepted={"order 1": "dlb_1"},
    cancelled=set(),
    after_faults=[_FOUND],
    at_end=[_FOUND],
    asked=[
        _asked(1, 8.0, 9.0),
        # In flight when its caller was killed, and so made again by who took over.
        _asked(2, 9.9, 10.1, outcome="cut by client"),
        _asked(2, 11.0, 11.5, "two"),
    ],
    recorded={_id(1): 11.9, _id(2): 11.9},
    faults=[Fault(kind=Kind.KILL, victim="one", began=10.0, ended=10.5)],
    kills=[_KILL],
    exits=[0],
    broken=[],
    unexpected=[],
    read=100,
    contradictions=[],
    doctor=(0, "the graph is sound"),
    lease=3.0,
)


def _used(tokens: int) -> Asked:
    """A call of the deliberation for a turn that was never recorded."""
    asked = _asked(3, 9.9, 10.1, outcome="cut by server")
    return replace(asked, tokens=tokens)


def _broken(evidence: Evidence) -> list[str]:
    return [row.promise for row in judge(evidence) if not row.holds]


def _with(found: Found) -> Evidence:
    return replace(_WELL, at_end=[found])


def test_what_is_as_promised_is_called_so() -> None:
    assert _broken(_WELL) == []


@pytest.mark.parametrize(
    ("promise", "evidence"),
    [
        ("accepted = ended", replace(_WELL, accepted={**_WELL.accepted, "order 2": "dlb_2"})),
        ("accepted = ended", replace(_WELL, after_faults=[replace(_FOUND, status="RUNNING")])),
        ("one deliberation a key", replace(_WELL, at_end=[_FOUND, replace(_FOUND, id="dlb_2")])),
        ("one deliberation a key", replace(_WELL, accepted={"order 1": "dlb_2"})),
        ("everything ends", _with(replace(_FOUND, status="RUNNING"))),
        ("everything ends", _with(replace(_FOUND, stop_reason="ERROR"))),
        ("what was cancelled", replace(_WELL, cancelled={"dlb_1"})),
        ("a verdict", _with(replace(_FOUND, verdicts=0))),
        ("a verdict", _with(replace(_FOUND, status="FAILED"))),
        ("no claim left", _with(replace(_FOUND, held=True))),
        (
            "no turn twice",
            _with(replace(_FOUND, turns=(*_FOUND.turns, replace(_turn(1, 5), id="trn_1-p0-s4")))),
        ),
        ("no turn that no model", _with(replace(_FOUND, turns=(*_FOUND.turns, _turn(3, 5))))),
        (
            "no call repeated whose turn was recorded",
            # Before the second claim, which no look at the graph was quick enough to tell.
            replace(_WELL, asked=[*_WELL.asked, _asked(1, 10.6, 10.7, "two")]),
        ),
        (
            "no call repeated whose turn was recorded",
            # Under the first claim, as a look at the graph did tell.
            replace(_WELL, asked=[*_WELL.asked, _asked(1, 9.6, 9.7)], recorded={_id(1): 9.5}),
        ),
        ("no call made twice under one claim", _with(replace(_FOUND, claims=_FOUND.claims[:1]))),
        ("no call 4 s after", replace(_WELL, asked=[*_WELL.asked, _asked(1, 17.0, 18.0)])),
        ("no call after the deadline", _with(replace(_FOUND, deadline=9.9))),
        (
            "no call after the deadline",
            replace(
                _with(replace(_FOUND, deadline=10.6)),
                asked=[*_WELL.asked, _asked(3, 11.7, 11.9, "two")],
            ),
        ),
        (
            # Answered and recorded before the kill.
            "a kill repeats at most",
            replace(_WELL, asked=[*_WELL.asked, _asked(1, 11.0, 12.0, "two")]),
        ),
        (
            # Once is what a kill costs.
            "a kill repeats at most",
            replace(_WELL, asked=[*_WELL.asked, _asked(2, 11.6, 12.0, "two")]),
        ),
        (
            "no more tokens used",
            replace(
                _with(replace(_FOUND, budget=99, spent=99)),
                asked=[*_WELL.asked, _used(60), _used(40)],
            ),
        ),
        (
            "all that was used is spent",
            replace(
                _with(replace(_FOUND, budget=200, spent=99)),
                asked=[*_WELL.asked, _used(60), _used(40)],
            ),
        ),
        ("no process ends unasked", replace(_WELL, broken=["one: it ended with 1"])),
        ("who is told to end", replace(_WELL, exits=[0, 1])),
        ("callers hear only", replace(_WELL, unexpected=["500"])),
        ("what is read is of one moment", replace(_WELL, contradictions=["dlb_1, RUNNING: …"])),
        ("`council doctor`", replace(_WELL, doctor=(1, "1 violation"))),
    ],
)
def test_what_must_never_be_is_told(promise: str, evidence: Evidence) -> None:
    assert [told for told in _broken(evidence) if told.startswith(promise)]


_NOTHING = replace(
    _WELL,
    accepted={},
    after_faults=[],
    at_end=[],
    asked=[],
    recorded={},
    faults=[],
    kills=[],
    exits=[],
    read=0,
)


def test_a_run_in_which_nothing_happened_shows_nothing() -> None:
    assert _broken(_NOTHING) == ["there was something to judge"]


@pytest.mark.parametrize(
    ("what", "evidence"),
    [
        ("nothing was accepted", replace(_WELL, accepted={})),
        ("nothing was asked of a model", replace(_WELL, asked=[])),
        ("nothing was decided", _with(replace(_FOUND, status="CANCELLED", verdicts=0))),
        ("nothing was killed", replace(_WELL, kills=[])),
        ("nothing was read", replace(_WELL, read=0)),
    ],
)
def test_what_did_not_happen_once_is_told(what: str, evidence: Evidence) -> None:
    assert what in [told for row in judge(evidence) for told in row.against]


_CANCELLED = replace(
    _FOUND,
    id="dlb_2",
    status="CANCELLED",
    stop_reason="CANCELLED",
    key="order 2",
    deadline=100.0,
    budget=100,
    spent=0,
    claims=(),
    verdicts=0,
    turns=(),
)


def _faults(*left_out: Kind) -> list[Fault]:
    """So many that every kind had its turn, whether it was taken or not."""
    kinds = [kind for kind in Kind if kind not in left_out]
    return [
        Fault(kind=kinds[number % len(kinds)], victim="one", began=10.0, ended=10.5)
        for number in range(WHOLE_DECK)
    ]


_LONG = replace(
    _WELL,
    accepted={"order 1": "dlb_1", "order 2": "dlb_2"},
    cancelled={"dlb_2"},
    after_faults=[_FOUND, _CANCELLED],
    at_end=[_FOUND, _CANCELLED],
    faults=_faults(),
)


def test_a_long_run_in_which_each_thing_happened_is_called_well() -> None:
    assert _broken(_LONG) == []


@pytest.mark.parametrize(
    ("what", "evidence"),
    [
        ("cancelled", replace(_LONG, cancelled=set())),
        (
            "given a deadline",
            replace(_LONG, at_end=[_FOUND, replace(_CANCELLED, deadline=None)]),
        ),
        ("given a budget", replace(_LONG, at_end=[_FOUND, replace(_CANCELLED, budget=None)])),
        ("paused", replace(_LONG, faults=_faults(Kind.PAUSE))),
        ("cut off", replace(_LONG, faults=_faults(Kind.CUT, Kind.PART))),
        ("slowed", replace(_LONG, faults=_faults(Kind.SLOW))),
        (
            "done to Neo4j",
            replace(_LONG, faults=_faults(Kind.NEO4J_KILL, Kind.NEO4J_PAUSE, Kind.NEO4J_END)),
        ),
    ],
)
def test_what_did_not_happen_once_in_a_long_run_is_told_and_in_a_short_one_is_not(
    what: str, evidence: Evidence
) -> None:
    told = [told for row in judge(evidence) for told in row.against]
    short = replace(evidence, faults=evidence.faults[1:])

    assert told == [f"nothing was {what}"]
    assert _broken(short) == []


@pytest.mark.parametrize(
    ("contradicts", "shown"),
    [
        (None, {}),
        (None, {"status": "CANCELLED", "verdict": None, "startedAt": None}),
        ("an end without a time", {"finishedAt": None}),
        ("a time without an end", {"status": "RUNNING", "stopReason": None, "verdict": None}),
        ("an end without a reason", {"stopReason": None}),
        ("a decision without a verdict", {"verdict": None}),
        ("a verdict without a decision", {"status": "CANCELLED"}),
        ("never began", {"status": "RUNNING", "startedAt": None}),
        (
            "has begun",
            {"status": "QUEUED", "finishedAt": None, "stopReason": None, "verdict": None},
        ),
        ("12 turns taken, and 11 listed", {"turns": {"totalCount": 11}}),
    ],
)
def test_answer_that_contradicts_itself_is_told(
    contradicts: str | None, shown: dict[str, object]
) -> None:
    decided: dict[str, object] = {
        "id": "dlb_1",
        "status": "DECIDED",
        "stopReason": "COMPLETED",
        "startedAt": "2026-01-31T12:00:00Z",
        "finishedAt": "2026-01-31T12:01:00Z",
        "verdict": {"id": "vrd_1"},
        "progress": {"turnsTaken": 12},
        "turns": {"totalCount": 12},
    }

    told = contradictions(decided | shown)

    assert told == [] if contradicts is None else any(contradicts in one for one in told)


def test_a_budget_that_was_used_up_to_the_last_token_is_held() -> None:
    limited = _with(replace(_FOUND, budget=100, spent=100))
    assert _broken(replace(limited, asked=[*_WELL.asked, _used(60), _used(40)])) == []


def test_a_call_that_the_model_server_failed_may_be_made_again_under_the_same_claim() -> None:
    failed: Callable[[float], Asked] = lambda began: _asked(  # noqa: E731
        1, began, began + 0.1, outcome="cut by server"
    )
    assert _broken(replace(_WELL, asked=[failed(7.0), failed(7.5), *_WELL.asked])) == []


def test_what_was_answered_and_not_recorded_when_its_process_was_killed_may_be_asked_for_again() -> (
    None
):
    found = replace(_FOUND, turns=(_turn(1, 4), _turn(2, 5)))
    assert _broken(replace(_with(found), asked=[*_WELL.asked, _asked(1, 11.0, 11.2, "two")])) == []


def test_a_deadline_is_met_by_what_began_before_it() -> None:
    assert _broken(_with(replace(_FOUND, deadline=11.0))) == []
