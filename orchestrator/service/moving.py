"""Councils and history out of one graph and into another, and out of what the predecessor kept."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator

from orchestrator.domain.errors import RefusedError
from orchestrator.domain.predecessor import Reading, read_councils
from orchestrator.graph.moving.batches import Lines
from orchestrator.graph.moving.exporting import Exported, export
from orchestrator.graph.moving.form import Contents
from orchestrator.graph.moving.former import Defaults, as_lines
from orchestrator.graph.moving.importing import Import, Told, import_lines
from orchestrator.graph.moving.mistakes import NotImportedError, mistake
from orchestrator.graph.seeding import default_model, read_seed
from orchestrator.service.graph import graph_of
from orchestrator.settings import Settings
from orchestrator.valkey.documents import read_documents


@contextlib.asynccontextmanager
async def exported(
    settings: Settings, *, everything: bool
) -> AsyncGenerator[AsyncGenerator[Exported]]:
    """Yield the lines of a file with the councils, or with everything in the graph."""
    contents = Contents.EVERYTHING if everything else Contents.COUNCILS
    async with (
        graph_of(settings) as graph,
        contextlib.aclosing(export(graph, contents)) as lines,
    ):
        yield lines


async def import_file(
    settings: Settings, lines: Lines, *, dry_run: bool, verify: bool, told: Told
) -> Import:
    """Import what `exported` wrote."""
    async with graph_of(settings) as graph:
        return await import_lines(
            graph,
            lines,
            seed=read_seed(settings.seed),
            allow_link_local=settings.allow_link_local,
            dry_run=dry_run,
            verify=verify,
            told=told,
        )


async def import_predecessor(
    settings: Settings, url: str, *, dry_run: bool, verify: bool, told: Told
) -> tuple[Import, Reading]:
    """Import what the predecessor kept in the Valkey at a URL; also returns what was read there.

    Raises:
        NotImportedError: there is no council, or one that cannot be read.
    """
    try:
        documents = await read_documents(url)
        reading = read_councils(documents.texts)
    except RefusedError as refused:
        raise NotImportedError(*refused.mistakes) from refused
    ignored = [f"ignored: {what}" for what in documents.ignored]
    if not reading.councils:
        # Whoever named the wrong database must not take it for moved.
        nothing = "there is no council in that Valkey, in the database that the URL names"
        raise NotImportedError(*(mistake("--from-valkey", why) for why in (nothing, *ignored)))
    reading.notes += ignored
    async with graph_of(settings) as graph:
        lines, renamed = await as_lines(
            graph,
            reading.councils,
            Defaults(model=await default_model(graph, settings.vllm_model), url=settings.vllm_url),
        )
        reading.notes += renamed
        imported = await import_lines(
            graph,
            lambda: lines,
            seed=read_seed(settings.seed),
            allow_link_local=settings.allow_link_local,
            dry_run=dry_run,
            verify=verify,
            told=told,
        )
    return imported, reading
