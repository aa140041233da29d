"""`council up`: everything from one command, all of it back after a kill, and nothing left behind after Ctrl-C."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from neo4j import AsyncDriver, AsyncGraphDatabase

from orchestrator.cli.examples import example
from orchestrator.cli.exits import Exit
from orchestrator.client import CouncilClient, models
from orchestrator.graph.driver import Graph
from orchestrator.local import locks, processes
from orchestrator.local.neo4j import stop_leftover
from tests.support import evidence, making, neo4j_faults
from tests.support.model_behaviour import Behaviour
from tests.support.model_log import ModelLog
from tests.support.model_server import ModelServer
from tests.support.neo4j import LIBRARY, Neo4jServer, Way, own_neo4j, statement
from tests.support.offline import Offline
from tests.support.ports import free_port
from tests.support.service_process import COMMAND
from tests.support.waiting import eventually, until

pytestmark = [pytest.mark.neo4j, pytest.mark.timeout(600)]

_SECONDS = 240
_UP = (str(COMMAND), "up", "--example")
_MAKE_RUN = ("make", "--directory", str(making.ROOT), "run")


class Up:
    """A run of the command, and what it has printed so far."""

    def __init__(self, process: asyncio.subprocess.Process, output: Path, port: int) -> None:
        self.url: str = f"http://127.0.0.1:{port}"
        self._process = process
        self._output = output

    @property
    def printed(self) -> str:
        return self._output.read_text(encoding="utf-8")

    async def prints(self, words: str) -> str:
        """Wait for words, and return all until now."""
        async with asyncio.timeout(_SECONDS):
            while words not in self.printed:
                assert self._process.returncode is None, self.printed
                await asyncio.sleep(0.05)
        return self.printed

    async def end(self, number: signal.Signals) -> int:
        """Send a signal to it and to what runs it, as a terminal does."""
        os.killpg(self._process.pid, number)
        async with asyncio.timeout(_SECONDS):
            return await self._process.wait()

    async def ends(self) -> int:
        async with asyncio.timeout(_SECONDS):
            return await self._process.wait()


@asynccontextmanager
async def up(home: Path, command: Sequence[str] = _UP, **environment: str) -> AsyncGenerator[Up]:
    port = free_port()
    ports = {
        "COUNCIL_PORT": str(port),
        "COUNCIL_BOLT_PORT": "0",
        "COUNCIL_BROWSER_PORT": "0",
    }
    output = home / "printed"
    with output.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *command,
            env={**making.environment(), "COUNCIL_HOME": str(home), **ports, **environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    running = Up(process, output, port)
    try:
        yield running
    finally:
        if process.returncode is None:
            await running.end(signal.SIGKILL)


@pytest.fixture
async def home(neo4j_way: Way, tmp_path: Path) -> AsyncGenerator[Path]:
    """A home that has the files of Neo4j already; what is left running in it is stopped."""
    del neo4j_way  # it has fetched them
    (tmp_path / "neo4j").mkdir(mode=0o700)
    (tmp_path / "neo4j" / "lib").symlink_to(LIBRARY)
    yield tmp_path
    assert await stop_leftover(tmp_path)


async def exported(home: Path) -> str:
    """What is said of an export of everything; the Neo4j that it starts for that is gone after it."""
    arguments = ("export", "--everything", "--output", str(home / "history.jsonl"))
    async with up(home, (str(COMMAND), *arguments)) as exporting:
        assert await exporting.ends() == 0, exporting.printed
    assert await processes.find(home / "neo4j") == []
    return exporting.printed


_MODEL = "Qwen/Qwen2.5-0.5B-Instruct"
"""What the seed's agents speak with."""

_REGISTER = """mutation ($url: String!) {
  registerEndpoint(input: {name: "silent", url: $url}) { errors { message } }
}"""


