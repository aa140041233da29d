"""A transaction that Neo4j gives up for somebody else's lock is sent again, and costs nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest
from neo4j import AsyncDriver
from neo4j.exceptions import TransientError
from structlog.testing import capture_logs

from orchestrator.domain.drafts import (
    AgentChange,
    AgentDraft,
    CouncilChange,
    CouncilDraft,
    Idempotency,
)
from orchestrator.domain.errors import NotFound, RefusedError, UnavailableError
from orchestrator.domain.ids import Prefix
from orchestrator.engine.ports import Held, Recording
from orchestrator.graph import claims
from orchestrator.graph.councils import Councils
from orchestrator.graph.deliberations import GraphDeliberations
from orchestrator.graph.doctor import examine
from orchestrator.graph.driver import Bounds, Graph, open_graph
from orchestrator.graph.seeding import settle_defaults
from tests.support.deliberating import (
    LEASE,
    Rival,
    a_rival,
    an_order,
    fresh,
    proposals,
    recordings,
)
from tests.support.neo4j import Neo4jServer

pytestmark = pytest.mark.neo4j


@pytest.fixture
async def two(seeded: Councils) -> list[Held]:
    """Two deliberations that are held, in the order in which they are locked."""
    found = GraphDeliberations(seeded.graph)
    await found.enter("prc_one", "host", LEASE)
    for _ in range(2):
        await found.accept(an_order())
    return sorted(await found.claim("prc_one", 2, (), ()), key=lambda held: held.deliberation)


@pytest.fixture
async def hasty(neo4j_server: Neo4jServer, seeded: Councils) -> AsyncGenerator[GraphDeliberations]:
    """The same graph for somebody whose transactions wait for a second, and are not sent again for long."""
    server, bounds = neo4j_server, Bounds(transaction=1.0, retry=0.1)
    database = seeded.graph.database
    async with open_graph(server.uri, server.user, server.password, database, bounds) as graph:
        yield GraphDeliberations(graph)


def _turns(*held: Held) -> list[Recording]:
    return [turn for one in held for turn in recordings(one, proposals(one.deliberation))]


async def test_turns_whose_transaction_was_given_up_for_a_deadlock_are_recorded_all_the_same(
    two: list[Held], driver: AsyncDriver, seeded: Councils
) -> None:
    # Whom of the two Neo4j gives up is not for us to say. Sent again, the turns take the same locks.
    for _ in range(30):
        if await _deadlock(two, driver, seeded.graph) == "ours":
            return
    pytest.fail("in thirty deadlocks it was always the other who was given up")


async def _deadlock(two: list[Held], driver: AsyncDriver, graph: Graph) -> str:
    """Record turns of both while a rival takes the same locks the other way round; say who was given up."""
    first, second = two
    async with a_rival(driver, graph.database, first.deliberation) as blocking:
        ours = asyncio.create_task(GraphDeliberations(graph).record(_turns(*two)))
        await blocking.blocks(1)
        async with a_rival(driver, graph.database, second.deliberation) as rival:
            theirs = asyncio.create_task(
                rival.does("lock_deliberation", deliberation=first.deliberation)
            )
            await blocking.blocks(2)
            # Now ours gets the first, wants the second, and so closes the circle.
            await blocking.commit()
            try:
                async with asyncio.timeout(20):
                    await theirs
            except TransientError:
                given_up = "the rival"
                await rival.give_up()
            else:
                given_up = "ours"
                assert not ours.done()
                await rival.commit()
        assert len((await ours).sequences) == len(_turns(*two))
    return given_up


async def test_turns_that_wait_too_long_for_a_lock_are_something_to_send_again(
    two: list[Held], hasty: GraphDeliberations, driver: AsyncDriver, seeded: Councils
) -> None:
    async with a_rival(driver, seeded.graph.database, two[0].deliberation) as rival:
        with pytest.raises(UnavailableError):
            await hasty.record(_turns(*two))
        await rival.commit()
    again = await GraphDeliberations(seeded.graph).record(_turns(*two))
    assert len(again.sequences) == len(_turns(*two))


async def test_however_many_cancels_wait_for_a_lock_the_lease_is_renewed(
    two: list[Held], neo4j_server: Neo4jServer, driver: AsyncDriver, seeded: Councils
) -> None:
    server, database = neo4j_server, seeded.graph.database
    bounds = Bounds(pool=3, acquire=0.5, retry=0.1)
    async with (
        open_graph(server.uri, server.user, server.password, database, bounds) as graph,
        a_rival(driver, database, two[0].deliberation) as rival,
        asyncio.TaskGroup() as callers,
    ):
        deliberations = GraphDeliberations(graph, callers=graph.with_room_for(2))
        for _ in range(9):
            callers.create_task(deliberations.cancel(two[0].deliberation, None))
        await rival.blocks(2)
        held = await deliberations.renew("prc_one", LEASE, {})
        assert {one.deliberation for one in held or ()} == {one.deliberation for one in two}
        await rival.commit()


async def test_an_order_that_waits_too_long_for_a_lock_stops_none_that_came_with_it(
    two: list[Held], hasty: GraphDeliberations, driver: AsyncDriver, seeded: Councils
) -> None:
    slow = an_order(idempotency=Idempotency(key="key", input_digest="digest"))
    async with a_rival(driver, seeded.graph.database, two[0].deliberation) as rival:
        await rival.does("take_key", deliberation=two[0].deliberation, key="key")
        others, [failed] = await asyncio.gather(
            asyncio.gather(*(hasty.accept(an_order()) for _ in range(2))),
            asyncio.gather(hasty.accept(slow), return_exceptions=True),
        )
        await rival.give_up()
    assert all(accepted.new for accepted in others)
    assert isinstance(failed, UnavailableError)
    assert (await GraphDeliberations(seeded.graph).accept(slow)).new


async def _three_wait(deliberations: GraphDeliberations) -> list[str]:
    """Accept three, for a process that has entered; their ids, in the order in which they are claimed."""
    await deliberations.enter("prc_one", "host", LEASE)
    orders = [an_order() for _ in range(3)]
    for order in orders:
        await deliberations.accept(order)
    return [order.deliberation for order in orders]


async def test_one_that_is_locked_keeps_no_other_from_being_claimed(
    hasty: GraphDeliberations, driver: AsyncDriver, seeded: Councils
) -> None:
    locked, *others = await _three_wait(hasty)
    async with a_rival(driver, seeded.graph.database, locked) as rival:
        with capture_logs() as told:
            claimed = await hasty.claim("prc_one", 9, (), ())
        assert [held.deliberation for held in claimed] == others
        assert [line["event"] for line in told] == ["claims_held_up"]
        # What comes later does not wait for what could not be had again.
        after = an_order()
        await hasty.accept(after)
        (held,) = await hasty.claim("prc_one", 9, (), others)
        assert held.deliberation == after.deliberation
        await rival.commit()
    with capture_logs() as told:
        (held,) = await hasty.claim("prc_one", 9, (), [*others, after.deliberation])
    assert held.deliberation == locked
    assert [line["event"] for line in told] == ["claims_go_on"]


async def test_where_nothing_can_be_claimed_it_is_said_and_all_is_sought_at_once_again(
    hasty: GraphDeliberations,
    driver: AsyncDriver,
    seeded: Councils,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(claims, "_LOCKED", 1)
    first, second, _ = await _three_wait(hasty)
    database = seeded.graph.database
    async with (
        a_rival(driver, database, first) as one,
        a_rival(driver, database, second) as other,
    ):
        with pytest.raises(UnavailableError):
            await hasty.claim("prc_one", 9, (), ())
        await one.commit()
        await other.commit()
        assert len(await hasty.claim("prc_one", 9, (), ())) == 3


@pytest.fixture
async def rival(two: list[Held], driver: AsyncDriver, seeded: Councils) -> AsyncGenerator[Rival]:
    """A transaction of somebody else, who for now has a lock that nobody wants."""
    async with a_rival(driver, seeded.graph.database, two[0].deliberation) as rival:
        yield rival


@pytest.fixture
async def quick(neo4j_server: Neo4jServer, seeded: Councils) -> AsyncGenerator[Councils]:
    """The same graph for somebody whose transactions are not run again: a deadlock fails them."""
    server, bounds = neo4j_server, Bounds(transaction=5.0, retry=0.0)
    database = seeded.graph.database
    async with open_graph(server.uri, server.user, server.password, database, bounds) as graph:
        yield Councils(graph)


async def test_a_council_is_changed_while_what_is_accepted_for_it_is_not_yet_committed(
    rival: Rival, quick: Councils
) -> None:
    """The change waited for it while its commit waited for the change, and one of the two was given up."""
    council = await quick.council_by_role("DEV")
    assert council is not None
    agent = council.seats[0].agent.id
    await rival.deliberations.accept(an_order(council=council.id))
    await quick.update_council(council.id, None, CouncilChange(name="Makers"))
    await quick.register_agent(council.id, AgentDraft(), None)
    await quick.update_agent(agent, AgentChange(persona="You are slow."))
    await quick.retire_agent(agent)
    await quick.archive_council(council.id, None)
    await quick.restore_council(council.id)
    await rival.commit()
    changed = await quick.councils_by_id([council.id])
    assert changed[council.id].version == council.version + 6


async def test_a_new_default_model_is_settled_while_what_is_accepted_is_not_yet_committed(
    rival: Rival, quick: Councils
) -> None:
    await rival.deliberations.accept(an_order("DEV"))
    (settled,) = await settle_defaults(quick.graph, None, "another")
    assert settled.agents == 15
    await rival.commit()


async def test_models_are_tied_to_what_serves_them_while_what_is_accepted_is_not_yet_committed(
    rival: Rival, quick: Councils, seeded: Councils
) -> None:
    council = await _council_and_endpoints(quick)
    await quick.register_agent(council, AgentDraft(endpoint="b"), None)
    await quick.register_agent(council, AgentDraft(model="spoken"), None)
    other = await quick.council_by_role("QA")
    assert other is not None
    endpoints = {endpoint.name: endpoint.id for endpoint in await quick.endpoints()}
    await rival.deliberations.accept(an_order(council=council))
    await quick.register_agent(other.id, AgentDraft(model="spoken", endpoint="b"), None)
    await quick.register_agent(other.id, AgentDraft(model="own"), None)
    assert await quick.note_served(endpoints["a"], ["spoken", "own"]) == 2
    await settle_defaults(quick.graph, "http://moved/v1", "spoken")
    await rival.commit()
    assert await examine(seeded.graph) == ()


async def test_an_agent_that_is_given_a_model_while_the_default_changes_speaks_with_one_model(
    two: list[Held], rival: Rival, driver: AsyncDriver, quick: Councils, seeded: Councils
) -> None:
    graph = seeded.graph
    councils = [await quick.council_by_role(role) for role in ("DEV", "QA", "DATA")]
    await rival.graph.write("council/lock", id=max(one.id for one in councils if one is not None))
    settling = asyncio.create_task(settle_defaults(graph, None, "another"))
    await rival.blocks(1)
    # Its council is not among those that wait to be locked.
    await quick.create_role("NEW", None, None)
    await quick.create_council(CouncilDraft(role="NEW", agents=(AgentDraft(),)), None)
    made = await quick.council_by_role("NEW")
    assert made is not None
    agent = made.seats[0].agent.id
    async with a_rival(driver, graph.database, two[1].deliberation) as other:
        await other.graph.write("council/lock", id=made.id)
        await other.graph.write("agent/lock", id=agent)
        await other.graph.write("model/make", models=[{"name": "own", "id": fresh(Prefix.MODEL)}])
        await other.graph.write("agent/speak_with", id=agent, model="own")
        await rival.commit()
        await other.commits_while(settling)
    found = await quick.council_by_role("NEW")
    assert found is not None
    assert found.seats[0].agent.model.name == "own"
    assert await examine(graph) == ()


async def test_an_agent_that_is_made_while_a_new_default_is_waited_for_follows_it_all_the_same(
    rival: Rival, quick: Councils, seeded: Councils
) -> None:
    await rival.does("make_model", name="another")
    settling = asyncio.create_task(settle_defaults(seeded.graph, None, "another"))
    await rival.blocks(1)
    await quick.create_role("NEW", None, None)
    await quick.create_council(CouncilDraft(role="NEW", agents=(AgentDraft(),)), None)
    await rival.give_up()
    assert sum(one.agents for one in await settling) == 16
    made = await quick.council_by_role("NEW")
    assert made is not None
    assert made.seats[0].agent.model.name == "another"


async def test_what_serves_a_new_model_is_locked_in_order_with_what_its_agent_is_bound_to(
    rival: Rival, quick: Councils
) -> None:
    council = await _council_and_endpoints(quick)
    await rival.does("lock_endpoint", name="a")
    made = asyncio.create_task(
        quick.register_agent(council, AgentDraft(model="new", endpoint="b"), None)
    )
    await rival.blocks(1)
    await rival.does("lock_endpoint", name="b")
    await rival.commit()
    assert await made


async def test_an_endpoint_that_a_new_model_is_to_be_served_by_is_locked_before_the_model_is_made(
    rival: Rival, quick: Councils
) -> None:
    """Who notes what an endpoint lists locks the endpoint, and then looks for what it lists."""
    council = await _council_and_endpoints(quick)
    await rival.does("lock_endpoint", name="default")
    made = asyncio.create_task(quick.register_agent(council, AgentDraft(model="unlisted"), None))
    await rival.blocks(1)
    await rival.does("make_model", name="unlisted")
    await rival.give_up()
    assert await made


async def test_agents_of_one_council_have_new_models_made_in_order(
    rival: Rival, quick: Councils
) -> None:
    await quick.create_role("NEW", None, None)
    agents = tuple(AgentDraft(model=model) for model in ("b", "a"))
    await rival.does("make_model", name="a")
    made = asyncio.create_task(quick.create_council(CouncilDraft(role="NEW", agents=agents), None))
    await rival.blocks(1)
    await rival.does("make_model", name="b")
    await rival.give_up()
    assert await made


@pytest.mark.parametrize("what", ["deliberate", "archive", "update"])
async def test_a_council_that_an_import_has_replaced_once_the_lock_is_had_is_not_there(
    rival: Rival, quick: Councils, seeded: Councils, what: str
) -> None:
    council = await quick.council_by_role("QA")
    assert council is not None
    await rival.graph.write("council/lock", id=council.id)
    await rival.graph.write("moving/remove_seeded", id=council.id)
    with pytest.raises(RefusedError) as refused:
        await rival.commits_while(
            {
                "deliberate": lambda: GraphDeliberations(seeded.graph).accept(
                    an_order(council=council.id)
                ),
                "archive": lambda: quick.archive_council(council.id, None),
                "update": lambda: quick.update_council(council.id, None, CouncilChange(rounds=0)),
            }[what]()
        )
    assert isinstance(refused.value.mistakes[0], NotFound)


async def _council_and_endpoints(councils: Councils) -> str:
    """The id of a council, and endpoints a and b, of which a lists the model `new`."""
    for name in ("a", "b"):
        made = await councils.register_endpoint(name, f"http://{name}/v1", None, None)
        await councils.note_served(made, ["new"] if name == "a" else [])
    council = await councils.council_by_role("DEV")
    assert council is not None
    return council.id
