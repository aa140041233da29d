"""Whatever has to be unique or looked up is seen to be so, by its constraint or index: that a migration was applied says only that it was there once."""

from __future__ import annotations

import io
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from pathlib import Path
from typing import LiteralString, cast

import pytest
from neo4j import AsyncDriver
from pydantic import SecretStr
from rich.console import Console

from orchestrator.cli import graph as cli
from orchestrator.cli.exits import Exit
from orchestrator.cli.screen import THEME, Screen
from orchestrator.graph.driver import Graph
from orchestrator.graph.indexes import IncompleteSchemaError, await_indexes, lacking
from orchestrator.graph.migrations import ObstructedError, migrate, schema
from orchestrator.graph.schema import index_of
from orchestrator.settings import Settings
from tests.integration.graph.conftest import Run
from tests.support.neo4j import MARK, Neo4jServer, statement
from tests.support.service_process import ServiceProcess

pytestmark = [pytest.mark.neo4j]

Execute = Callable[[Iterable[str]], Awaitable[None]]


def _statements_of(part: str) -> list[str]:
    return [one for one in part.partition("\n")[2].split(";\n") if one.strip()]


_PARTS = statement("graph/change_schema").split("// way: ")[1:]
WAYS = {part.partition("\n")[0]: _statements_of(part) for part in _PARTS}

MISSING = {
    "a constraint was dropped": "the constraint role_name of Role(name) is missing",
    "its name is taken": "the constraint role_name of Role(name) is missing, and in its place is the constraint role_name of Movie(title)",
    "an index is in its place": "the constraint role_name of Role(name) is missing, and in its place is the index role_name of Role(name)",
    "an index under another name is in its place": "the constraint role_name of Role(name) is missing, and in its place is the index the `x` of Role(name)",
    "the constraint of the lock has another name": "the constraint lock_name of Lock(name) is missing, and in its place is the constraint locks of Lock(name)",
    "an index is in the place of the constraint of the lock": "the constraint lock_name of Lock(name) is missing, and in its place is the index locks of Lock(name)",
    "the full text has another name": "the index spoken_text of Final|Task(description, context, content) is missing, and in its place is the index texts of Final|Task(description, context, content)",
    "properties stand in another order": "the index deliberation_role of Deliberation(role, id) is missing, and in its place is the index deliberation_role of Deliberation(id, role)",
    "relationships have the index": "the index council_updated_at of Council(updatedAt) is missing, and in its place is the index council_updated_at of Council(updatedAt)",
}
"""What is said of each way."""


@pytest.fixture
async def execute(empty_graph: Graph, driver: AsyncDriver) -> AsyncGenerator[Execute]:
    """Run statements that change the schema, which is made anew after the test."""

    async def execute(statements: Iterable[str]) -> None:
        for one in statements:
            # Vouched for: they are of a file of the tests, or of what is tested.
            await driver.execute_query(cast("LiteralString", one), database_=empty_graph.database)

    yield execute
    for lack in await lacking(empty_graph):
        await execute(lack.cure)
    await migrate(empty_graph)
    await await_indexes(empty_graph)


async def test_what_is_looked_for_is_all_that_the_migrations_make_and_nothing_else(
    empty_graph: Graph,
) -> None:
    rows = await empty_graph.read("migrations/list_indexes")
    made = {index_of(row) for row in rows if row["name"] != MARK}
    # Neo4j has those of its own, over labels and types as such.
    assert set(schema()) == {index for index in made if index.type != "LOOKUP"}


@pytest.mark.parametrize("way", WAYS)
async def test_a_constraint_or_index_that_is_not_there_is_told_with_what_is_in_its_place_and_what_makes_it(
    empty_graph: Graph, execute: Execute, way: str
) -> None:
    await execute(WAYS[way])
    assert await migrate(empty_graph) == ()
    with pytest.raises(IncompleteSchemaError) as refused:
        await await_indexes(empty_graph)
    assert MISSING[way] == str(refused.value).partition("make it: ")[2].partition("\n")[0]
    # What is told to be run is what cures it.
    await execute(str(refused.value).partition(":\n")[2].removesuffix(";").split(";\n"))
    await await_indexes(empty_graph)


@pytest.mark.parametrize(
    ("way", "words"),
    [
        (
            "an index under another name is in its place",
            "migration V001__constrain_ids_and_names cannot be applied, since in its way is the index the `x` of Role(name): give",
        ),
        (
            "an index is in the place of the constraint of the lock",
            "migration constrain_lock cannot be applied, since in its way is the index locks of Lock(name): give",
        ),
    ],
)
async def test_an_index_of_somebody_elses_in_the_way_of_a_migration_is_told_with_what_removes_it(
    empty_graph: Graph, run: Run, execute: Execute, way: str, words: str
) -> None:
    await execute(WAYS[way])
    await run("forget_migrations")
    with pytest.raises(ObstructedError) as refused:
        await migrate(empty_graph)
    assert str(refused.value).startswith(words)
    await execute(str(refused.value).partition(":\n")[2].removesuffix(";").split(";\n"))
    await migrate(empty_graph)
    await await_indexes(empty_graph)


async def test_the_doctor_finds_what_is_missing(
    execute: Execute, neo4j_server: Neo4jServer
) -> None:
    await execute(WAYS["a constraint was dropped"])
    out = io.StringIO()
    screen = Screen(
        out=Console(file=out, theme=THEME), err=Console(file=io.StringIO(), theme=THEME)
    )
    settings = Settings(
        neo4j_uri=neo4j_server.uri,
        neo4j_user=neo4j_server.user,
        neo4j_password=SecretStr(neo4j_server.password),
        neo4j_database=neo4j_server.database,
    )
    assert await cli.doctor(settings, screen) == Exit.FAILED
    assert MISSING["a constraint was dropped"] in out.getvalue()
    assert out.getvalue().endswith("\n1 violation\n")


async def test_no_service_starts_without_a_constraint_that_its_migrations_made(
    execute: Execute, neo4j_server: Neo4jServer, tmp_path: Path
) -> None:
    await execute(WAYS["a constraint was dropped"])
    async with ServiceProcess(home=tmp_path, environment=neo4j_server.environment) as service:
        assert await service.wait(60) == Exit.USAGE
        assert MISSING["a constraint was dropped"] in service.last_lines()
