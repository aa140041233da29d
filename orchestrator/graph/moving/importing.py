"""An import, from a file that nobody has looked at to what was done; nothing is written before all of it was found sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from orchestrator.graph.driver import Graph
from orchestrator.graph.migrations import refuse_unmigrated
from orchestrator.graph.moving.batches import Lines
from orchestrator.graph.moving.checking import Looked, check
from orchestrator.graph.moving.comparing import Comparison, compare
from orchestrator.graph.moving.form import Line
from orchestrator.graph.moving.mistakes import NotImportedError
from orchestrator.graph.moving.planning import Plan, plan
from orchestrator.graph.moving.writing import write
from orchestrator.graph.seeding import Seed


class Pass(StrEnum):
    """What is done with a file from its beginning to its end, by what its lines are after that."""

    CHECK = "checked"
    PLAN = "held against the graph"
    WRITE = "written"
    COMPARISON = "compared"


Told = Callable[[Pass, int], None]
"""Is told how many lines more a pass has gone through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """What was done, or would be; `plan` is none where things were only compared and a plan has no place."""

    plan: Plan | None
    written: bool
    comparison: Comparison | None


async def import_lines(
    graph: Graph,
    lines: Lines,
    *,
    seed: Seed | None,
    allow_link_local: bool,
    dry_run: bool,
    verify: bool,
    told: Told = lambda _pass, _count: None,
) -> Import:
    """Check a file, hold it against the graph, write it, and compare what came of it.

    A dry run stops before writing. With `verify` it then compares what is there, whatever stands
    in the way of an import.

    Raises:
        NotMigratedError, UnknownMigrationError: the graph has not the form that this version writes.
        NotImportedError: the file is broken, or something stands in its way; nothing was written.
        RefusedError: somebody else changed the graph meanwhile.
    """
    await refuse_unmigrated(graph)

    def read(one: Pass) -> Lines:
        return lambda: _telling(lines, one, told)

    looked = check(read(Pass.CHECK)(), allow_link_local=allow_link_local)
    made = await _planned(graph, read(Pass.PLAN), looked, seed, compares=dry_run and verify)
    if made is not None and not dry_run:
        await write(graph, lines, made, seed, lambda _, count: told(Pass.WRITE, count))
    return Import(
        plan=made,
        written=not dry_run,
        comparison=await compare(graph, read(Pass.COMPARISON)) if verify else None,
    )


def _telling(lines: Lines, one: Pass, told: Told) -> Iterator[Line]:
    for line in lines():
        yield line
        told(one, 1)


async def _planned(
    graph: Graph, lines: Lines, looked: Looked, seed: Seed | None, *, compares: bool
) -> Plan | None:
    try:
        return await plan(graph, lines, looked, seed)
    except NotImportedError:
        if compares:
            return None
        raise