async def test_the_example_is_decided_comes_back_after_kills_of_either_and_ctrl_c_ends_all_in_order(
    home: Path,
) -> None:
    # The files of Neo4j are there, as at every start but the first: nothing has to be fetched.
    offline = Offline(home / "offline")
    async with up(home, _MAKE_RUN, **offline.environment) as first:
        printed = await first.prints("Ctrl-C ends everything")
        assert "5 councils with 15 agents, seeded into a new graph" in printed
        assert printed.count(" proposes: ") == 3
        assert printed.count(" criticises ") == 3
        assert printed.count(" revises: ") == 3
        assert printed.count(" ranks ") == 3
        assert "REHEARSAL  Verdict of dev-council-1" in printed
        assert re.search(r"GraphQL +http://127\.0\.0\.1:\d+/graphql", printed)
        assert re.search(r"GraphiQL +http://127\.0\.0\.1:\d+/graphql", printed)
        assert re.search(r"Neo4j Browser +http://127\.0\.0\.1:\d+/browser/", printed)
        assert 'council ask DEV "…"' in printed
        password = home / "neo4j" / "password"
        assert str(password) in printed
        assert password.stat().st_mode & 0o077 == 0
        assert password.read_text().strip() not in printed
        await first.end(signal.SIGKILL)

    log = [json.loads(line) for line in (home / "council.log").read_text().splitlines()]
    assert {line["event"]: line["rehearsal"] for line in log if "rehearsal" in line} == {
        "listening": True,
        "deliberation_accepted": True,
        "deliberation_claimed": True,
        "deliberation_ended": True,
    }

    async with (
        ModelServer(models=(_MODEL,), behaviour=Behaviour(hang_after=-1)) as model,
        up(home, **offline.environment, COUNCIL_DRAIN_SECONDS="0.5") as second,
    ):
        back = await second.prints("Ctrl-C ends everything")
        assert "5 councils with 15 agents, back from the graph" in back
        assert "Back from the graph, as it was decided" in back
        assert " proposes: " not in back
        assert _ranking(back) == _ranking(printed)
        neo4j = await neo4j_faults.kill_below(home)
        assert f"Neo4j ({neo4j}) ended by itself" in await second.prints("started again")
        async with CouncilClient(second.url) as client, httpx.AsyncClient(timeout=60) as http:
            await eventually(
                lambda: http.get(f"{second.url}/readyz"),
                lambda ready: ready.status_code == 200 and "neo4j_started_again" in log_of(home),
                _SECONDS,
            )
            assert "neo4j_ended" in log_of(home)
            added = await http.post(
                f"{second.url}/graphql",
                json={"query": _REGISTER, "variables": {"url": model.url}},
            )
            assert added.json()["data"]["registerEndpoint"]["errors"] == []
            [qa] = [council async for council in client.councils() if council.role.name == "QA"]
            for seat in qa.seats:
                # Bound to a server that says nothing, they are not rehearsed.
                await client.update_agent(
                    models.UpdateAgentInput(id=seat.agent.id, endpoint="silent")
                )
            running = await client.deliberate(
                models.TaskInput(description="How do we name things?"), role="QA"
            )
        await until(lambda: model.in_flight == 3, 60)
        assert await second.end(signal.SIGINT) == 0

    assert "Traceback" not in printed + second.printed
    assert await processes.find(home / "neo4j") == []
    assert offline.attempts() == []
    assert "2 deliberations" in await exported(home)
    # Neo4j was the last to go: what was under way had been given back to whoever comes next.
    async with own_neo4j(home, library=None) as left:
        auth = (left.user, left.password)
        async with AsyncGraphDatabase.driver(left.uri, auth=auth) as driver:
            found = await driver.execute_query(statement("find_holder"), id=running.id)
    [row] = found.records
    assert row.data() == {"status": "RUNNING", "holder": None}


async def test_an_example_killed_in_the_middle_is_resumed_by_its_key_and_no_turn_is_taken_twice(
    empty_graph: Graph, driver: AsyncDriver, neo4j_server: Neo4jServer, tmp_path: Path
) -> None:
    database = empty_graph.database
    log = ModelLog(tmp_path / "model.jsonl")
    async with ModelServer(
        models=("tiny",), behaviour=Behaviour(latency=0.01), log=log.path
    ) as model:
        settings = {**neo4j_server.environment, "VLLM_URL": model.url, "VLLM_MODEL": "tiny"}
        # One critique does not come before the kill: two seats revise, the third waits, and nobody votes.
        model.script(Behaviour(hang_after=-1), turn="*-c1-s1-*", attempts=1)
        # Nor is it decided before the second shows it: what is decided is shown with its verdict alone.
        shown = asyncio.Event()
        model.script(Behaviour(until=shown), turn="*-b1-*")
        async with up(tmp_path, **settings) as first:
            await eventually(
                lambda: evidence.gather(driver, database), lambda seen: len(seen.turns) == 7, 60
            )
            await first.prints(" revises: ")
            await first.end(signal.SIGKILL)
        assert "Verdict" not in first.printed
        await evidence.quiet(driver, database)
        before = await evidence.gather(driver, database)
        crash = evidence.Crash(
            point="the kill",
            recorded=frozenset(turn.id for turn in before.turns),
            place=log.place(),
        )
        async with up(tmp_path, **settings) as second:
            await second.prints(" revises: ")
            shown.set()
            printed = await second.prints("Ctrl-C ends everything")
            assert "1 deliberation taken up again" in printed
            assert printed.count(" ranks ") == 3
            assert "Verdict of dev-council-1" in printed
            assert await second.end(signal.SIGINT) == 0

    seen = await evidence.gather(driver, database)
    [deliberation] = seen.deliberations
    assert (deliberation.key or "").endswith(example().key_for("tiny"))
    assert deliberation.resumptions == 1
    assert evidence.faults(seen, accepted=[deliberation.id], log=log, crashes=[crash]) == []
    assert Counter(log.begun(since=crash.place)).total() == 12 - len(before.turns)


