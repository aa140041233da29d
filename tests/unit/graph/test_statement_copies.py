"""Cypher has no functions of our own: what several statements have to say alike is written in each, and stays alike."""

from __future__ import annotations

import pytest

from orchestrator.domain.deliberations import Priority
from orchestrator.graph.queueing import place_in_queue
from orchestrator.graph.statements import statements

BACKWARD = [name for name in statements() if "/list_older" in name]

PASSAGES = {
    "what is told of a council": ("RETURN collect([\n  [\n    c.id", "]) AS councils"),
    "what is told of an agent": ("RETURN collect([\n  a.id", "]) AS agents"),
    "what is told of a deliberation": ("  d.id, d.councilId, d.councilVersion", "d.calls\n"),
    "what is told of a task": ("  task.id, task.description", "task.metadata\n"),
    "what was recorded of a deliberation": ("[d.id,\n  CASE WHEN d.status IN", "p.id]]]])]"),
}
"""How each begins and ends."""


def test_lists_go_either_way() -> None:
    forward = {name for name in statements() if "/list_newer" in name}
    assert BACKWARD
    assert forward == {name.replace("/list_older", "/list_newer") for name in BACKWARD}


@pytest.mark.parametrize("name", BACKWARD)
def test_both_ways_through_a_list_differ_in_their_direction_alone(name: str) -> None:
    turned = (
        statements()[name]
        .replace(" DESC", " ASC")
        .replace(" < $key", " > $key")
        .replace("newest first", "oldest first")
        .replace("just before", "just after")
    )
    assert turned == statements()[name.replace("/list_older", "/list_newer")]


@pytest.mark.parametrize(
    ("name", "under_way"),
    [
        ("claim/claim", True),
        ("claim/release", True),
        ("deliberation/retry", False),
        ("doctor/deliberation_nobody_seeks", True),
    ],
)
def test_places_of_those_that_wait_are_numbered_as_python_does(
    name: str, *, under_way: bool
) -> None:
    high, normal, low = (
        place_in_queue(priority, under_way=under_way)
        for priority in (Priority.HIGH, Priority.NORMAL, Priority.LOW)
    )
    cases = f"WHEN 'HIGH' THEN {high} WHEN 'NORMAL' THEN {normal} ELSE {low} END"
    assert statements()[name].count(cases) == statements()[name].count("WHEN 'HIGH'") == 1


@pytest.mark.parametrize("passage", PASSAGES)
def test_passage_is_the_same_wherever_it_stands(passage: str) -> None:
    begin, end = PASSAGES[passage]
    found = {
        name: text[at : text.index(end, at)].split()
        for name, text in statements().items()
        if (at := text.find(begin)) >= 0
    }
    first, *others = found
    assert others, f"only {first} has it"
    assert {name: found[name] for name in others} == dict.fromkeys(others, found[first])
