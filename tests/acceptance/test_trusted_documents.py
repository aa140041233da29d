"""A service that answers only the documents of its list: its own client and command line work, and nothing else does."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from neo4j import AsyncDriver

from orchestrator.cli.exits import Exit
from orchestrator.client import CouncilClient
from orchestrator.client.models import TaskInput
from orchestrator.graph.driver import Graph
from tests.support.neo4j import Neo4jServer, wipe
from tests.support.service_process import ServiceProcess
from tests.support.shell import Shell

pytestmark = [pytest.mark.neo4j, pytest.mark.timeout(300)]

OURS = "query Ours { service { version } }\n"


async def test_its_own_client_and_its_operators_documents_are_answered_and_nothing_else(
    neo4j_server: Neo4jServer, migrated_graph: Graph, driver: AsyncDriver, tmp_path: Path
) -> None:
    await wipe(driver, migrated_graph.database)
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "ours.graphql").write_text(OURS)
    environment = {**neo4j_server.environment, "COUNCIL_DOCUMENTS": str(documents)}
    async with ServiceProcess(home=tmp_path / "home", environment=environment) as service:
        await service.ready()
        async with CouncilClient(service.url) as client:
            [dev] = [council async for council in client.councils(role="DEV")]
            deliberation = await client.deliberate(TaskInput(description="Name it."), role="DEV")
            kinds = [type(event).__name__ async for event in client.events(deliberation.id)]
            transcript = await client.transcript(deliberation.id)
        ran = await Shell(environment={"COUNCIL_URL": service.url}).run("councils", "--json")
        async with httpx.AsyncClient(base_url=service.url, timeout=60) as plain:
            by_id = await plain.get(
                "/graphql",
                params={"documentId": f"sha256:{sha256(OURS.encode()).hexdigest()}"},
            )
            other = await plain.post("/graphql", json={"query": "{ roles { name } }"})

    assert dev.role.name == "DEV"
    assert kinds[-1].endswith("DeliberationEnded")
    assert transcript is not None
    assert len(transcript.turns) == 12
    assert (ran.code, len(ran.json)) == (0, 5)
    assert by_id.json()["data"]["service"]["version"]
    [error] = other.json()["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"


async def test_a_document_that_could_not_be_answered_ends_the_start_with_its_name(
    neo4j_server: Neo4jServer, tmp_path: Path
) -> None:
    (tmp_path / "wrong.graphql").write_text("{ colour }")
    environment = {**neo4j_server.environment, "COUNCIL_DOCUMENTS": str(tmp_path)}
    async with ServiceProcess(home=tmp_path / "home", environment=environment) as service:
        assert await service.wait(60) == Exit.USAGE
        last = service.last_lines()

    assert "wrong.graphql" in last
    assert "colour" in last
    assert "Traceback" not in last
