"""`council export` and `council import` as operators run them, beside a real Neo4j."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from neo4j import AsyncDriver

from orchestrator.graph import statements
from orchestrator.graph.doctor import examine
from orchestrator.graph.driver import Graph
from orchestrator.graph.seeding import read_seed, seed, settle_defaults
from tests.support.bolt_proxy import BoltProxy, Side, Tag
from tests.support.moving import make_everything
from tests.support.neo4j import Neo4jServer, statement, wipe
from tests.support.redis_server import running
from tests.support.service_process import COMMAND, ServiceProcess, clean_environment
from tests.support.shell import Ran

pytestmark = [pytest.mark.neo4j, pytest.mark.timeout(300)]

URL = "http://127.0.0.1:8000/v1"


class Shell:
    """Runs `council` on a graph, with nothing of the tests' own environment."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = {**clean_environment(), **environment}

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            COMMAND, *arguments, env=self._environment, stdin=DEVNULL, stdout=PIPE, stderr=PIPE
        )

    async def run(self, *arguments: str, given: bytes | None = None, to: int = PIPE) -> Ran:
        """Give it that on standard input, and `to` for standard output."""
        return await self._run(str(COMMAND), *arguments, given=given, to=to)

    async def run_with_little_room(self, *arguments: str) -> Ran:
        """No file may become larger than a few kilobytes: a write fails in its middle, as on a full disk."""
        return await self._run("sh", "-c", 'ulimit -f 8; exec "$@"', "sh", str(COMMAND), *arguments)

    async def _run(self, *command: str, given: bytes | None = None, to: int = PIPE) -> Ran:
        process = await asyncio.create_subprocess_exec(
            *command,
            env=self._environment,
            stdin=DEVNULL if given is None else PIPE,
            stdout=to,
            stderr=PIPE,
        )
        out, err = await process.communicate(given)
        assert process.returncode is not None
        ran = Ran(code=process.returncode, out=(out or b"").decode(), err=err.decode())
        assert "Traceback" not in ran.err
        return ran


@pytest.fixture
def environment(neo4j_server: Neo4jServer, empty_graph: Graph, tmp_path: Path) -> dict[str, str]:
    return {
        **neo4j_server.environment,
        "NEO4J_DATABASE": empty_graph.database,
        "COUNCIL_HOME": str(tmp_path / "home"),
        "VLLM_URL": URL,
        "VLLM_MODEL": "m",
    }


@pytest.fixture
def shell(environment: dict[str, str]) -> Shell:
    return Shell(environment)


@pytest.fixture
async def filled(empty_graph: Graph) -> Graph:
    await settle_defaults(empty_graph, URL, "m")
    await seed(empty_graph, read_seed(None))
    await make_everything(empty_graph)
    return empty_graph


def partial(folder: Path) -> list[Path]:
    """What a write that did not end has left there."""
    return list(folder.glob(".*"))


async def shown(driver: AsyncDriver, graph: Graph) -> list[Any]:
    rows = await driver.execute_query(statement("graph/show_whole_graph"), database_=graph.database)
    return sorted([row["what"], row["which"], sorted(row["properties"])] for row in rows.records)


async def test_everything_goes_through_a_file_and_through_a_pipe(
    shell: Shell, filled: Graph, driver: AsyncDriver, tmp_path: Path
) -> None:
    before = await shown(driver, filled)
    file = tmp_path / "all.jsonl"
    written = await shell.run("export", "--everything", "--output", str(file))
    assert written.code == 0
    assert "7 councils" in written.out
    assert (file.stat().st_mode & 0o077, partial(tmp_path)) == (0, [])
    piped = await shell.run("export", "--everything")
    assert piped.out.split("\n")[1:] == file.read_text().split("\n")[1:]

    await wipe(driver, filled.database)
    would = await shell.run("import", str(file), "--dry-run")
    assert (would.code, would.out.split()[:2]) == (0, ["would", "import"])
    assert await shown(driver, filled) == []
    done = await shell.run("import", "-", "--verify", given=piped.out.encode())
    assert done.code == 0
    assert "nothing differs" in done.out
    assert await shown(driver, filled) == before
    assert (await shell.run("doctor")).code == 0


@pytest.mark.parametrize(
    ("tag", "skip"), [(Tag.HELLO, 0), (Tag.RUN, 3)], ids=["at the beginning", "in the middle"]
)
async def test_where_neo4j_was_away_for_a_moment_a_pipe_has_the_lines_of_the_export_alone(
    environment: dict[str, str], shell: Shell, filled: Graph, tag: Tag, skip: int
) -> None:
    del filled
    undisturbed = await shell.run("export")
    async with BoltProxy(environment["NEO4J_URI"]) as proxy:
        away = proxy.trap(Side.REQUEST, tag, skip=skip)
        exporting = asyncio.create_task(
            Shell({**environment, "NEO4J_URI": proxy.uri}).run("export")
        )
        await away.sprung()
        away.cut()
        ran = await exporting

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.split("\n")[1:] == undisturbed.out.split("\n")[1:]
    assert json.loads(ran.out.split("\n")[0])["kind"] == "header"


