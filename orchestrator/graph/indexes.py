"""The indexes that migrations make: nothing may rely on one that is not there, or before Neo4j, beside the transactions, has filled it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from neo4j import Record
from typing_extensions import override

from orchestrator.domain.errors import CouncilError
from orchestrator.graph.driver import Graph, Reads
from orchestrator.graph.errors import MisconfiguredError
from orchestrator.graph.migrations import schema
from orchestrator.graph.schema import Lack, index_of, lacks

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


class IncompleteSchemaError(MisconfiguredError):
    """A constraint or an index was dropped, or had no place: what has to be unique may be there twice, and searches fail."""

    def __init__(self, missing: Sequence[Lack]) -> None:
        """`missing` is what is not there, one at least."""
        self.missing: tuple[Lack, ...] = tuple(missing)
        statements = dict.fromkeys(statement for lack in missing for statement in lack.cure)
        lines = "".join(f"\n  {statement};" for statement in statements)
        super().__init__(
            f"the graph is not as its migrations make it: {'; '.join(map(str, missing))}\nGive the service a database of its own, or run this in Neo4j Browser, and start again:{lines}"
        )


async def lacking(graph: Reads) -> tuple[Lack, ...]:
    """List what the migrations make and is not there."""
    return _lacking(await graph.read("migrations/list_indexes"))


async def await_indexes(
    graph: Graph, *, tell: Callable[[tuple[Filling, ...]], None] = lambda _: None
) -> None:
    """See that every index of ours is there, and wait until it can be used, for as long as Neo4j takes; others are not ours to wait for.

    `tell` is called once it waits, and again every few seconds.

    Raises:
        IncompleteSchemaError: one is not there.
        IndexFailedError: one of them will never be.
    """
    pause = _FIRST_LOOK_SECONDS
    told: float | None = None
    while True:
        rows = await graph.read("migrations/list_indexes")
        if missing := _lacking(rows):
            raise IncompleteSchemaError(missing)
        unfinished = [row for row in rows if row["state"] != "ONLINE" and index_of(row) in schema()]
        for row in unfinished:
            if row["state"] == "FAILED":
                raise IndexFailedError(row["name"], row["failure"], row["remove"], row["create"])
        if not unfinished:
            return
        if told is None or time.monotonic() - told >= _TELL_AGAIN_SECONDS:
            told = time.monotonic()
            tell(tuple(Filling(name=row["name"], percent=row["percent"]) for row in unfinished))
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_LOOK_SECONDS)


def _lacking(rows: Sequence[Record]) -> tuple[Lack, ...]:
    return lacks(schema(), [index_of(row) for row in rows])
