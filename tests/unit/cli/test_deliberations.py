"""How a deliberation and its verdict look."""

from __future__ import annotations

from typing import Any

from inline_snapshot import snapshot

from orchestrator.cli.rendering import deliberations
from orchestrator.client import models
from tests.support import answers
from tests.unit.cli.conftest import Rendered


def _transcript(turns: list[answers.Json] | None = None, **changes: Any) -> models.Transcript:
    return models.Transcript.model_validate(
        {
            "deliberation": answers.deliberation(**changes),
            "turns": answers.turns() if turns is None else turns,
        }
    )


def test_a_verdict_is_a_table_and_what_it_cannot_say(rendered: Rendered) -> None:
    assert rendered(deliberations.verdict(_transcript(), whole=False)) == snapshot("""\
Verdict of dev-council-1

 rank   agent                score   votes   proposal
 ──────────────────────────────────────────────────────────────────────────────────────────────────
    1   seat 2 dev-agent-2    1.00       2   The text of dev-agent-2.
    2   seat 3 dev-agent-3    0.50       1   The text of dev-agent-3.
    3   seat 1 dev-agent-1    0.00       0   The text of dev-agent-1.

margin     0.50, agreement 0.75
dissent    none
tokens     5,400 read (3,100 cached), 1,234 written, in 12 calls
took       15.0 s\
""")


def test_a_verdict_with_dissent_absence_and_a_resumption_says_so(rendered: Rendered) -> None:
    turns = answers.turns()
    turns[4] |= {"outcome": "ABSENT", "absence": "the server is down"}
    transcript = _transcript(
        turns,
        resumptions=1,
        stopReason="DEADLINE",
        verdict=answers.verdict(
            partial=True, agreement=None, dissent=[answers.dissent(1, [3, 2])], margin=0.25
        ),
    )

    assert rendered(deliberations.verdict(transcript, whole=False)) == snapshot("""\
Verdict of dev-council-1, partial (DEADLINE)

 rank   agent                score   votes   proposal
 ──────────────────────────────────────────────────────────────────────────────────────────────────
    1   seat 2 dev-agent-2    1.00       2   The text of dev-agent-2.
    2   seat 3 dev-agent-3    0.50       1   The text of dev-agent-3.
    3   seat 1 dev-agent-1    0.00       0   The text of dev-agent-1.

margin     0.25
dissent    seat 1 dev-agent-1 put dev-agent-3 first
absent     1 of 12 turns: the server is down
tokens     5,400 read (3,100 cached), 1,234 written, in 12 calls
took       15.0 s, taken up again once\
""")


def test_a_verdict_names_each_reason_of_absences_once(rendered: Rendered) -> None:
    turns = answers.turns()
    for number, reason in ((1, "it is down"), (2, "it is down"), (3, "it refuses")):
        turns[number] |= {"outcome": "ABSENT", "absence": reason}
    shown = rendered(deliberations.verdict(_transcript(turns), whole=False)).splitlines()
    assert "absent     3 of 12 turns: it is down; it refuses" in shown


def test_a_verdict_that_a_budget_cut_short_says_what_was_spent(rendered: Rendered) -> None:
    transcript = _transcript(
        stopReason="TOKEN_BUDGET",
        verdict=answers.verdict(partial=True),
        tokenBudget=8_000,
        tokensSpent=7_834,
    )
    shown = rendered(deliberations.verdict(transcript, whole=False)).splitlines()
    assert shown[0] == "Verdict of dev-council-1, partial (TOKEN_BUDGET)"
    assert (
        "budget     7,834 of 8,000 tokens spent, 1,200 of them for calls that nobody has counted"
        in shown
    )


def test_a_failure_of_one_with_a_budget_says_what_was_spent(rendered: Rendered) -> None:
    transcript = _transcript(
        status="FAILED",
        stopReason="TOKEN_BUDGET",
        failure="too little",
        verdict=None,
        tokenBudget=7_000,
        tokensSpent=6_634,
    )
    assert "6,634 of 7,000 tokens spent" in rendered(deliberations.verdict(transcript, whole=True))


def test_one_under_way_with_a_budget_says_what_is_spent(rendered: Rendered) -> None:
    running = answers.running() | {"tokenBudget": 7_000, "tokensSpent": 2_000}
    shown = deliberations.standing(models.Deliberation.model_validate(running))
    assert "2,000 of 7,000 tokens spent" in rendered(shown)


def test_a_verdict_of_a_rehearsal_says_so_above_and_below(rendered: Rendered) -> None:
    shown = rendered(deliberations.verdict(_transcript(rehearsal=True), whole=False))

    assert shown.splitlines()[0].split() == ["REHEARSAL", "Verdict", "of", "dev-council-1"]
    assert shown.splitlines()[-1] == "model      rehearsal: no real model spoke"


def test_the_winning_proposal_is_shown_whole_where_it_is_wanted(rendered: Rendered) -> None:
    shown = rendered(deliberations.verdict(_transcript(), whole=True))

    panel = shown.partition("The proposal of seat 2 dev-agent-2")[2]
    assert "# Outline 2" in panel
    assert "The text of dev-agent-2." in panel
    assert "The text of dev-agent-1." not in panel


