"""docs/migrating.md on backup and restore, with the real thing: a dump of a stopped Neo4j, loaded into a new one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from neo4j import AsyncGraphDatabase

from orchestrator.graph.doctor import examine
from orchestrator.graph.driver import Graph, open_graph
from orchestrator.graph.migrations import migrate
from orchestrator.graph.seeding import read_seed, seed, settle_defaults
from orchestrator.local import java, tools
from orchestrator.local.neo4j import OwnNeo4j
from tests.support.moving import make_everything
from tests.support.neo4j import LIBRARY, own_neo4j, statement

# Two servers are started, one after the other; the first run on a machine may have to fetch Neo4j.
pytestmark = [pytest.mark.neo4j, pytest.mark.timeout(600)]


async def admin(home: Path, *arguments: str) -> None:
    """Run what a distribution calls `neo4j-admin`, on the files of a server that does not run."""
    missing: list[str] = []
    found_java = await tools.find_java(missing)
    if found_java is None:
        pytest.skip("Neo4j runs in a container here; there is no Java to run its commands with")
    status, output = await java.administer(found_java.command, home, LIBRARY, *arguments)
    assert status == 0, output


async def whole(own: OwnNeo4j) -> tuple[list[Any], list[Any]]:
    """Everything in the graph, and its schema."""
    auth = (own.user, own.password)
    async with AsyncGraphDatabase.driver(own.uri, auth=auth) as driver:
        rows = (await driver.execute_query(statement("graph/show_whole_graph"))).records
        schema = (await driver.execute_query(statement("graph/list_schema"))).records
    shown = [[row["what"], row["which"], sorted(row["properties"])] for row in rows]
    return sorted(shown), sorted(record.values() for record in schema)


async def fill(graph: Graph) -> None:
    await migrate(graph)
    await settle_defaults(graph, "http://127.0.0.1:8000/v1", "m")
    await seed(graph, read_seed(None))
    await make_everything(graph)


async def test_a_dump_of_a_stopped_neo4j_loaded_into_a_new_one_is_the_same_graph(
    tmp_path: Path,
) -> None:
    dumps = tmp_path / "dumps"
    dumps.mkdir()
    async with own_neo4j(tmp_path / "old", library=LIBRARY) as old:
        async with open_graph(old.uri, old.user, old.password, "neo4j") as graph:
            await fill(graph)
        before = await whole(old)
        password = old.password_file.read_bytes()
    assert len(before[0]) > 100
    await admin(old.home, "database", "dump", "*", f"--to-path={dumps}")
    # `system` has the password.
    assert {dump.name for dump in dumps.iterdir()} == {"neo4j.dump", "system.dump"}

    new = own_neo4j(tmp_path / "new", library=LIBRARY)
    new.home.mkdir(parents=True)
    new.password_file.write_bytes(password)
    new.password_file.chmod(0o600)
    await admin(new.home, "database", "load", "*", f"--from-path={dumps}")
    async with new:
        assert await whole(new) == before
        async with open_graph(new.uri, new.user, new.password, "neo4j") as graph:
            assert await migrate(graph) == ()
            assert await examine(graph) == ()
