"""A Neo4j that is killed, paused, read-only, or has no room on its disk any more, while a deliberation goes on."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orchestrator.local import configuration
from orchestrator.local.configuration import Ports
from orchestrator.local.neo4j import OwnNeo4j
from tests.support import neo4j_faults
from tests.support.bolt_proxy import BoltProxy
from tests.support.model_behaviour import Behaviour
from tests.support.model_server import ModelServer
from tests.support.neo4j import LIBRARY, Neo4jServer, own_neo4j, wipe
from tests.support.scene import DELIBERATE, Scene
from tests.support.service_process import AnsweredError, ServiceProcess
from tests.support.waiting import eventually, until

pytestmark = [pytest.mark.faults, pytest.mark.neo4j, pytest.mark.timeout(300)]

_COUNCILS = "{ councils { totalCount } }"
_SERVICE = "{ service { waitingFor } }"
_ORDER = {"council": {"role": "DEV"}, "task": {"description": "Refused."}}


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderWay:
    """A service, what it has accepted, and what its models wait for before they answer."""

    service: ServiceProcess
    accepted: str
    answers: asyncio.Event


@pytest.fixture(scope="module")
async def own(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[OwnNeo4j]:
    """A Neo4j that only these tests use; each leaves it running."""
    async with own_neo4j(tmp_path_factory.mktemp("neo4j"), library=LIBRARY) as own:
        yield own


@pytest.fixture
async def scene(own: OwnNeo4j, tmp_path: Path) -> AsyncGenerator[Scene]:
    """A scene on it, empty."""
    server = Neo4jServer(uri=own.uri, user=own.user, password=own.password)
    path = tmp_path / "model.jsonl"
    async with (
        ModelServer(behaviour=Behaviour(latency=0.03), log=path) as model,
        BoltProxy(own.uri) as proxy,
        server.driver() as driver,
        Scene(
            server=server,
            database=server.database,
            driver=driver,
            proxy=proxy,
            model=model,
            log=path,
            home=tmp_path,
        ) as scene,
    ):
        await wipe(driver, server.database)
        yield scene


async def _under_way(scene: Scene) -> UnderWay:
    """Start a service whose deliberation has recorded something, and waits for three critiques, for some of which a test may wait longer."""
    service = await scene.start(COUNCIL_LEASE_SECONDS="3")
    await service.ready()
    answers = asyncio.Event()
    scene.model.script(Behaviour(until=answers), turn="*-c1-*", attempts=1)
    accepted = await scene.deliberate(service)
    await until(lambda: len(scene.model.of("*-c1-*")) == 3)
    return UnderWay(service=service, accepted=accepted, answers=answers)


async def _goes_on_without_the_graph(
    scene: Scene, under_way: UnderWay, asked: str = "*-c1-*"
) -> None:
    """An acceptance is not kept in memory for later; what was asked of a model before is, once it is answered."""
    with pytest.raises(AnsweredError) as caught:
        await under_way.service.ask(DELIBERATE, input=_ORDER)
    assert caught.value.codes == ["UNAVAILABLE"]
    under_way.answers.set()
    await until(lambda: all(one.outcome == "answered" for one in scene.model.of(asked)))


async def _cost_nothing(scene: Scene, under_way: UnderWay) -> None:
    """It went on with what it held, overtaken by nobody, and asked nothing twice; what was refused is not there."""
    await under_way.service.ready()
    seen = await scene.all_ended(60)
    assert scene.faults(seen) == []
    assert [one.id for one in seen.deliberations] == [under_way.accepted]
    assert [one.resumptions for one in seen.deliberations] == [0]
    assert max(scene.log.answered().values()) == 1


async def test_a_neo4j_that_is_killed_and_restarted_under_way_costs_nothing(
    own: OwnNeo4j, scene: Scene
) -> None:
    under_way = await _under_way(scene)
    await neo4j_faults.kill(own)
    await under_way.service.becomes(503)
    await _goes_on_without_the_graph(scene, under_way)
    await until(lambda: bool(under_way.service.logged("graph_away")))
    assert not under_way.service.logged("graph_back")
    await neo4j_faults.restart(own)
    assert own.uri == scene.server.uri
    await _cost_nothing(scene, under_way)
    await until(lambda: bool(under_way.service.logged("graph_back")))


async def test_a_neo4j_that_is_paused_for_longer_than_the_lease_costs_nothing(
    own: OwnNeo4j, scene: Scene
) -> None:
    under_way = await _under_way(scene)
    await neo4j_faults.pause(own)
    try:
        # Which it is once the lease has run out.
        await under_way.service.becomes(503)
        await _goes_on_without_the_graph(scene, under_way)
    finally:
        await neo4j_faults.go_on(own)
    await _cost_nothing(scene, under_way)


async def test_a_neo4j_whose_disk_is_full_and_that_is_read_only_then_tells_of_both_and_costs_nothing_once_it_may_be_written(
    own: OwnNeo4j, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    if own.pid is None:
        pytest.skip("a container has neither room nor a configuration that are ours")
    later = asyncio.Event()
    scene.model.script(Behaviour(until=later), turn="*-c1-s3-*", attempts=1)
    under_way = await _under_way(scene)
    service = under_way.service
    with _no_room_to_write(own.pid):
        await service.becomes(503)
        await _goes_on_without_the_graph(scene, under_way, asked="*-c1-s[12]-*")
        [told] = service.logged("graph_away")
        assert told["what"].startswith("Neo4j cannot do it now: ")
    # Where it could not write to its log, Neo4j takes no more until it is started again.
    await neo4j_faults.kill(own)
    written = configuration.render
    with monkeypatch.context() as patched:

        def only_read(ports: Ports, *, digest: str) -> str:
            return f"{written(ports, digest=digest)}server.databases.default_to_read_only=true\n"

        patched.setattr(configuration, "render", only_read)
        await neo4j_faults.restart(own)
    councils = (await _until_answered(service, _COUNCILS))["councils"]
    assert councils["totalCount"] == 5
    await eventually(
        lambda: service.ask(_SERVICE),
        lambda told: "read-only" in told["service"]["waitingFor"],
    )
    await service.becomes(503)
    later.set()
    await _goes_on_without_the_graph(scene, under_way)
    await neo4j_faults.restart(own)
    await _cost_nothing(scene, under_way)


async def _until_answered(service: ServiceProcess, document: str) -> dict[str, Any]:
    """Ask until the graph can be reached again."""
    async with asyncio.timeout(40):
        while True:
            try:
                return await service.ask(document)
            except AnsweredError as error:
                if error.codes != ["UNAVAILABLE"]:
                    raise
                await asyncio.sleep(0.1)


@contextmanager
def _no_room_to_write(pid: int) -> Generator[None]:
    """Let none of the process's files grow, as on a disk that is full."""
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
