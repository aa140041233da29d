"""A service that is open to more than this machine, whose callers show tokens that the command has made."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from orchestrator.graph.driver import Graph
from tests.support.neo4j import Neo4jServer
from tests.support.service_process import COMMAND, ServiceProcess, clean_environment
from tests.support.waiting import eventually

pytestmark = [pytest.mark.neo4j, pytest.mark.timeout(300)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a command ended, and what it printed."""

    code: int | None
    out: str
    err: str


async def run(*arguments: str, **environment: str) -> Ran:
    process = await asyncio.create_subprocess_exec(
        COMMAND, *arguments, env={**clean_environment(), **environment}, stdout=PIPE, stderr=PIPE
    )
    out, err = await process.communicate()
    return Ran(code=process.returncode, out=out.decode(), err=err.decode())


async def made(file: Path, name: str, scope: str, *arguments: str) -> str:
    """Have the command make a token, add its entry to the file as an operator would, and return the token."""
    ran = await run("token", "create", name, "--scope", scope, "--json", *arguments)
    assert ran.code == 0, ran.err
    both: dict[str, str] = json.loads(ran.out)
    with file.open("a") as kept:
        kept.write(f"{both['entry']}\n")
    return both["token"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A service and the tokens of its callers."""

    service: ServiceProcess
    file: Path
    reader: str
    worker: str

    async def run(self, *arguments: str, token: str | None) -> Ran:
        shown = {} if token is None else {"COUNCIL_TOKEN": token}
        return await run(*arguments, COUNCIL_URL=self.service.url, **shown)

    async def ask(self, query: str, *, token: str) -> Any:
        async with httpx.AsyncClient(
            base_url=self.service.url, trust_env=False, timeout=60
        ) as http:
            headers = {"authorization": f"Bearer {token}"}
            return (await http.post("/graphql", json={"query": query}, headers=headers)).json()


@pytest.fixture
async def place(
    neo4j_server: Neo4jServer, empty_graph: Graph, tmp_path: Path
) -> AsyncGenerator[Place]:
    file = tmp_path / "tokens"
    reader = await made(file, "reader", "read")
    worker = await made(file, "worker", "deliberate", "--expires", "90d")
    environment = {
        **neo4j_server.environment,
        "NEO4J_DATABASE": empty_graph.database,
        "COUNCIL_HOST": "0.0.0.0",  # noqa: S104
        "COUNCIL_TOKENS_FILE": str(file),
    }
    async with ServiceProcess(home=tmp_path / "home", environment=environment) as service:
        await service.ready()
        yield Place(service=service, file=file, reader=reader, worker=worker)


async def test_what_somebody_does_has_his_name_and_what_is_taken_back_counts_no_longer(
    place: Place,
) -> None:
    nobody = await place.run("councils", token=None)
    assert nobody.code == 4
    assert "a token must be sent" in nobody.err
    assert "COUNCIL_TOKEN" in nobody.err

    assert (await place.run("councils", token=place.reader)).code == 0
    forbidden = await place.run("ask", "DEV", "Why?", "--detach", token=place.reader)
    assert forbidden.code == 4
    assert "deliberate needs the scope deliberate, and the caller has read" in forbidden.err

    asked = await place.run("ask", "DEV", "Why?", "--json", token=place.worker)
    assert asked.code == 0, asked.err
    deliberation = json.loads(asked.out)["deliberation"]["id"]
    shown = await place.ask(
        f'{{ deliberation(id: "{deliberation}") {{ createdBy }} }}', token=place.reader
    )
    assert shown["data"]["deliberation"] == {"createdBy": "worker"}

    place.file.write_text(place.file.read_text().splitlines()[0])
    refused = await eventually(
        lambda: place.run("councils", token=place.worker), lambda ran: ran.code != 0
    )
    assert refused.code == 4
    assert (await place.run("councils", token=place.reader)).code == 0

    log = place.service.log_file.read_text()
    assert '"caller_refused"' in log
    assert place.reader not in log
    assert place.worker not in log


async def test_two_callers_with_one_idempotency_key_do_not_meet(place: Place) -> None:
    other = await made(place.file, "other", "deliberate")

    async def ask(token: str) -> Any:
        mutation = """mutation { deliberate(input: { council: { role: "DEV" },
          task: { description: "Why?" }, idempotencyKey: "same" })
          { deliberation { id createdBy } errors { message } } }"""
        return await place.ask(mutation, token=token)

    mine, again = await ask(place.worker), await ask(place.worker)
    others = await eventually(lambda: ask(other), lambda answer: "data" in answer)

    first, second = (one["data"]["deliberate"]["deliberation"] for one in (mine, others))
    assert again == mine
    assert first["id"] != second["id"]
    assert (first["createdBy"], second["createdBy"]) == ("worker", "other")


async def test_open_to_more_than_this_machine_and_to_nobody_in_particular_it_does_not_start(
    tmp_path: Path,
) -> None:
    for command in ("serve", "up", "settings"):
        ran = await run(
            command,
            COUNCIL_HOST="0.0.0.0",  # noqa: S104
            COUNCIL_HOME=str(tmp_path),
            NEO4J_URI="bolt://127.0.0.1:1",
        )
        assert ran.code == 2
        assert "COUNCIL_HOST is 0.0.0.0" in ran.err
        assert "council token create" in ran.err


async def test_a_token_is_never_an_argument() -> None:
    """Whoever lists processes would see it, and the shell would keep it."""
    for command in ("ask", "councils", "show", "cancel", "retry", "agents"):
        helped = await run(command, "--help")
        assert helped.code == 0
        assert "--token" not in helped.out
