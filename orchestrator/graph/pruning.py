"""Takes what ended long ago out of the graph, beside the processes that work on it, and tells how large the graph is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestrator.domain.ids import Prefix
from orchestrator.domain.pruning import GraphSize, Keep, Pruned, Pruning
from orchestrator.graph import migrations, paging
from orchestrator.graph.driver import Graph

TOGETHER = 32
"""Turns of one deliberation that are emptied in one transaction. A turn has 32,768 tokens at most, so that this is as much
text as a recorder writes at once; a longer deliberation is emptied in parts before it is removed."""

_PAGE = 500
"""Deliberations that are looked at in one statement, and processes that are removed in one."""

_FEW = 20
"""Processes that are looked at in one statement: each may be on thousands of claims."""

WRITING = 0.05
"""Of the time, how much goes into a statement that writes; after it Neo4j is left to others for the rest."""

READING = 0.25
"""The same of one that reads: it holds no locks, and nobody's commit waits for its own."""


async def measure(graph: Graph) -> GraphSize:
    """Look up how much is in the graph."""
    (row,) = await graph.read("graph/measure")
    return GraphSize(**row.data())


async def older_than(graph: Graph, age: timedelta, keep: Keep | None) -> Pruning:
    """Order to prune what ended so long ago by the clock of the server, which also said when it ended.

    Raises:
        OverflowError: nothing is so old.
    """
    (clock,) = await graph.read("graph/read_clock")
    return Pruning(before=datetime.fromisoformat(clock["now"]) - age, keep=keep)


async def prune(
    graph: Graph, order: Pruning, *, stop: asyncio.Event, tell: Callable[[Pruned], None]
) -> None:
    """Prune one deliberation after the other, oldest first, until all are or `stop` is set; `tell` is told all so far after each.

    The graph is sound after each transaction, and whoever prunes again goes on from there: two at
    once do no harm either.

    Raises:
        UnknownMigrationError: the graph was migrated by a later version, which may hang on a
            deliberation what this one does not know of.
        UnavailableError: the graph cannot do it now; what `tell` was told is done.
    """
    await migrations.missing(graph)
    pruned = Pruned()
    async with aclosing(_pages(graph, order, stop)) as pages:
        async for page in pages:
            for one in page:
                if stop.is_set():
                    return
                if (done := await _prune_one(graph, order, one, stop)) is not None:
                    pruned += done
                    tell(pruned)
    if order.keep is None:
        async for removed in _remove_processes(graph, order, stop):
            pruned += removed
            tell(pruned)


async def count(
    graph: Graph, order: Pruning, *, stop: asyncio.Event, tell: Callable[[Pruned], None]
) -> None:
    """Count what `prune` would prune now, and write nothing; `tell` is told all so far after each page. Raises as `prune` does."""
    await migrations.missing(graph)
    found = Pruned()
    async with aclosing(_pages(graph, order, stop)) as pages:
        async for page in pages:
            if stop.is_set():
                return
            found += await _count_page(graph, order, page, stop)
            tell(found)
    if order.keep is None:
        async for counted in _count_processes(graph, order, stop):
            found += counted
            tell(found)


@dataclass(frozen=True, slots=True)
class _Old:
    """A deliberation that is to be pruned."""

    id: str
    turns: int


@asynccontextmanager
async def _paced(share: float, stop: asyncio.Event) -> AsyncGenerator[None]:
    """Rest after a piece of work for as long as makes it its share of the time, or until `stop` is set."""
    began = time.perf_counter()
    yield
    with suppress(TimeoutError):
        async with asyncio.timeout((time.perf_counter() - began) * (1 / share - 1)):
            await stop.wait()


async def _pages(graph: Graph, order: Pruning, stop: asyncio.Event) -> AsyncGenerator[list[_Old]]:
    """What is to be pruned, as it is when it is looked at: it is judged again under its lock."""
    span = paging.narrowed(paging.Span(), Prefix.DELIBERATION, None, order.before)
    above = span.above
    while True:
        async with _paced(READING, stop):
            (row,) = await graph.read(
                "pruning/list", above=above, below=span.below, before=order.before, limit=_PAGE
            )
        looked: list[tuple[str, bool, bool, int]] = row["looked"]
        if not looked:
            return
        yield [
            _Old(id_, turns)
            for id_, old, emptied, turns in looked
            if old and not (emptied and order.keep is Keep.WINNERS)
        ]
        above = looked[-1][0]


async def _prune_one(graph: Graph, order: Pruning, one: _Old, stop: asyncio.Event) -> Pruned | None:
    """Return what was pruned; none where another has done it meanwhile."""
    if order.keep is Keep.WINNERS:
        return await _empty(graph, order, one, stop)
    if one.turns > TOGETHER:
        await _empty(graph, order, one, stop)
    async with _paced(WRITING, stop):
        rows = await graph.write("pruning/remove", deliberation=one.id, before=order.before)
    return Pruned(deliberations=1, **rows[0].data()) if rows else None


async def _count_page(
    graph: Graph, order: Pruning, page: list[_Old], stop: asyncio.Event
) -> Pruned:
    ids = [one.id for one in page]
    async with _paced(READING, stop):
        if order.keep is Keep.WINNERS:
            (row,) = await graph.read("pruning/count_emptied", ids=ids)
        else:
            (row,) = await graph.read("pruning/count_removed", ids=ids, before=order.before)
    return Pruned(deliberations=len(ids), **row.data())


async def _remove_processes(
    graph: Graph, order: Pruning, stop: asyncio.Event
) -> AsyncGenerator[Pruned]:
    """Once their claims are gone."""
    removed = _PAGE
    while removed == _PAGE and not stop.is_set():
        async with _paced(WRITING, stop):
            (row,) = await graph.write(
                "pruning/remove_processes", before=order.before, together=_PAGE
            )
        removed = row["removed"]
        if removed:
            yield Pruned(processes=removed)


async def _count_processes(
    graph: Graph, order: Pruning, stop: asyncio.Event
) -> AsyncGenerator[Pruned]:
    after = ""
    while not stop.is_set():
        async with _paced(READING, stop):
            (row,) = await graph.read(
                "pruning/count_processes", after=after, before=order.before, limit=_FEW
            )
        if row["last"] is None:
            return
        after = row["last"]
        if row["processes"]:
            yield Pruned(processes=row["processes"])


async def _empty(graph: Graph, order: Pruning, one: _Old, stop: asyncio.Event) -> Pruned | None:
    turns = 0
    while True:
        async with _paced(WRITING, stop):
            rows = await graph.write(
                "pruning/empty", deliberation=one.id, before=order.before, together=TOGETHER
            )
        if not rows:
            return None
        turns += rows[0]["emptied"]
        if not rows[0]["more"]:
            return Pruned(deliberations=1, turns=turns)
