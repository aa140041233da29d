"""What shows a value of the domain without a copy of it."""

from __future__ import annotations

import copy

import pytest

from orchestrator.api.types.agents import Agent
from tests.support.samples import an_agent


def test_attribute_of_the_value_is_one_of_what_shows_it() -> None:
    agent = an_agent(1)
    assert Agent.of(agent).name == agent.name


def test_what_the_value_has_not_is_missing() -> None:
    with pytest.raises(AttributeError, match="salary"):
        _ = getattr(Agent.of(an_agent(1)), "salary")  # noqa: B009


def test_copy_shows_the_same_value() -> None:
    shown = Agent.of(an_agent(1))
    assert copy.copy(shown).source is shown.source