def test_a_failed_deliberation_says_why(rendered: Rendered) -> None:
    transcript = _transcript(
        status="FAILED",
        stopReason="QUORUM_LOST",
        failure="only 1 of 2 proposals that the quorum needs can still come",
        verdict=None,
    )

    assert rendered(deliberations.verdict(transcript, whole=True)) == snapshot("""\
╭─ No verdict: FAILED (QUORUM_LOST) ───────────────────────────────────────────────────────────────╮
│ only 1 of 2 proposals that the quorum needs can still come                                       │
╰──────────────────────────────────────────────────────────────────────────────────────────────────╯\
""")


def test_a_cancelled_deliberation_says_the_reason_where_one_was_given(rendered: Rendered) -> None:
    ended: answers.Json = {"status": "CANCELLED", "stopReason": "CANCELLED", "verdict": None}
    given = _transcript(**ended, failure="the wrong council")
    silent = _transcript(**ended)

    assert rendered(deliberations.verdict(given, whole=True)) == snapshot("""\
╭─ No verdict: CANCELLED ──────────────────────────────────────────────────────────────────────────╮
│ the wrong council                                                                                │
╰──────────────────────────────────────────────────────────────────────────────────────────────────╯\
""")
    assert "no reason was given" in rendered(deliberations.verdict(silent, whole=True))


def test_one_that_still_runs_says_how_far_it_is(rendered: Rendered) -> None:
    transcript = models.Transcript.model_validate(
        {"deliberation": answers.running(waitingFor="the endpoint default is down"), "turns": []}
    )

    assert rendered(deliberations.verdict(transcript, whole=True)) == snapshot(
        "RUNNING, 0 of 12 turns taken; waiting: the endpoint default is down"
    )


def test_the_heading_says_what_it_is_about_and_before_whom(rendered: Rendered) -> None:
    deliberation = models.Deliberation.model_validate(answers.deliberation(rehearsal=True))

    assert rendered(deliberations.heading(deliberation)) == snapshot("""\
╭─  REHEARSAL  dev-council-1 (DEV) ────────────────────────────────────────────────────────────────╮
│ Propose a retry policy.                                                                          │
│   - It is bounded.                                                                               │
╰─────────────────────────────────────────────────────────── dlb_0193500000007000800000000000000a ─╯\
""")


def test_what_was_pruned_says_so_instead_of_being_empty(rendered: Rendered) -> None:
    emptied = [turn | {"content": None} for turn in answers.turns()]
    transcript = _transcript(emptied, prunedAt="2026-01-02T12:00:00Z")

    assert "Pruned on 2026-01-02: of what was said, the winning proposal is left." in rendered(
        deliberations.heading(transcript.deliberation)
    )
    shown = [rendered(one) for one in deliberations.transcript(transcript, whole=False)]
    assert sum(line.endswith(": (pruned)") for line in shown) == 9
    assert sum(" ranks " in line for line in shown) == 3
    whole = [rendered(one) for one in deliberations.transcript(transcript, whole=True)]
    assert sum("│ (pruned) " in panel for panel in whole) == 9


def test_the_proposals_of_a_ranking_say_where_they_were_pruned(rendered: Rendered) -> None:
    verdict = answers.verdict()
    verdict["ranking"][1]["proposal"]["content"] = None

    shown = rendered(deliberations.verdict(_transcript(verdict=verdict), whole=False))

    assert [line.endswith("(pruned)") for line in shown.splitlines() if "dev-agent" in line] == [
        False,
        True,
        False,
    ]


def test_the_heading_names_what_it_retries_and_what_retries_it(rendered: Rendered) -> None:
    deliberation = models.Deliberation.model_validate(
        answers.deliberation(retryOf={"id": "dlb_old"}, retries=[{"id": "dlb_new"}])
    )

    shown = rendered(deliberations.heading(deliberation))
    assert "retry of dlb_old" in shown
    assert "retried by dlb_new" in shown


def test_the_whole_transcript_has_every_text_and_the_ballots_as_lines(rendered: Rendered) -> None:
    shown = "\n".join(rendered(one) for one in deliberations.transcript(_transcript(), whole=True))

    for turn in answers.turns():
        assert turn["kind"] == "BALLOT" or turn["content"] in shown
        assert turn["kind"] == "BALLOT" or turn["id"] in shown
    assert "seat 1 dev-agent-1 ranks dev-agent-2 > dev-agent-3" in shown


def test_a_notice_tells_that_no_model_was_asked(rendered: Rendered) -> None:
    assert rendered(deliberations.rehearsal_notice()) == snapshot("""\
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━  REHEARSAL  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
┃ No model was asked. The built-in stand-in speaks, from the task and the seat alone, so that the  ┃
┃ way of a deliberation can be seen. Set VLLM_URL to have a real model deliberate.                 ┃
┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛\
""")
