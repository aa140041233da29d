"""Agents of the predecessor who have a name in common are told apart, whatever names others have."""

from __future__ import annotations

import json
from collections.abc import Mapping

from orchestrator.domain.predecessor import read_councils
from orchestrator.graph.moving.former import told_apart

NOBODY: Mapping[str, str] = {}


def names(documents: dict[str, list[str]]) -> dict[str, list[str | None]]:
    """The names of each role's agents."""
    texts = {f"orchestrator:councils:{role}": json.dumps(of) for role, of in documents.items()}
    apart, _ = told_apart(read_councils(texts).councils, NOBODY)
    return {one.draft.role: [agent.draft.name for agent in one.agents] for one in apart}


def test_who_has_a_name_alone_keeps_it_and_others_get_their_roles_before_it() -> None:
    assert names({"DEV": ["ada", "bob"], "QA": ["ada"]}) == {
        "DEV": ["dev-ada", "bob"],
        "QA": ["qa-ada"],
    }


def test_a_name_that_somebody_has_already_is_nobody_elses() -> None:
    assert names({"DEV": ["ada", "dev-ada"], "QA": ["ada"], "dev": ["ada"]}) == {
        "DEV": ["dev-ada-2", "dev-ada"],
        "QA": ["qa-ada"],
        "dev": ["dev-ada-3"],
    }
