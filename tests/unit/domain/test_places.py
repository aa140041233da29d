"""How people are told where in an input something is wrong."""

from __future__ import annotations

import pytest

from orchestrator.domain.places import located


@pytest.mark.parametrize(
    ("path", "message", "told"),
    [
        ((), "give one", "give one"),
        (("id",), "there is no such agent", "id: there is no such agent"),
        (("id",), "ideas must be few", "id: ideas must be few"),
        (("council", "role"), "there is no such role", "council.role: there is no such role"),
        (
            ("deadlineSeconds",),
            "deadlineSeconds must be from 1 to 9, and is 10",
            "deadlineSeconds must be from 1 to 9, and is 10",
        ),
        (("task", "rubric"), "rubric must not be blank", "task.rubric must not be blank"),
        (
            ("task", "requirements", "3"),
            "requirements[3] must not be blank",
            "task.requirements[3] must not be blank",
        ),
        (
            ("agents", "1", "name"),
            "name is agents[0]'s already",
            "agents[1].name is agents[0]'s already",
        ),
    ],
)
def test_a_message_is_told_with_its_place_and_no_word_twice(
    path: tuple[str, ...], message: str, told: str
) -> None:
    assert located(path, message) == told
