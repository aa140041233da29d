"""An import, from a file that nobody has looked at to what was done; nothing is written before all of it was found sound."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.graph.driver import Graph
from orchestrator.graph.migrations import refuse_unmigrated
from orchestrator.graph.moving.batches import Lines
from orchestrator.graph.moving.checking import Looked, check
from orchestrator.graph.moving.comparing import Comparison, compare
from orchestrator.graph.moving.mistakes import NotImportedError
from orchestrator.graph.moving.planning import Plan, plan
from orchestrator.graph.moving.writing import Told, write
from orchestrator.graph.seeding import Seed


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
    told: Told = lambda _kind, _count: None,
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
    looked = check(lines(), allow_link_local=allow_link_local)
    made = await _planned(graph, lines, looked, seed, compares=dry_run and verify)
    if made is not None and not dry_run:
        await write(graph, lines, made, seed, told)
    return Import(
        plan=made,
        written=not dry_run,
        comparison=await compare(graph, lines) if verify else None,
    )


async def _planned(
    graph: Graph, lines: Lines, looked: Looked, seed: Seed | None, *, compares: bool
) -> Plan | None:
    try:
        return await plan(graph, lines, looked, seed)
    except NotImportedError:
        if compares:
            return None
        raise