async def test_no_secret_is_in_a_file(environment: dict[str, str], filled: Graph) -> None:
    del filled
    shell = Shell({**environment, "VLLM_API_KEY": "sk-one", "COUNCIL_KEY_GPU": "sk-two"})
    ran = await shell.run("export", "--everything")
    assert ran.code == 0
    assert "COUNCIL_KEY_GPU" in ran.out
    for secret in ("sk-one", "sk-two", environment["NEO4J_PASSWORD"]):
        assert secret not in ran.out


async def test_a_broken_file_is_told_line_by_line_and_a_file_is_replaced_only_whole(
    shell: Shell, filled: Graph, driver: AsyncDriver, tmp_path: Path
) -> None:
    file = tmp_path / "councils.jsonl"
    file.write_text("what was there before")
    refused = await shell.run("export", "--output", str(tmp_path / "no" / "such.jsonl"))
    assert (refused.code, "No such file" in refused.err) == (2, True)
    assert (await shell.run("export", "--output", str(file))).code == 0
    lines = file.read_text().splitlines()
    lines[1] = lines[1].replace('"agentsNamed":', '"agentsNamed":"many","x":')
    lines[2] = "\udcff"
    file.write_bytes("\n".join(lines[:-1]).encode("utf-8", "surrogateescape"))
    before = await shown(driver, filled)
    broken = await shell.run("import", str(file))
    assert broken.code == 4
    told = broken.err.removeprefix("council: ").split("\n")
    for line, place in zip(told, ["line 2, x: ", "line 2, agentsNamed ", "line 3: "], strict=False):
        assert line.startswith(place)
    assert told[-2].startswith("line ")
    assert await shown(driver, filled) == before


async def test_an_export_without_room_is_told_and_leaves_what_was_there(
    shell: Shell, filled: Graph, tmp_path: Path
) -> None:
    del filled
    file = tmp_path / "councils.jsonl"
    file.write_text("what was there before")
    full = await shell.run_with_little_room("export", "--output", str(file))
    assert full.code == 1
    assert "File too large; the export was not written to its end" in full.err
    assert (file.read_text(), partial(tmp_path)) == ("what was there before", [])
    with open("/dev/full", "wb") as device:  # noqa: ASYNC230, PTH123 - a device
        full = await shell.run("export", to=device.fileno())
    assert full.code == 1
    assert "standard output: No space left on device" in full.err


async def test_what_is_no_file_is_not_put_out_of_its_place(
    shell: Shell, filled: Graph, tmp_path: Path
) -> None:
    del filled
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    refused = await shell.run("export", "--output", str(pipe))
    assert (refused.code, "is no file" in refused.err) == (2, True)
    assert pipe.is_fifo()


async def test_a_name_that_no_file_can_have_is_told(
    shell: Shell, filled: Graph, tmp_path: Path
) -> None:
    del filled
    refused = await shell.run("export", "--output", str(tmp_path / ("a" * 300)))
    assert (refused.code, "File name too long" in refused.err) == (2, True)


