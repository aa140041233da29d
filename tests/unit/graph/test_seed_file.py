"""A file of councils may hold what a caller may send, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.domain import limits
from orchestrator.graph.seeding import InvalidSeedError, read_seed

SEAT: dict[str, Any] = {}


def reasons(folder: Path, *councils: dict[str, Any]) -> tuple[str, ...]:
    """What is wrong with a file of these councils; JSON is YAML, too."""
    file = folder / "councils.yaml"
    file.write_text(json.dumps({"councils": councils}), encoding="utf-8")
    with pytest.raises(InvalidSeedError) as caught:
        read_seed(str(file))
    assert caught.value.file == str(file)
    return caught.value.reasons


@pytest.mark.parametrize(
    ("agent", "reason"),
    [
        ({"persona": "p" * (limits.PERSONA + 1)}, "agents[0].persona must not be longer"),
        ({"persona": " \n"}, "agents[0].persona must not be blank"),
        ({"persona": "a\0b"}, "agents[0].persona must not hold NUL characters"),
        ({"persona": "\ud800"}, "agents[0].persona must be valid Unicode"),
        ({"name": " ann"}, "agents[0].name must not begin or end with spaces"),
        ({"model": "rehearsal"}, "agents[0].model must not be rehearsal"),
        ({"model": "a\nb"}, "agents[0].model must not hold control characters"),
        ({"maxTokens": 10**9}, "agents[0].maxTokens must be from 1"),
        ({"temperature": 2.5}, "agents[0].temperature must be from 0"),
        ({"metadata": {"a": "\0"}}, "agents[0].metadata must be valid Unicode"),
        ({"metadata": {"a": "m" * limits.METADATA}}, "agents[0].metadata must not"),
    ],
)
def test_an_agent_that_no_caller_could_make_is_refused_with_its_council_and_field(
    tmp_path: Path, agent: dict[str, Any], reason: str
) -> None:
    sound = {"role": "QA", "agents": [SEAT]}
    (found,) = reasons(tmp_path, sound, {"role": "DEV", "agents": [agent]})
    assert found.startswith(f"councils[1].{reason}")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("role", " "),
        ("role", "R" * (limits.ROLE_NAME + 1)),
        ("name", "a\0"),
        ("description", "d" * (limits.ROLE_DESCRIPTION + 1)),
        ("description", ""),
        ("rounds", limits.ROUNDS + 1),
        ("quorum", 2),
        ("agents", [SEAT] * (limits.SEATS + 1)),
    ],
)
def test_a_council_that_no_caller_could_make_is_refused_with_its_field(
    tmp_path: Path, field: str, value: object
) -> None:
    (found,) = reasons(tmp_path, {"role": "DEV", "agents": [SEAT], field: value})
    assert found.startswith((f"councils[0].{field}: ", f"councils[0].{field} must "))


def test_every_mistake_is_told(tmp_path: Path) -> None:
    bad = {"role": "DEV", "rounds": -1, "agents": [{"persona": ""}, {"model": ""}]}
    assert len(reasons(tmp_path, bad)) == 3


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("councils: [", "line 1"),
        ("", "the file"),
        ("councils: 1", "councils"),
        ("council: []", "councils: Field required"),
        ("councils: [{role: A, agents: []}]", "councils[0].agents"),
        ("councils: [{role: A, agents: [{temperature: 9}]}]", "councils[0].agents[0].temperature"),
        ("councils: [{role: A, agents: [{persona: 1}]}]", "councils[0].agents[0].persona"),
        ("councils: [{role: A, agents: [{mood: x}]}]", "councils[0].agents[0].mood"),
        ("councils: [{role: A, quorum: 2, agents: [{}]}]", "councils[0].quorum"),
        ("councils: [{role: A, agents: [{}]}, {role: A, agents: [{}]}]", "two councils serve A"),
        ("councils: [{role: A, agents: [{name: x}, {name: x}]}]", "two agents are named x"),
    ],
)
def test_a_file_that_is_none_is_refused_with_its_name_and_the_field(
    tmp_path: Path, text: str, reason: str
) -> None:
    file = tmp_path / "councils.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidSeedError, match=r"councils\.yaml") as caught:
        read_seed(str(file))
    assert reason in str(caught.value)


def test_a_file_that_is_not_there_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(InvalidSeedError, match=r"missing\.yaml: No such file or directory"):
        read_seed(str(tmp_path / "missing.yaml"))
