"""The Neo4j that `council up` runs: it starts, keeps its data, survives its owner, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from neo4j import AsyncGraphDatabase
from pydantic import TypeAdapter

from orchestrator.domain.errors import HomeUnusableError
from orchestrator.local import processes, tools
from orchestrator.local.errors import (
    CredentialsError,
    HomeInUseError,
    PortTakenError,
)
from orchestrator.local.neo4j import OwnNeo4j, stop_leftover
from tests.support.neo4j import LIBRARY, statement
from tests.support.ports import free_port
from tests.support.waiting import eventually

# The first run on a machine may have to fetch Neo4j here.
pytestmark = [pytest.mark.neo4j, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]
WHERE = TypeAdapter(dict[str, str])


def own_neo4j(home: Path, *, bolt_port: int = 0, http_port: int = 0) -> OwnNeo4j:
    return OwnNeo4j(home, library=LIBRARY, bolt_port=bolt_port, http_port=http_port, report=print)


async def run_elsewhere(home: Path) -> asyncio.subprocess.Process:
    """Let another process run it."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.run_own_neo4j", home, LIBRARY, stdout=PIPE, cwd=ROOT
    )


async def run_and_kill(home: Path, *, keep: str) -> dict[str, str]:
    """Let another process run it and keep a note there; kill that process, and say where it was."""
    owner = await run_elsewhere(home)
    assert owner.stdout is not None
    try:
        where = WHERE.validate_json(await owner.stdout.readline())
        await run(where, "keep_note", text=keep)
    finally:
        owner.send_signal(signal.SIGKILL)
        await owner.wait()
    return where


async def run(where: dict[str, str], name: str, **parameters: Any) -> list[Any]:
    """Run a statement of the tests and answer the first column."""
    auth = (where["user"], where["password"])
    async with AsyncGraphDatabase.driver(where["uri"], auth=auth) as driver:
        result = await driver.execute_query(statement(name), parameters)
    return [record[0] for record in result.records]


def where_is(own: OwnNeo4j) -> dict[str, str]:
    return {"name": own.name, "uri": own.uri, "user": own.user, "password": own.password}


def has_open(pid: int, file: Path) -> bool:
    """Tell whether a process has a file in its memory; True where the system has no word on it."""
    maps = Path(f"/proc/{pid}/maps")
    return not maps.exists() or str(file) in maps.read_text(encoding="utf-8")


async def makes_archives() -> bool:
    """Tell whether the Java that is found here knows archives of classes, and has its own in one."""
    java = await tools.find_java([])
    if java is None:
        return False
    status, said = await tools.answer(
        java.command, "-Xshare:on", "-XX:+PrintFlagsFinal", "-version"
    )
    return status == 0 and "ArchiveClassesAtExit" in said


@contextmanager
def taken_port() -> Generator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("a home with blanks")


@pytest.fixture(scope="module")
async def left(home: Path) -> dict[str, str]:
    """A server whose owner was killed."""
    return await run_and_kill(home, keep="first")


@pytest.fixture(scope="module")
async def own(home: Path, left: dict[str, str]) -> AsyncGenerator[OwnNeo4j]:
    """A server of ours, on the data of the one that was left, on another port."""
    port = free_port()
    assert f":{port}" not in left["uri"]
    async with own_neo4j(home, bolt_port=port) as own:
        assert own.uri == f"bolt://127.0.0.1:{port}"
        yield own


async def test_a_server_whose_owner_was_killed_is_taken_over_with_its_data(
    home: Path, left: dict[str, str]
) -> None:
    taken_over = await run_and_kill(home, keep="second")

    assert taken_over == left
    assert await run(left, "list_notes") == ["first", "second"]


async def test_a_server_that_was_left_on_another_port_is_replaced_and_its_data_kept(
    left: dict[str, str], own: OwnNeo4j
) -> None:
    assert own.name != left["name"]
    assert await processes.find(own.home) == ([own.pid] if own.pid else [])
    assert "first" in await run(where_is(own), "list_notes")


async def test_it_is_a_neo4j_with_its_browser(own: OwnNeo4j) -> None:
    async with httpx.AsyncClient(timeout=60) as http:
        page = await http.get(own.browser_url)

    assert own.agent.startswith("Neo4j/5.26.")
    assert b"<title>Neo4j Browser</title>" in page.content


