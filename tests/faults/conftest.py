"""What fault tests have in common: a scene with a real Neo4j behind a proxy, a model server, and the real command."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from neo4j import AsyncDriver

from orchestrator.graph.driver import Graph
from tests.support.bolt_proxy import BoltProxy
from tests.support.model_behaviour import Behaviour
from tests.support.model_server import ModelServer
from tests.support.neo4j import Neo4jServer, statement
from tests.support.scene import Scene


@pytest.fixture
async def scene(
    neo4j_server: Neo4jServer,
    driver: AsyncDriver,
    empty_graph: Graph,
    tmp_path: Path,
) -> AsyncGenerator[Scene]:
    """A scene on an empty graph; nothing of the service runs yet."""
    path = tmp_path / "model.jsonl"
    async with (
        ModelServer(models=("tiny",), behaviour=Behaviour(latency=0.03), log=path) as model,
        BoltProxy(neo4j_server.uri) as proxy,
        Scene(
            server=neo4j_server,
            database=empty_graph.database,
            driver=driver,
            proxy=proxy,
            model=model,
            log=path,
            home=tmp_path,
        ) as scene,
    ):
        yield scene


@pytest.fixture
async def indexed_contents(driver: AsyncDriver, neo4j_server: Neo4jServer) -> AsyncGenerator[None]:
    """An index over what turns say: it takes no text above 8 KB, and refuses the whole transaction."""
    database = neo4j_server.database
    await driver.execute_query(statement("index_contents"), database_=database)
    await driver.execute_query(statement("await_indexes"), database_=database)
    yield
    await driver.execute_query(statement("drop_index_of_contents"), database_=database)
