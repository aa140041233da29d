"""The line that tells of a turn."""

from __future__ import annotations

import pytest
from inline_snapshot import snapshot
from pydantic import TypeAdapter

from orchestrator.cli.rendering import turns
from orchestrator.client import models
from orchestrator.vllm.reading import LONGEST_ANSWER
from tests.support import answers
from tests.unit.cli.conftest import Rendered

_TURN: TypeAdapter[models.Turn] = TypeAdapter(models.Turn)


def _line(rendered: Rendered, turn: answers.Json) -> str:
    return rendered(turns.line(_TURN.validate_python(turn)))


def test_each_kind_of_turn_says_who_does_what(rendered: Rendered) -> None:
    told = "\n".join(
        _line(rendered, turn)
        for turn in (
            answers.proposal(
                1, 2, content="## Plan\n\nUse a queue in the Postgres that we have. It is there."
            ),
            answers.critique(2, 1, 5, content="1. The lock is taken too late, so two win."),
            answers.revision(1, 8, content="**Take the lock first**, then look."),
            answers.ballot(3, [1, 2], 11),
        )
    )

    assert told == snapshot("""\
03:04:07  seat 1 dev-agent-1 proposes: Use a queue in the Postgres that we have.
03:04:10  seat 2 dev-agent-2 criticises dev-agent-1: The lock is taken too late, so two win.
03:04:13  seat 1 dev-agent-1 revises: Take the lock first, then look.
03:04:16  seat 3 dev-agent-3 ranks dev-agent-1 > dev-agent-2\
""")


def test_an_absent_agent_is_told_with_the_reason(rendered: Rendered) -> None:
    turn = answers.critique(
        2, 1, 5, outcome="ABSENT", content=None, absence="the model's server refused: 404"
    )

    assert _line(rendered, turn) == snapshot(
        "03:04:10  seat 2 dev-agent-2 is absent, asked for a critique: the model's server refused: 404"
    )


def test_the_reason_of_an_absence_is_told_whole_however_long_it_is(rendered: Rendered) -> None:
    reason = "endpoint lab needs a key, and COUNCIL_KEY_LAB is not set where the service runs"
    turn = answers.critique(2, 1, 5, outcome="ABSENT", content=None, absence=reason)

    told = _line(rendered, turn)

    assert " ".join(told.split()).endswith(f"asked for a critique: {reason}")
    assert all(len(line) <= 100 for line in told.splitlines())


def test_a_long_sentence_ends_at_the_edge_of_the_window(rendered: Rendered) -> None:
    line = _line(rendered, answers.proposal(1, 2, content="word " * 100))

    assert len(line) == 100
    assert line.endswith("…")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("One sentence that is long enough. Another.", "One sentence that is long enough."),
        ("# Heading\n\nText", "Text"),
        ("# Nothing but a heading", "Nothing but a heading"),
        ("\n\n- a point of a list", "a point of a list"),
        ("E.g. this. Then there is more of it. And more.", "E.g. this. Then there is more of it."),
        ("**bold**", "bold"),
        ("v1.2.3 is what we have", "v1.2.3 is what we have"),
        ("```python\nprint()\n```", "print()"),
        ("1. first", "first"),
        ("41 payments were booked twice", "41 payments were booked twice"),
        ("", ""),
        ("---\n\n> quoted", "quoted"),
    ],
)
def test_the_first_sentence_is_one_that_says_something(text: str, sentence: str) -> None:
    assert turns.first_sentence(text) == sentence


def test_the_longest_line_without_the_end_of_a_sentence_is_read_but_once() -> None:
    text = "句" * LONGEST_ANSWER

    assert turns.first_sentence(text) == text


def test_what_an_agent_writes_cannot_drive_the_terminal(rendered: Rendered) -> None:
    content = "\x1b[2J\x1b]0;title\x07Clean up\u202e the table [bold]now[/bold].\r\n"

    line = _line(rendered, answers.proposal(1, 2, content=content))

    assert line.endswith("[2J]0;titleClean up the table [bold]now[/bold].")


def test_a_claim_after_another_process_is_told_as_such(rendered: Rendered) -> None:
    first, again = (
        models.DeliberationClaimed.model_validate(answers.claimed(1, resumed=resumed))
        for resumed in (False, True)
    )

    assert rendered(turns.claimed(first)) == snapshot("03:04:05  the council begins")
    assert rendered(turns.claimed(again)) == snapshot(
        "03:04:05  taken up again where another process left it"
    )
