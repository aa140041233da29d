"""Neo4j that is not there yet, refuses us, is killed, or loses every connection at once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import httpx
import pytest
from neo4j import AsyncDriver, AsyncGraphDatabase
from neo4j.exceptions import ClientError

from orchestrator.cli.exits import Exit
from orchestrator.graph.statements import statement
from tests.support.bolt_proxy import Side, Tag, Trap
from tests.support.model_behaviour import Behaviour
from tests.support.scene import DELIBERATE, Scene
from tests.support.service_process import AnsweredError, ServiceProcess
from tests.support.users import another_user
from tests.support.waiting import eventually, until

pytestmark = [pytest.mark.faults, pytest.mark.neo4j, pytest.mark.timeout(300)]

_COUNCILS = "{ councils { totalCount } }"
_SERVICE = "{ service { ready waitingFor neo4j } }"
T = TypeVar("T")

_ORDER = {"council": {"role": "DEV"}, "task": {"description": "Write a cache."}}

_CANCEL = "mutation ($id: ID!) { cancelDeliberation(input: {id: $id}) { deliberation { status } errors { message } } }"
_RETRY = "mutation ($id: ID!) { retryDeliberation(input: {id: $id}) { deliberation { id } errors { message } } }"
_CREATE_ROLE = "mutation ($name: String!) { createRole(input: {name: $name}) { role { name } errors { message } } }"

_AROUND_A_STATEMENT = (
    (Side.REQUEST, Tag.RUN),
    (Side.REQUEST, Tag.PULL),
    (Side.ANSWER, Tag.PULL),
)
"""Of those that commit themselves: before Neo4j knows of them, and after it has done them."""


async def _is_refused_for_now(service: ServiceProcess) -> None:
    """Whatever needs the graph says so, and an acceptance is not kept in memory for later."""
    for document, variables in ((_COUNCILS, {}), (DELIBERATE, {"input": _ORDER})):
        with pytest.raises(AnsweredError) as caught:
            await service.ask(document, **variables)
        assert caught.value.codes == ["UNAVAILABLE"]


async def test_a_service_started_before_its_neo4j_waits_and_goes_on_by_itself(
    scene: Scene,
) -> None:
    scene.proxy.refuse()
    service = await scene.start()
    await service.becomes(503)
    async with httpx.AsyncClient(timeout=30) as client:
        assert (await client.get(f"{service.url}/livez")).status_code == 200
    told = (await service.ask(_SERVICE))["service"]
    assert (told["ready"], told["neo4j"]) == (False, None)
    assert "Neo4j" in told["waitingFor"]
    await _is_refused_for_now(service)

    await scene.proxy.admit()
    await service.ready()
    # Which Neo4j it is, it looks for anew, and not for long.
    answer = await eventually(
        lambda: service.ask(_SERVICE), lambda answer: answer["service"]["neo4j"] is not None
    )
    told = answer["service"]
    assert (told["ready"], told["waitingFor"]) == (True, None)
    assert told["neo4j"].startswith("Neo4j/")
    await scene.deliberate(service)
    seen = await scene.all_ended()
    assert scene.faults(seen) == []
    # What was refused while Neo4j was away does not turn up later.
    assert len(seen.deliberations) == 1


async def test_a_wrong_password_ends_the_start_with_words_that_name_it(scene: Scene) -> None:
    service = await scene.start(NEO4J_PASSWORD="a-wrong-one")
    assert await service.wait(30) == Exit.USAGE
    last = service.log_file.read_text(encoding="utf-8")
    assert "NEO4J_PASSWORD" in last
    assert "Traceback" not in last
    assert "a-wrong-one" not in last


async def test_a_password_that_must_be_changed_first_ends_the_start_with_words_that_say_so(
    scene: Scene, driver: AsyncDriver
) -> None:
    async with another_user(driver) as user:
        await user.require_change()
        service = await scene.start(NEO4J_USER=user.name, NEO4J_PASSWORD=user.password)
        assert await service.wait(30) == Exit.USAGE
    last = service.log_file.read_text(encoding="utf-8")
    assert "NEO4J_PASSWORD" in last
    assert "must be changed" in last
    assert "Traceback" not in last


async def test_a_login_that_is_not_looked_at_since_others_sent_wrong_ones_is_waited_for(
    scene: Scene,
) -> None:
    server = scene.server
    wrong = AsyncGraphDatabase.driver(server.uri, auth=(server.user, "a-wrong-one"))
    async with wrong:
        enough = asyncio.Event()

        async def send_wrong_ones() -> None:
            while not enough.is_set():
                with pytest.raises(ClientError):
                    await wrong.get_server_info()
                await asyncio.sleep(0.05)

        sending = asyncio.create_task(send_wrong_ones())
        try:
            service = await scene.start()
            # It may come between two wrong ones and be let in: then it comes again.
            starts = 1
            while not service.logged("waiting_for_graph"):
                if len(service.logged("graph_reached")) == starts:
                    await service.kill()
                    await service.start()
                    starts += 1
                await asyncio.sleep(0.02)
        finally:
            # Cancelled while it connects, the driver leaves its socket to be collected.
            enough.set()
            await sending
    await service.ready()
    [waiting] = service.logged("waiting_for_graph")
    assert "lets nobody in for now" in waiting["what"]


async def test_a_process_that_ends_while_neo4j_is_away_waits_for_no_more_than_its_calls(
    scene: Scene,
) -> None:
    service = await scene.start(COUNCIL_DRAIN_SECONDS="3600")
    await service.ready()
    recording = scene.proxy.trap(Side.REQUEST, Tag.RUN, statement("turn/record"))
    accepted = await scene.deliberate(service)
    await recording.sprung()
    scene.proxy.refuse()
    scene.proxy.cut()
    await service.becomes(503)
    await until(lambda: scene.model.in_flight == 0, 30)
    assert await service.stop() == 0
    [line] = service.logged("turns_not_recorded")
    assert (line["deliberation"], line["epoch"], len(line["turns"])) == (accepted, 1, 3)


async def test_a_database_that_is_not_there_is_waited_for_with_the_reason(scene: Scene) -> None:
    service = await scene.start(NEO4J_DATABASE="nope")
    await service.becomes(503)
    told = await eventually(
        lambda: service.ask(_SERVICE), lambda told: "nope" in told["service"]["waitingFor"]
    )
    assert told["service"]["waitingFor"].startswith("migrations: Neo4j cannot do it now: ")
    [waiting] = service.logged("waiting_for_graph")
    assert (waiting["step"], "nope" in waiting["what"]) == ("migrations", True)


async def test_connections_that_are_all_cut_while_recording_cost_nothing(scene: Scene) -> None:
    service = await scene.start()
    await service.ready()
    all_accepted = asyncio.Event()
    scene.model.script(Behaviour(until=all_accepted, latency=0.03))
    accepted = [await scene.deliberate(service, role) for role in ("DEV", "QA", "DATA")]
    for number in range(6):
        side = Side.ANSWER if number % 2 else Side.REQUEST
        trap = scene.proxy.trap(side, Tag.PULL, statement("turn/record"))
        all_accepted.set()
        # What was cut is recorded again, so there is something to record each time.
        await trap.sprung()
        scene.proxy.cut()
        trap.release()
    seen = await scene.all_ended(60)
    assert scene.faults(seen) == []
    assert {one.id for one in seen.deliberations} == set(accepted)
    # It was never overtaken: it went on with what it held, and asked nothing twice.
    assert [one.resumptions for one in seen.deliberations] == [0, 0, 0]
    assert max(scene.log.answered().values()) == 1


async def test_a_connection_cut_around_accepting_claiming_renewing_or_recording_costs_nothing(
    scene: Scene,
) -> None:
    service = await scene.start()
    await service.ready()
    names = (
        "deliberation/accept",
        "claim/claim",
        "claim/renew",
        "turn/record",
    )
    for name in names:
        text = statement(name)
        for side, tag in _AROUND_A_STATEMENT:
            trap = scene.proxy.trap(side, tag, text)
            key = f"{name} {side} {tag}"
            accepted = await _cut(trap, _accepted_at_once(scene, service, key))
            seen = await scene.all_ended(30)
            assert scene.faults(seen) == [], key
            assert [one.id for one in seen.deliberations if (one.key or "").endswith(key)] == [
                accepted
            ]
            assert seen.deliberation(accepted).resumptions == 0, key
    assert max(scene.log.answered().values()) == 1


async def test_a_connection_cut_around_a_cancel_a_retry_or_a_new_role_costs_its_caller_nothing(
    scene: Scene,
) -> None:
    service = await scene.start()
    await service.ready()
    scene.model.script(Behaviour(latency=60.0))
    ids = [await scene.deliberate(service)]
    for side, tag in _AROUND_A_STATEMENT:
        trap = scene.proxy.trap(side, tag, statement("deliberation/cancel"))
        told = (await _cut(trap, service.ask(_CANCEL, id=ids[-1])))["cancelDeliberation"]
        assert told == {"deliberation": {"status": "CANCELLED"}, "errors": []}, (side, tag)

        trap = scene.proxy.trap(side, tag, statement("deliberation/retry"))
        retried = (await _cut(trap, service.ask(_RETRY, id=ids[-1])))["retryDeliberation"]
        assert retried["errors"] == [], (side, tag)
        ids.append(retried["deliberation"]["id"])
    for side in Side:
        trap = scene.proxy.trap(side, Tag.COMMIT, statement("role/create"))
        told = await _cut(trap, service.ask(_CREATE_ROLE, name=side.name))
        assert told == {"createRole": {"role": {"name": side.name}, "errors": []}}
    # Each was carried out once.
    assert sorted(one.id for one in (await scene.look()).deliberations) == sorted(ids)


async def test_a_connection_cut_around_the_verdict_costs_a_living_process_nothing(
    scene: Scene,
) -> None:
    service = await scene.start()
    await service.ready()
    for side, tag in _AROUND_A_STATEMENT:
        accepted, last = await scene.all_but_one_ballot(service)
        trap = scene.proxy.trap(side, tag, statement("turn/record"))
        last.set()
        await trap.sprung()
        trap.cut()
        scene.model.rules.clear()
        seen = await scene.all_ended(30)
        assert scene.faults(seen) == [], side
        assert seen.deliberation(accepted).resumptions == 0, side
    assert max(scene.log.answered().values()) == 1


async def test_connections_cut_while_it_reads_what_was_under_way_cost_a_start_nothing(
    scene: Scene,
) -> None:
    service = await scene.start()
    await service.ready()
    scene.model.script(Behaviour(latency=30.0), turn="*-c1-*", attempts=1)
    accepted = await scene.deliberate(service)
    await eventually(scene.look, lambda seen: len(seen.of(accepted)) == 3)
    await scene.crash(service, "under way")
    scene.model.rules.clear()
    text = statement("deliberation/load")
    for side in (Side.REQUEST, Side.ANSWER):
        trap = scene.proxy.trap(side, Tag.PULL, text)
        if side is Side.REQUEST:
            await service.start()
        await trap.sprung()
        trap.cut()
    seen = await scene.all_ended(60)
    assert scene.faults(seen) == []
    assert seen.deliberation(accepted).resumptions == 1


async def test_a_neo4j_that_falls_silent_is_told_of_once_the_lease_has_run_out(
    scene: Scene,
) -> None:
    service = await scene.start(COUNCIL_LEASE_SECONDS="3")
    await service.ready()
    answers = asyncio.Event()
    scene.model.script(Behaviour(until=answers), turn="*-c1-*", attempts=1)
    accepted = await scene.deliberate(service)
    await until(lambda: len(scene.model.of("*-c1-*")) == 3)
    for tag in Tag:
        scene.proxy.trap(Side.REQUEST, tag, times=10_000)
    # Every connection is open, and nothing is answered: long before anybody gives up waiting, it is said.
    await service.becomes(503)
    order = {"council": {"role": "DEV"}, "task": {"description": "Refused."}}
    with pytest.raises(AnsweredError) as caught:
        await service.ask(DELIBERATE, input=order)
    assert caught.value.codes == ["UNAVAILABLE"]
    # What was asked before is answered while nothing can be recorded.
    answers.set()
    await until(lambda: all(one.outcome == "answered" for one in scene.model.of("*-c1-*")))
    scene.proxy.cut()
    scene.proxy.clear()
    await service.ready()
    seen = await scene.all_ended(60)
    assert scene.faults(seen) == []
    assert [one.id for one in seen.deliberations] == [accepted]
    assert max(scene.log.answered().values()) == 1


async def _accepted_at_once(scene: Scene, service: ServiceProcess, key: str) -> str:
    """Ask once: its caller is to notice nothing."""
    told = (await service.ask(DELIBERATE, input={**_ORDER, "idempotencyKey": key}))["deliberate"]
    assert told["errors"] == [], key
    accepted = told["deliberation"]["id"]
    scene.accepted.append(accepted)
    return accepted


async def _cut(trap: Trap, asking: Coroutine[Any, Any, T]) -> T:
    """Cut the connection where the trap is, and return what is answered all the same."""
    asked = asyncio.create_task(asking)
    await trap.sprung()
    trap.cut()
    return await asked
