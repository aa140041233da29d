"""docs/migrating.md on backup and restore, with the real thing: a dump of a stopped Neo4j, loaded into a new one.

And what processes do whose Neo4j is given another graph while they run.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from neo4j import AsyncGraphDatabase

from orchestrator.cli.exits import Exit
from orchestrator.domain.ids import body
from orchestrator.graph.doctor import examine
from orchestrator.graph.driver import Graph, open_graph
from orchestrator.graph.migrations import migrate
from orchestrator.graph.seeding import read_seed, seed, settle_defaults
from orchestrator.local import java, tools
from orchestrator.local.neo4j import OwnNeo4j
from tests.support import neo4j_faults
from tests.support.evidence import gather
from tests.support.model_behaviour import Behaviour
from tests.support.model_server import ModelServer
from tests.support.moving import make_everything
from tests.support.neo4j import LIBRARY, own_neo4j, statement, wipe
from tests.support.scene import DELIBERATE
from tests.support.service_process import ServiceProcess
from tests.support.shell import Shell
from tests.support.waiting import eventually, until

# Servers are started, one after the other; the first run on a machine may have to fetch Neo4j.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Empty:
    """A Neo4j in which nothing ever was: its files, and all that is shown of it."""

    files: Path
    shown: tuple[list[Any], list[Any]]


@pytest.fixture(scope="module")
async def kept(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[OwnNeo4j]:
    """A Neo4j that only these tests use; each but the last leaves it running."""
    async with own_neo4j(tmp_path_factory.mktemp("neo4j"), library=LIBRARY) as own:
        yield own


@pytest.fixture(scope="module")
async def empty(kept: OwnNeo4j, tmp_path_factory: pytest.TempPathFactory) -> Empty:
    """As it was before the first of these tests."""
    files = tmp_path_factory.mktemp("empty") / "data"
    await neo4j_faults.copy_files(kept, files)
    return Empty(files=files, shown=await whole(kept))


@pytest.fixture
async def own(kept: OwnNeo4j, empty: Empty) -> OwnNeo4j:
    """That Neo4j, without any node but the marks of its migrations."""
    del empty  # it is looked at before anything is written
    async with AsyncGraphDatabase.driver(kept.uri, auth=(kept.user, kept.password)) as driver:
        await wipe(driver, "neo4j")
    return kept


def environment_of(own: OwnNeo4j, *, scheme: str = "bolt", **more: str) -> dict[str, str]:
    """What a service needs in its environment to work on it."""
    return {
        "NEO4J_URI": own.uri.replace("bolt", scheme),
        "NEO4J_USER": own.user,
        "NEO4J_PASSWORD": own.password,
        **more,
    }


async def test_an_empty_graph_put_beneath_a_running_process_is_not_written_to_and_ends_it(
    own: OwnNeo4j, empty: Empty, tmp_path: Path
) -> None:
    environment = environment_of(own)
    shell = Shell(environment={**environment, "COUNCIL_HOME": str(tmp_path / "service")})
    async with ServiceProcess(home=tmp_path / "service", environment=environment) as service:
        await service.ready()
        await neo4j_faults.put_beneath(own, empty.files)
        assert await service.wait(60) == Exit.FAILED
        assert "the graph lacks the migration V001" in service.last_lines().splitlines()[-1]
        assert await whole(own) == empty.shown
        examined = await shell.run("doctor")
        assert examined.code == Exit.FAILED
        assert "the graph lacks the migration V001" in examined.err
        await service.start()
        await service.ready()


async def test_an_older_graph_put_beneath_running_processes_is_gone_on_with_from_what_is_there(
    own: OwnNeo4j, tmp_path: Path
) -> None:
    older = tmp_path / "older"
    others, critiques = asyncio.Event(), asyncio.Event()
    async with AsyncExitStack() as stack:
        model = await stack.enter_async_context(ModelServer())
        model.script(Behaviour(until=others), turn="*-p0-s[23]")
        model.script(Behaviour(until=critiques), turn="*-c1-*")
        # With room for one each, each has one of the two, and the drivers of both schemes their bookmarks of what is lost.
        more = {"VLLM_URL": model.url, "VLLM_MODEL": "tiny", "COUNCIL_CONCURRENCY": "1"}
        services = [
            await stack.enter_async_context(
                ServiceProcess(
                    home=tmp_path / scheme, environment=environment_of(own, scheme=scheme, **more)
                )
            )
            for scheme in ("bolt", "neo4j")
        ]
        graph = await stack.enter_async_context(
            open_graph(own.uri, own.user, own.password, "neo4j")
        )
        driver = await stack.enter_async_context(
            AsyncGraphDatabase.driver(own.uri, auth=(own.user, own.password))
        )
        order = {"council": {"role": "DEV"}, "task": {"description": "Write a cache."}}
        accepted: list[str] = []
        for service in services:
            await service.ready()
            answer = await service.ask(DELIBERATE, input=order)
            accepted.append(answer["deliberate"]["deliberation"]["id"])

        async def turns() -> list[int]:
            seen = await gather(driver, "neo4j")
            return [len(seen.of(id_)) for id_ in accepted]

        await eventually(turns, lambda counts: counts == [1, 1])
        await neo4j_faults.copy_files(own, older)
        others.set()
        await eventually(turns, lambda counts: counts == [3, 3])
        for id_ in accepted:
            await until(lambda id_=id_: bool(model.of(f"trn_{body(id_)}-c1-*")))
        await neo4j_faults.put_beneath(own, older)
        critiques.set()

        async def statuses() -> set[str]:
            seen = await gather(driver, "neo4j")
            return {seen.deliberation(id_).status for id_ in accepted}

        await eventually(statuses, lambda statuses: statuses == {"DECIDED"}, 120)
        assert await turns() == [12, 12]
        assert await examine(graph) == ()
        for service in services:
            await service.ready()
            # Whoever is back first may have taken over what the other held: that one has lost it.
            assert service.logged("claim_fenced") or service.logged("claim_lost")
            assert await service.stop() == 0


async def fill(graph: Graph) -> None:
    await migrate(graph)
    await settle_defaults(graph, "http://127.0.0.1:8000/v1", "m")
    await seed(graph, read_seed(None))
    await make_everything(graph)


async def test_a_dump_of_a_stopped_neo4j_loaded_into_a_new_one_is_the_same_graph(
    own: OwnNeo4j, tmp_path: Path
) -> None:
    dumps = tmp_path / "dumps"
    dumps.mkdir()
    async with open_graph(own.uri, own.user, own.password, "neo4j") as graph:
        await fill(graph)
    before = await whole(own)
    assert len(before[0]) > 100
    await own.stop()
    await admin(own.home, "database", "dump", "*", f"--to-path={dumps}")
    # `system` has the password.
    assert {dump.name for dump in dumps.iterdir()} == {"neo4j.dump", "system.dump"}

    new = own_neo4j(tmp_path / "new", library=LIBRARY)
    new.home.mkdir(parents=True)
    new.password_file.write_bytes(own.password_file.read_bytes())
    new.password_file.chmod(0o600)
    await admin(new.home, "database", "load", "*", f"--from-path={dumps}")
    async with new:
        assert await whole(new) == before
        async with open_graph(new.uri, new.user, new.password, "neo4j") as graph:
            assert await migrate(graph) == ()
            assert await examine(graph) == ()