async def test_open_to_other_machines_it_says_where_it_is_on_this_one_and_opens_the_browser_there(
    empty_graph: Graph, neo4j_server: Neo4jServer, tmp_path: Path
) -> None:
    del empty_graph  # it is seeded, and nothing else
    opened = tmp_path / "opened"
    web_browser = tmp_path / "web-browser"
    web_browser.write_text(f'#!/bin/sh\nprintf "%s" "$1" > {opened}\n', encoding="utf-8")
    web_browser.chmod(0o700)
    settings = {
        **neo4j_server.environment,
        "COUNCIL_HOST": "0.0.0.0",  # noqa: S104
        "COUNCIL_ANONYMOUS": "all",
        "BROWSER": f"{web_browser} %s",
    }
    async with up(tmp_path, (str(COMMAND), "up", "--open"), **settings) as running:
        printed = await running.prints("Ctrl-C ends everything")
        assert await running.end(signal.SIGINT) == 0

    assert re.findall(r"Graphi?QL +(\S+)", printed) == [f"{running.url}/graphql"] * 2
    [shown] = re.findall(r"Neo4j Browser +(\S+)", printed)
    page, _, filled = opened.read_text(encoding="utf-8").partition("?")
    assert page == shown
    assert filled.startswith("dbms=")


async def test_without_java_with_maven_and_without_docker_it_says_what_to_install(
    tmp_path: Path,
) -> None:
    bare = making.bare_path(tmp_path / "bare")
    async with up(tmp_path, PATH=str(bare), JAVA_HOME="") as nothing:
        assert await nothing.ends() == Exit.FAILED
    for words in (
        "no Java 17 or later on the PATH or in JAVA_HOME",
        "no Maven (mvn) on the PATH",
        "no Docker (docker) on the PATH",
        "sudo apt install openjdk-17-jre-headless maven",
        "brew install openjdk@21 maven",
        "set NEO4J_URI",
    ):
        assert words in nothing.printed
    assert "Traceback" not in nothing.printed


async def test_who_does_not_get_the_home_leaves_its_log_alone(tmp_path: Path) -> None:
    (tmp_path / "neo4j").mkdir(mode=0o700)
    lock = locks.take(tmp_path / "neo4j" / "lock")
    assert lock is not None
    try:
        async with up(tmp_path) as refused:
            assert await refused.ends() == Exit.FAILED
    finally:
        locks.release(lock)
    assert f"is run by process {os.getpid()} already" in " ".join(refused.printed.split())
    assert not (tmp_path / "council.log").exists()


async def test_a_home_in_which_nothing_can_be_is_told_by_its_variable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    nowhere = {"COUNCIL_HOME": str(tmp_path / "file" / "home"), "NEO4J_URI": "bolt://127.0.0.1:1"}
    for command in (_UP, (str(COMMAND), "serve")):
        async with up(tmp_path, command, **nowhere) as refused:
            assert await refused.ends() == Exit.USAGE
        assert "COUNCIL_HOME is" in refused.printed
        assert "defect" not in refused.printed


async def test_a_taken_port_is_told_by_its_number_and_the_variable_before_anything_starts(
    home: Path,
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])

        async with up(home, COUNCIL_PORT=port) as api:
            assert await api.ends() == Exit.FAILED
            assert port in api.printed
            assert "COUNCIL_PORT" in api.printed
            assert "Starting Neo4j" not in api.printed

        async with up(home, COUNCIL_BOLT_PORT=port) as bolt:
            assert await bolt.ends() == Exit.FAILED
            assert f"Port {port} on 127.0.0.1 is taken" in bolt.printed
            assert "COUNCIL_BOLT_PORT" in bolt.printed


def log_of(home: Path) -> list[str]:
    """The events in the log, in their order."""
    lines = (home / "council.log").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["event"] for line in lines]


def _ranking(printed: str) -> list[str]:
    """The lines of the table, and those that say what it cannot."""
    told = printed.partition("Verdict of dev-council-1")[2].partition("Ask a council yourself")[0]
    return [line.strip() for line in told.splitlines() if line.strip()]
