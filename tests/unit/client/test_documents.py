"""What the client sends is valid by the schema, and what it does not know yet is no mistake."""

from __future__ import annotations

import pytest

from graphql import parse, validate
from orchestrator.client.generated import documents
from orchestrator.client.models import AgentStatus
from tests.support.tiny_api import project_schema


@pytest.mark.parametrize("name", documents.__all__)
def test_a_document_is_valid_by_the_schema(name: str) -> None:
    assert validate(project_schema(), parse(vars(documents)[name])) == []


def test_a_value_that_is_not_known_here_yet_is_a_value_all_the_same() -> None:
    assert AgentStatus("ASLEEP") == "ASLEEP"
    assert f"{AgentStatus('ASLEEP')}" == "ASLEEP"
    assert AgentStatus("READY") is AgentStatus.READY


def test_what_is_no_word_is_no_value() -> None:
    with pytest.raises(ValueError, match="1 is not a valid AgentStatus"):
        AgentStatus(1)
