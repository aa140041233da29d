"""The Neo4j that `council up` runs in a container is found by the commands that work on its graph."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from orchestrator.cli import browser, graph
from orchestrator.cli.graph import at_hand
from orchestrator.cli.screen import Screen
from orchestrator.local import configuration, locks, readiness
from orchestrator.local.configuration import Ports
from orchestrator.local.neo4j import OwnNeo4j
from orchestrator.settings import Settings
from tests.integration.local.conftest import Program
from tests.support.waiting import until

DOCKER = """\
case $1 in
  inspect)
    case $3 in
      *Running*) [ -e "$0.runs" ] && echo true || echo false;;
      *) cat "$0.label";;
    esac;;
  run)
    for argument in "$@"; do
      case $argument in graph-council.arguments=*) echo "${argument#*=}" > "$0.label";; esac
    done
    echo $$ > "$0.runs";;
  stop|rm) rm -f "$0.runs";;
esac
"""
"""It has the image, and one container, in which nothing runs."""


@pytest.fixture(autouse=True)
def docker(program: Program, monkeypatch: pytest.MonkeyPatch) -> Path:
    async def ask(*_: object, **_named: object) -> str:
        return "Neo4j/5"

    monkeypatch.setattr(readiness, "ask", ask)
    return program("docker", DOCKER)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def settings(home: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("COUNCIL_HOME", str(home))
    monkeypatch.delenv("NEO4J_URI", raising=False)
    return Settings()


@pytest.fixture
async def own(home: Path) -> AsyncGenerator[OwnNeo4j]:
    async with OwnNeo4j(home, bolt_port=0, http_port=0, report=print) as own:
        yield own


async def where(settings: Settings) -> tuple[str | None, str]:
    """Where a command finds the graph, and with which password."""
    async with at_hand(settings, Screen.of_process()) as found:
        assert found.neo4j_password is not None
        return found.neo4j_uri, found.neo4j_password.get_secret_value()


async def test_a_command_finds_it_while_it_runs(own: OwnNeo4j, settings: Settings) -> None:
    assert await where(settings) == (own.uri, own.password)


async def test_a_command_starts_it_where_it_does_not_run(
    own: OwnNeo4j, settings: Settings, docker: Path
) -> None:
    await own.stop()

    uri, password = await where(settings)

    assert uri is not None
    assert password == own.password
    assert not docker.with_name("docker.runs").exists()


async def test_a_command_finds_it_where_one_without_a_container_was_before(
    home: Path, settings: Settings
) -> None:
    before = home / "neo4j" / "conf" / "neo4j.conf"
    before.parent.mkdir(parents=True)
    before.write_text(configuration.render(Ports(bolt=1, http=2), digest="another"))

    async with OwnNeo4j(home, bolt_port=0, http_port=0, report=print) as own:
        assert await where(settings) == (own.uri, own.password)


async def test_one_that_a_killed_run_left_is_found_by_a_command(
    own: OwnNeo4j, home: Path, settings: Settings, docker: Path
) -> None:
    (home / "neo4j" / "conf" / "neo4j.conf").unlink(missing_ok=True)
    await own.stop()
    docker.with_name("docker.runs").touch()

    async with OwnNeo4j(home, bolt_port=0, http_port=0, report=print) as again:
        assert again.uri == own.uri
        assert await where(settings) == (own.uri, own.password)


async def test_commands_side_by_side_start_one_each_and_none_loses_it_to_the_end_of_another(
    own: OwnNeo4j, settings: Settings, docker: Path
) -> None:
    await own.stop()
    order: list[str] = []

    async def command(name: str) -> None:
        async with at_hand(settings, Screen.of_process()):
            order.append(name)
            await asyncio.sleep(0.5)
            assert docker.with_name("docker.runs").exists()
            order.append(name)

    await asyncio.gather(command("first"), command("second"))

    assert order[0] == order[1] != order[2] == order[3]


async def test_a_command_waits_for_one_that_still_starts_and_finds_it_where_that_came_up(
    own: OwnNeo4j, home: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await own.stop()
    up = asyncio.Event()
    asked: list[str] = []

    async def ask(uri: str, *_: object, **_named: object) -> str | None:
        asked.append(uri)
        return "Neo4j/5" if up.is_set() and uri == again.uri else None

    monkeypatch.setattr(readiness, "ask", ask)
    again = OwnNeo4j(home, bolt_port=0, http_port=0, report=print)
    starting = asyncio.create_task(again.start())
    await until(lambda: again.uri in asked)
    finding = asyncio.create_task(where(settings))
    # Nobody waits half a second for the second look.
    monkeypatch.setattr(graph, "_LOOK_AGAIN_SECONDS", 0.01)
    await asyncio.sleep(0.1)
    assert not finding.done()
    up.set()

    await starting
    assert await finding == (again.uri, again.password)
    await again.stop()


async def test_a_command_starts_one_where_the_other_gave_up_its_start(
    own: OwnNeo4j, settings: Settings, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await own.stop()
    monkeypatch.setattr(graph, "_LOOK_AGAIN_SECONDS", 0.01)
    lock = locks.take(home / "neo4j" / "lock")
    assert lock is not None
    looks: list[str] = []

    async def ask(uri: str, *_: object, **_named: object) -> str | None:
        looks.append(uri)
        if len(looks) == 1:
            locks.release(lock)
            return None
        return "Neo4j/5"

    monkeypatch.setattr(readiness, "ask", ask)

    uri, _ = await where(settings)

    assert uri == looks[-1]


async def test_the_browser_is_opened_on_its_ports(own: OwnNeo4j, settings: Settings) -> None:
    address = browser.address(settings)

    assert address.startswith(own.browser_url)
    assert own.uri.removeprefix("bolt://") in address.replace("%3A", ":")
