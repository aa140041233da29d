"""The documents that benchmarks measure are answered as they say: they are compared by it."""

from __future__ import annotations

import pytest

from orchestrator.graph.driver import Graph
from orchestrator.graph.seeding import settle_defaults
from tests.benchmarks import reads
from tests.integration.api.conftest import Api, Ran
from tests.support.neo4j import wipe

pytestmark = pytest.mark.neo4j


async def test_benchmarks_are_answered_whole_by_the_statements_that_they_name(
    api: Api, seeded: Graph, ran: Ran
) -> None:
    await wipe(seeded.driver, seeded.database)
    await settle_defaults(seeded, "http://127.0.0.1:8000/v1", "Qwen/Qwen2.5-0.5B-Instruct")
    await reads.fill(seeded.driver, deliberations=660)

    for read in reads.reads_of(deliberations=660):
        ran.clear()
        await api.ask(read.ours, read.variables)

        assert ran == [(name, parameters) for name, parameters in read.statements]
