"""What follows from a transcript."""

from __future__ import annotations

from orchestrator.domain.deliberations import Status, TurnKind
from orchestrator.domain.reading import Progress, progress, read
from orchestrator.domain.values import replace
from tests.support.samples import a_council, a_deliberation, play


def test_nothing_recorded_leaves_everything_to_do() -> None:
    deliberation, transcript = play(a_deliberation(), turns=0)
    reading = read(transcript)

    assert reading.standing() == ()
    assert reading.outcome is None
    assert progress(deliberation, reading) == Progress(0, 12, TurnKind.PROPOSAL)


def test_phase_is_the_earliest_kind_that_is_due() -> None:
    phases = [
        progress(deliberation, read(transcript)).phase
        for deliberation, transcript in (play(a_deliberation(), turns=n) for n in range(13))
    ]

    # One seat's revision can be due while another has not proposed yet.
    assert phases[0] is TurnKind.PROPOSAL
    assert TurnKind.REVISION in phases
    assert phases[-2] is TurnKind.BALLOT
    assert phases[-1] is None


def test_what_has_ended_or_has_only_its_verdict_to_come_is_in_no_phase() -> None:
    cancelled, half = play(a_deliberation(), turns=4)
    decided, whole = play(a_deliberation())

    assert progress(replace(cancelled, status=Status.CANCELLED), read(half)) == Progress(
        4, 12, None
    )
    assert progress(replace(decided, status=Status.RUNNING), read(whole)) == Progress(12, 12, None)


def test_standing_proposals_are_the_last_of_each_seat_and_best_first_after_the_verdict() -> None:
    _, half = play(a_deliberation(), turns=4)
    _, whole = play(a_deliberation())

    assert [turn.key.seat for turn in read(half).standing()] == [1, 2]
    reading = read(whole)
    assert reading.outcome is not None
    ranking = reading.outcome.verdict.ranking
    assert [turn.id for turn in reading.standing()] == [place.proposal for place in ranking]

    turned = tuple(
        replace(place, rank=len(ranking) + 1 - place.rank) for place in reversed(ranking)
    )
    verdict = replace(reading.outcome.verdict, ranking=turned)
    reading = read(replace(whole, outcome=replace(reading.outcome, verdict=verdict)))
    assert [turn.key.seat for turn in reading.standing()] == [3, 2, 1]


def test_absent_revision_leaves_the_proposal_before_it_standing() -> None:
    _, transcript = play(a_deliberation(), absent={TurnKind.REVISION})
    reading = read(transcript)

    standing = {turn.key.seat: turn.key.kind for turn in reading.standing()}
    assert standing == {1: TurnKind.PROPOSAL, 2: TurnKind.REVISION, 3: TurnKind.REVISION}
    assert "trn_1-p0-s1" not in reading.revised_by


def test_revisions_and_critiques_are_found_by_what_they_are_about() -> None:
    _, transcript = play(a_deliberation())
    reading = read(transcript)

    assert reading.revised_by["trn_1-p0-s2"].id == "trn_1-r1-s2"
    assert [turn.id for turn in reading.critiques["trn_1-p0-s2"]] == ["trn_1-c1-s1-t2"]
    assert [turn.id for turn in reading.among(("trn_1-b1-s1", "trn_1-p0-s1"))] == [
        "trn_1-b1-s1",
        "trn_1-p0-s1",
    ]


def test_one_seat_needs_one_turn() -> None:
    council = replace(a_council(seats=1), quorum=1)
    deliberation, transcript = play(a_deliberation(council=council))

    assert progress(deliberation, read(transcript)) == Progress(1, 1, None)