async def test_it_has_its_classes_from_the_archive_that_a_start_made(own: OwnNeo4j) -> None:
    if own.pid is None or not await makes_archives():
        pytest.skip("it runs in a container here, or with a Java that makes no archive")

    assert any(has_open(own.pid, archive) for archive in LIBRARY.resolve().glob("classes-*.jsa"))


async def test_only_the_owner_can_read_the_password(own: OwnNeo4j) -> None:
    status = own.password_file.stat()

    assert stat.S_IMODE(status.st_mode) == 0o600
    assert status.st_uid == os.getuid()
    assert own.password_file.read_text().strip() == own.password
    assert stat.S_IMODE(own.home.stat().st_mode) == 0o700


async def test_no_ctrl_c_of_the_terminal_reaches_it(own: OwnNeo4j) -> None:
    if own.pid is None:
        pytest.skip("it runs in a container here, where no terminal reaches")
    assert os.getpgid(own.pid) == own.pid
    assert os.getsid(own.pid) != os.getsid(0)


async def test_it_listens_on_this_machine_alone(own: OwnNeo4j) -> None:
    """Whatever other address this machine has."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing: it only chooses the address
        address = probe.getsockname()[0]
    assert address != "127.0.0.1"

    for url in (own.uri, own.browser_url):
        port = int(url.split(":")[2].split("/")[0])
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(address, port)


async def test_its_transaction_logs_are_bounded_in_bytes_and_not_only_in_days(
    own: OwnNeo4j,
) -> None:
    assert await run(where_is(own), "show_retention") == ["1G size"]


async def test_a_second_owner_of_one_home_is_refused_by_the_id_of_the_first(own: OwnNeo4j) -> None:
    with pytest.raises(HomeInUseError) as refused:
        await own_neo4j(own.home.parent).start()

    assert refused.value.holder == str(os.getpid())
    assert await own.is_alive()


@pytest.mark.parametrize(
    ("which", "variable"),
    [("bolt_port", "COUNCIL_BOLT_PORT"), ("http_port", "COUNCIL_BROWSER_PORT")],
)
async def test_a_port_of_somebody_else_is_reported_by_its_number(
    tmp_path: Path, which: str, variable: str
) -> None:
    with taken_port() as port, pytest.raises(PortTakenError) as refused:
        await own_neo4j(tmp_path, **{which: port}).start()

    assert refused.value.port == port
    assert f"Port {port} " in str(refused.value)
    assert variable in str(refused.value)
    assert await processes.find(tmp_path / "neo4j") == []


async def test_an_owner_that_is_told_to_end_while_it_starts_leaves_nothing_running(
    own: OwnNeo4j, tmp_path: Path
) -> None:
    if own.pid is None:
        pytest.skip("it runs in a container here, whose start leaves no process to look for")
    owner = await run_elsewhere(tmp_path)
    try:
        await eventually(lambda: processes.find(tmp_path / "neo4j"), bool, 120)
        owner.terminate()
        async with asyncio.timeout(60):
            assert await owner.wait() == 0
        assert await processes.find(tmp_path / "neo4j") == []
    finally:
        if owner.returncode is None:
            owner.kill()
            await owner.wait()
        await stop_leftover(tmp_path)


async def test_a_port_that_is_taken_is_told_before_anything_is_fetched(tmp_path: Path) -> None:
    reports: list[str] = []
    with taken_port() as port, pytest.raises(PortTakenError):
        await OwnNeo4j(tmp_path, bolt_port=port, http_port=0, report=reports.append).start()

    assert reports == []


async def test_a_home_that_is_no_directory_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(HomeUnusableError, match="COUNCIL_HOME"):
        await own_neo4j(tmp_path / "file").start()


async def test_a_lost_password_file_is_reported_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "neo4j" / "data" / "databases" / "system").mkdir(parents=True)

    with pytest.raises(CredentialsError, match="is gone"):
        await own_neo4j(tmp_path).start()

    assert not (tmp_path / "neo4j" / "password").exists()


async def test_stopped_it_leaves_nothing_running_and_started_again_it_is_what_it_was(
    own: OwnNeo4j,
) -> None:
    before = where_is(own)
    await run(before, "keep_note", text="third")

    await own.stop()

    assert await processes.find(own.home) == []
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", int(before["uri"].rsplit(":", 1)[1]))

    await own.start()

    assert where_is(own) == before | {"name": own.name}
    assert "third" in await run(before, "list_notes")
    assert not list(own.home.glob("*.new")) + list(own.home.glob("*.partial"))
