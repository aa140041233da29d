"""What a model thought is told apart from what it says, where its server does not do that."""

from __future__ import annotations

import pytest

from orchestrator.vllm.thoughts import told_apart


@pytest.mark.parametrize(
    ("content", "said", "thought"),
    [
        ("<think>Hm.</think>Well.", "Well.", "Hm."),
        ("\n<think>\nHm.\n</think>\n\nWell.\n", "Well.\n", "Hm."),
        ("<think></think>Well.", "Well.", ""),
        ("<think>Hm.</think>", "", "Hm."),
        ("<think>Hm. It may be", "", "Hm. It may be"),
        ("<think>Hm.</think>It ends with </think>.", "It ends with </think>.", "Hm."),
    ],
)
def test_thoughts_that_an_answer_begins_with_are_reasoning(
    content: str, said: str, thought: str
) -> None:
    assert told_apart(content, "") == (said, thought)


@pytest.mark.parametrize(
    "content", ["Well.", "Put it in <think></think>.", " indented", "<thinking>no</thinking>", ""]
)
def test_any_other_answer_is_content_as_it_was_said(content: str) -> None:
    assert told_apart(content, "Hm.") == (content, "Hm.")


def test_thoughts_follow_what_the_server_told_apart_itself() -> None:
    assert told_apart("<think>Or not.</think>Well.", "Hm.") == ("Well.", "Hm.\nOr not.")