@pytest.mark.parametrize(
    "arguments",
    [(), ("a", "--from-valkey", "valkey://h"), ("no such file",), ("/",)],
)
async def test_arguments_that_cannot_be_are_told(shell: Shell, arguments: tuple[str, ...]) -> None:
    ran = await shell.run("import", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err


async def test_history_waits_for_the_service_to_be_stopped(
    environment: dict[str, str], tmp_path: Path
) -> None:
    shell = Shell(environment)
    file = tmp_path / "all.jsonl"
    async with ServiceProcess(home=tmp_path / "home", environment=environment) as service:
        await service.ready()
        refused = await shell.run("export", "--everything", "--output", str(file))
        assert (refused.code, file.exists()) == (4, False)
        assert "is at work" in refused.err
        assert (await shell.run("export", "--output", str(file))).code == 0
        await service.stop()
        assert (await shell.run("export", "--everything", "--output", str(file))).code == 0
        await service.start()
        await service.ready()


async def test_killed_in_the_middle_and_run_again_it_is_whole(
    environment: dict[str, str], shell: Shell, filled: Graph, driver: AsyncDriver, tmp_path: Path
) -> None:
    file = tmp_path / "all.jsonl"
    await shell.run("export", "--everything", "--output", str(file))
    _multiply(file, 1500)
    await wipe(driver, filled.database)
    async with BoltProxy(environment["NEO4J_URI"]) as proxy:
        some = proxy.trap(
            Side.ANSWER, Tag.COMMIT, statements.statement("moving/write_councils"), skip=1
        )
        slowly = Shell({**environment, "NEO4J_URI": proxy.uri})
        importing = await slowly.start("import", str(file))
        await some.sprung(seconds=60)
        importing.send_signal(signal.SIGKILL)
        await importing.wait()

    async def imported() -> int:
        rows = await driver.execute_query(
            statement("graph/count_councils"), database_=filled.database
        )
        return rows.records[0]["councils"]

    assert 0 < await imported() < 1500
    assert await examine(filled) == ()
    done = await shell.run("import", str(file), "--verify")
    assert (done.code, done.err) == (0, "")
    assert await imported() > 1500
    assert await examine(filled) == ()


def _multiply(file: Path, times: int) -> None:
    """Add archived councils of one agent each, so that an import takes a while."""
    header, *records, end = [json.loads(line) for line in file.read_text().splitlines()]
    councils = [record for record in records if record["kind"] == "council"]
    pattern = next(council for council in councils if "archivedAt" in council)
    speaks = {"model": "m"}
    more = [
        {
            **pattern,
            "id": f"cou_z{number:06}",
            "quorum": 1,
            "agents": [
                {
                    "id": f"agt_z{number:06}",
                    "name": f"more {number}",
                    "temperature": 0.5,
                    "maxTokens": 9,
                    "speaksWith": speaks,
                    "seat": 1,
                }
            ],
        }
        for number in range(times)
    ]
    at = records.index(councils[-1]) + 1
    records[at:at] = more
    end["counts"]["council"] += times
    file.write_text("\n".join(json.dumps(record) for record in (header, *records, end)))


async def test_the_predecessors_councils_come_out_of_a_server_of_the_redis_protocol(
    environment: dict[str, str], empty_graph: Graph, driver: AsyncDriver, tmp_path: Path
) -> None:
    shell = Shell(environment)
    with running(tmp_path) as (where, client):
        client.set(
            "orchestrator:councils:DEV",
            json.dumps(
                {
                    "role": "DEV",
                    "rounds": 2,
                    "state": "READY",
                    "agents": [
                        {"agent_id": "agent-dev-001", "model": "m", "endpoint_url": URL},
                        {"agentId": "agent-dev-002", "model": "big", "vllmUrl": "http://gpu/v1"},
                    ],
                }
            ),
        )
        client.set("orchestrator:councils:RESEARCH", '["ada", "bob", "eve"]')
        client.set("orchestrator:councils:REVIEW", '["ada", "ida"]')
        client.hset("orchestrator:councils:OTHER", "role", "OTHER")
        address = f"valkey://{where}/0"
        # The service has begun on the new graph: what it was seeded with makes room.
        await settle_defaults(empty_graph, URL, "m")
        await seed(empty_graph, read_seed(None))
        would = await shell.run("import", "--from-valkey", address, "--dry-run")
        assert (would.code, "dev-council-1 (DEV)" in would.out) == (0, True)
        assert "ignored: the field state, first in orchestrator:councils:DEV" in would.err
        assert "ignored: orchestrator:councils:OTHER, which is a hash" in would.err
        for role in ("research", "review"):
            key = f"orchestrator:councils:{role.upper()}"
            assert f"renamed: the agent ada of {key} is {role}-ada" in would.err
        done = await shell.run("import", "--from-valkey", address, "--verify")
        assert (done.code, "nothing differs" in done.out) == (0, True)
        before = await shown(driver, empty_graph)
        again = await shell.run("import", "--from-valkey", address, "--verify")
        assert (again.code, "imported       nothing" in again.out) == (0, True)
        assert await shown(driver, empty_graph) == before
        assert await examine(empty_graph) == ()

        client.set("orchestrator:councils:RESEARCH", '["ada", "bob"]')
        differs = await shell.run("import", "--from-valkey", address, "--dry-run", "--verify")
        assert differs.code == 1
        assert "agents[2]" in differs.out
        client.set("orchestrator:councils:QA", '{"agents": ["a"], "rounds": 99}')
        elsewhere = await shell.run("import", "--from-valkey", f"valkey://{where}/1")
        assert elsewhere.code == 4
        assert "there is no council in that Valkey" in elsewhere.err
        assert await shown(driver, empty_graph) == before
        broken = await shell.run("import", "--from-valkey", address)
        assert (broken.code, broken.err) == (
            4,
            "council: orchestrator:councils:QA, rounds must be from 0 to 10, and is 99\n",
        )
    nonsense = await shell.run("import", "--from-valkey", "nonsense")
    assert (nonsense.code, "valkey://host:6379/0" in nonsense.err) == (2, True)
    away = await shell.run("import", "--from-valkey", address)
    assert (away.code, "cannot be reached" in away.err) == (3, True)
