"""What is told of claims that Neo4j does not let through."""

from __future__ import annotations

import re
from typing import Any, cast

import pytest
from annotated_types import Le
from structlog.testing import capture_logs

from orchestrator.graph.claims import Claims
from orchestrator.graph.errors import OutOfMemoryError
from orchestrator.graph.statements import statement
from orchestrator.settings import Settings


class WithoutMemory:
    """A graph that has none left for any transaction, or else nothing to claim."""

    def __init__(self) -> None:
        self.full = True

    async def write(self, name: str, /, **_parameters: Any) -> list[Any]:
        del name
        if self.full:
            raise OutOfMemoryError("Neo4j has no memory left")
        return []


async def test_claims_for_which_there_is_no_memory_are_told_of_once_and_so_is_that_they_go_on() -> (
    None
):
    graph = WithoutMemory()
    claims = Claims(cast("Any", graph))
    with capture_logs() as told:
        for _ in range(3):
            with pytest.raises(OutOfMemoryError):
                await claims.claim("prc_one", 64, (), (), 64)
        graph.full = False
        assert await claims.claim("prc_one", 64, (), (), 64) == ()
    assert [(line["event"], line.get("what")) for line in told] == [
        ("claims_held_up", "Neo4j has no memory left"),
        ("claims_go_on", None),
    ]


@pytest.mark.parametrize(
    "name", ["claim/claim", "claim/find_holders", "moving/find_living_processes"]
)
def test_no_lease_that_can_be_set_is_taken_for_one_of_a_clock_that_was_set_back(name: str) -> None:
    (most,) = (
        one for one in Settings.model_fields["lease_seconds"].metadata if isinstance(one, Le)
    )
    assert most == Le(300)
    assert set(re.findall(r"duration\('(\w+)'\)", statement(name))) == {"PT10M"}
