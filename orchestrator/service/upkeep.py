"""What operators have done to the graph without a running service: it is migrated, examined and pruned."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from orchestrator.domain.pruning import Keep, Pruned, Pruning
from orchestrator.graph import pruning
from orchestrator.graph.doctor import Examination, endless_timeouts, examine, examine_schema
from orchestrator.graph.indexes import Filling, await_indexes
from orchestrator.graph.migrations import migrate, refuse_unmigrated
from orchestrator.service.graph import graph_of
from orchestrator.service.signals import on_signals
from orchestrator.settings import Settings


async def migrate_graph(
    settings: Settings, *, tell: Callable[[tuple[Filling, ...]], None]
) -> tuple[str, ...]:
    """Bring the graph to the form that this version needs; return the names of the migrations applied.

    `tell` is told which indexes are still being filled, every few seconds.

    Raises:
        IncompleteSchemaError, IndexFailedError: what an earlier migration made was dropped, or cannot be used.
        CouncilError: the graph cannot be migrated.
    """
    async with graph_of(settings) as graph:
        applied = await migrate(graph)
        await await_indexes(graph, tell=tell)
        return applied


async def examine_graph(settings: Settings) -> Examination:
    """Check the whole graph against the rules that Neo4j Community cannot enforce, its schema, and its server's timeouts.

    Raises:
        NotMigratedError: a migration is missing, and with it what Neo4j enforces.
        ChangedMigrationError, UnknownMigrationError: as `migrate_graph` does.
    """
    async with graph_of(settings) as graph:
        await refuse_unmigrated(graph)
        return Examination(
            violations=(*await examine_schema(graph), *await examine(graph)),
            endless_timeouts=await endless_timeouts(graph),
        )


async def prune_graph(
    settings: Settings,
    age: timedelta,
    keep: Keep | None,
    *,
    dry_run: bool,
    tell: Callable[[Pruned, Pruning], None],
) -> bool:
    """Prune what ended so long ago, beside the processes that work on the graph; or count it, and write nothing.

    `tell` is told all that was pruned, or counted, so far, and before what, by the server's clock. SIGINT, SIGTERM
    and SIGHUP end it between two transactions, a second one at once. Returns whether it went to its end.

    Raises:
        CouncilError: it cannot go on; what was told is done.
        OverflowError: nothing is so old.
    """
    stop = on_signals()
    try:
        async with graph_of(settings) as graph:
            order = await pruning.older_than(graph, age, keep)
            tell(Pruned(), order)
            await (pruning.count if dry_run else pruning.prune)(
                graph, order, stop=stop, tell=lambda pruned: tell(pruned, order)
            )
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
    return not stop.is_set()
