"""The indexes that migrations make: Neo4j fills them beside the transactions, and nothing may rely on one before it is full."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from typing_extensions import override

from orchestrator.domain.errors import CouncilError
from orchestrator.graph.driver import Graph
from orchestrator.graph.migrations import migrations

_CREATED = re.compile(r"^CREATE (?:CONSTRAINT|(?:\w+ )?INDEX) (\w+)", re.MULTILINE)

_FIRST_LOOK_SECONDS = 0.02
_LONGEST_LOOK_SECONDS = 1.0
"""An empty one is full at once, one over millions of nodes after minutes."""

_TELL_AGAIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """An index that is being filled, and how far that is."""

    name: str
    percent: float

    @override
    def __str__(self) -> str:
        """Say it to a person."""
        return f"{self.name} {self.percent:.0f} %"


class IndexFailedError(CouncilError):
    """Neo4j gave up filling an index: what goes by it would walk the whole graph, or fail."""

    def __init__(self, name: str, failure: str, remove: str, create: str) -> None:
        """`failure` is the server's words; `remove` and `create` are the statements that make it anew."""
        self.name: str = name
        self.failure: str = failure
        super().__init__(
            f"Neo4j could not fill the index {name}: {failure.strip()}\nOnce that is set right, have it made anew in Neo4j Browser, and start again:\n  {remove};\n  {create};"
        )


async def await_indexes(
    graph: Graph, *, tell: Callable[[tuple[Filling, ...]], None] = lambda _: None
) -> None:
    """Wait until every index of ours can be used, for as long as Neo4j takes; others are not ours to wait for.

    `tell` is called once it waits, and again every few seconds.

    Raises:
        IndexFailedError: one of them will never be.
    """
    pause = _FIRST_LOOK_SECONDS
    told: float | None = None
    while True:
        rows = await graph.read("migrations/list_unfinished_indexes", names=_names())
        for row in rows:
            if row["state"] == "FAILED":
                raise IndexFailedError(row["name"], row["failure"], row["remove"], row["create"])
        if not rows:
            return
        if told is None or time.monotonic() - told >= _TELL_AGAIN_SECONDS:
            told = time.monotonic()
            tell(tuple(Filling(name=row["name"], percent=row["percent"]) for row in rows))
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_LOOK_SECONDS)


def _names() -> list[str]:
    return [
        name for parts in migrations().values() for part in parts for name in _CREATED.findall(part)
    ]
