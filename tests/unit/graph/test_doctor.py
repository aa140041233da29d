"""What the doctor says of a graph that is written while it looks."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from neo4j import Record

from orchestrator.graph.doctor import examine


class Looks:
    """A graph of which one rule finds something else each time, and the others nothing."""

    def __init__(self, rule: str, *times: list[list[str]]) -> None:
        self._name = f"doctor/{rule}"
        self._times = iter(times)

    async def stream(
        self, name: str, /, *, seconds: float | None = None, **parameters: Any
    ) -> AsyncGenerator[Record, None]:
        del seconds, parameters
        for ids in next(self._times) if name == self._name else []:
            yield Record({"ids": ids})


async def found(rule: str, *times: list[list[str]]) -> list[tuple[str, ...]]:
    return [violation.ids for violation in await examine(Looks(rule, *times))]


async def test_what_was_half_written_when_it_was_looked_at_is_no_violation() -> None:
    assert await found("sequence_not_whole", [["dlb_1"], ["dlb_2"]], [["dlb_2"], ["dlb_3"]]) == [
        ("dlb_2",)
    ]
    assert await found("sequence_not_whole", [["dlb_1"]], []) == []


async def test_what_is_listed_in_another_order_is_the_same_violation() -> None:
    twice = ["agt_1", "cou_1", "cou_2"], ["agt_1", "cou_2", "cou_1"]
    assert await found("agent_on_several_councils", [twice[0]], [twice[1]]) == [tuple(twice[1])]
