"""A connection that is lost around a commit: what was asked for is done once and answered for, or it is said that it may be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from typing import Any

import pytest

from orchestrator.domain.drafts import (
    AgentChange,
    AgentDraft,
    CouncilChange,
    CouncilDraft,
    EndpointChange,
)
from orchestrator.domain.errors import UnansweredError
from orchestrator.graph.councils import Councils
from orchestrator.graph.driver import Bounds, Graph, open_graph
from orchestrator.graph.statements import statement
from tests.support.bolt_proxy import BoltProxy, Side, Tag
from tests.support.neo4j import Neo4jServer

pytestmark = [pytest.mark.neo4j]

URL = "http://gpu:8000/v1"
OTHER = "http://other:8000/v1"

around_the_commit = pytest.mark.parametrize("side", Side)
"""Before it is asked for, which rolls back, and after it was done."""


@pytest.fixture
async def proxy(neo4j_server: Neo4jServer) -> AsyncGenerator[BoltProxy]:
    async with BoltProxy(neo4j_server.uri) as proxy:
        yield proxy


@pytest.fixture
async def cut_off(
    proxy: BoltProxy, neo4j_server: Neo4jServer, graph: Graph
) -> AsyncGenerator[Councils]:
    """Who goes by the proxy, and does not wait long where nobody takes his connection."""
    user, password, quick = neo4j_server.user, neo4j_server.password, Bounds(retry=0.1)
    async with open_graph(proxy.uri, user, password, graph.database, quick) as through:
        yield Councils(through)


async def a_role(councils: Councils) -> str:
    return await councils.create_role("OPS", None, None)


async def a_council(councils: Councils) -> str:
    draft = CouncilDraft(role="DEV", agents=(AgentDraft(), AgentDraft()))
    return await councils.create_council(draft, None)


async def an_agent(councils: Councils) -> str:
    council = await councils.council_by_role("QA")
    assert council is not None
    return await councils.register_agent(council.id, AgentDraft(), None)


async def an_endpoint(councils: Councils) -> str:
    return await councils.register_endpoint("gpu", URL, None, None)


@around_the_commit
@pytest.mark.parametrize(
    ("making", "name", "label"),
    [
        (a_role, "role/create", "Role"),
        (a_council, "council/create", "Council"),
        (an_agent, "agent/seat", "Agent"),
        (an_endpoint, "endpoint/create", "Endpoint"),
    ],
)
async def test_what_is_made_without_an_answer_to_its_commit_is_made_once_and_answered_for(
    *,
    proxy: BoltProxy,
    councils: Councils,
    cut_off: Councils,
    whole_graph: Callable[[], Awaitable[list[Any]]],
    making: Callable[[Councils], Coroutine[Any, Any, str]],
    name: str,
    label: str,
    side: Side,
) -> None:
    for role in ("DEV", "QA"):
        await councils.create_role(role, None, None)
    await councils.create_council(CouncilDraft(role="QA", agents=(AgentDraft(),)), None)

    async def all_there() -> set[str]:
        return {row["properties"]["id"] for row in await whole_graph() if label in row["what"]}

    before = await all_there()
    trap = proxy.trap(side, Tag.COMMIT, statement(name))
    made = asyncio.create_task(making(cut_off))
    await trap.sprung()
    trap.cut()
    one = await made
    assert one not in before
    assert await all_there() == {*before, one}


@around_the_commit
async def test_an_agent_that_is_retired_without_an_answer_to_the_commit_is_and_it_is_said(
    proxy: BoltProxy, councils: Councils, cut_off: Councils, dev: str, side: Side
) -> None:
    agents = [seat.agent.id for seat in (await councils.councils_by_id([dev]))[dev].seats]
    trap = proxy.trap(side, Tag.COMMIT, statement("agent/retire"))
    retiring = asyncio.create_task(cut_off.retire_agent(agents[0]))
    await trap.sprung()
    trap.cut()
    await retiring
    left = (await councils.councils_by_id([dev]))[dev].seats
    assert [seat.agent.id for seat in left] == agents[1:]


@around_the_commit
@pytest.mark.parametrize("version", [1, None])
async def test_a_council_that_is_changed_without_an_answer_to_the_commit_is_changed_once_and_answered_for(
    *,
    proxy: BoltProxy,
    councils: Councils,
    cut_off: Councils,
    dev: str,
    side: Side,
    version: int | None,
) -> None:
    trap = proxy.trap(side, Tag.COMMIT, statement("council/update"))
    changing = asyncio.create_task(cut_off.update_council(dev, version, CouncilChange(rounds=3)))
    await trap.sprung()
    trap.cut()
    await changing
    found = (await councils.councils_by_id([dev]))[dev]
    assert (found.version, found.rounds) == (2, 3)


@pytest.mark.parametrize(
    "others", [CouncilChange(rounds=3, name="another"), CouncilChange(name="another")]
)
async def test_who_expects_a_version_is_not_told_that_it_is_done_where_others_have_changed_more(
    *,
    proxy: BoltProxy,
    councils: Councils,
    cut_off: Councils,
    dev: str,
    others: CouncilChange,
) -> None:
    with pytest.raises(UnansweredError, match="may have been carried out"):
        await lost(
            proxy,
            Side.REQUEST,
            "council/update",
            lambda: cut_off.update_council(dev, 1, CouncilChange(rounds=3)),
            lambda: councils.update_council(dev, None, others),
        )
    assert (await councils.councils_by_id([dev]))[dev].version == 2


@around_the_commit
async def test_whatever_else_is_changed_without_an_answer_to_the_commit_is_changed_once_and_answered_for(
    *, proxy: BoltProxy, councils: Councils, cut_off: Councils, dev: str, side: Side
) -> None:
    agent = (await councils.councils_by_id([dev]))[dev].seats[0].agent.id
    endpoint = await councils.register_endpoint("gpu", URL, None, None)
    changes: list[tuple[str, Callable[[], Awaitable[Any]]]] = [
        ("agent/update", lambda: cut_off.update_agent(agent, AgentChange(temperature=0.1))),
        ("endpoint/remove", lambda: cut_off.remove_endpoint(endpoint)),
        ("council/archive", lambda: cut_off.archive_council(dev, None)),
        ("council/restore", lambda: cut_off.restore_council(dev)),
    ]
    for name, change in changes:
        await lost(proxy, side, name, change)

    found = (await councils.councils_by_id([dev]))[dev]
    assert found.seats[0].temperature == 0.1
    assert found.archived_at is None
    # One for the agent, one for each of the two of the council.
    assert found.version == 4
    assert await councils.endpoints_by_id([endpoint]) == {}


@around_the_commit
async def test_an_endpoint_that_is_changed_without_an_answer_to_the_commit_is_answered_for_where_it_is(
    proxy: BoltProxy, councils: Councils, cut_off: Councils, side: Side
) -> None:
    endpoint = await councils.register_endpoint("gpu", URL, None, None)

    def changing() -> Awaitable[Any]:
        return cut_off.update_endpoint(endpoint, EndpointChange(url=OTHER))

    if side is Side.ANSWER:
        await lost(proxy, side, "endpoint/update", changing)
    else:
        # It has no version by which one that is as it was could be told from one that somebody has changed back.
        with pytest.raises(UnansweredError, match="may have been carried out"):
            await lost(proxy, side, "endpoint/update", changing)

    found = (await councils.endpoints_by_id([endpoint]))[endpoint]
    assert found.url == (OTHER if side is Side.ANSWER else URL)


async def test_an_endpoint_that_somebody_has_changed_back_since_is_not_changed_again(
    proxy: BoltProxy, councils: Councils, cut_off: Councils
) -> None:
    endpoint = await councils.register_endpoint("gpu", URL, None, None)
    with pytest.raises(UnansweredError, match="may have been carried out"):
        await lost(
            proxy,
            Side.ANSWER,
            "endpoint/update",
            lambda: cut_off.update_endpoint(endpoint, EndpointChange(url=OTHER)),
            lambda: councils.update_endpoint(endpoint, EndpointChange(url=URL)),
        )
    assert (await councils.endpoints_by_id([endpoint]))[endpoint].url == URL


async def test_a_council_that_somebody_has_archived_since_it_was_restored_is_not_restored_again(
    proxy: BoltProxy, councils: Councils, cut_off: Councils, dev: str
) -> None:
    await councils.archive_council(dev, None)
    with pytest.raises(UnansweredError, match="may have been carried out"):
        await lost(
            proxy,
            Side.ANSWER,
            "council/restore",
            lambda: cut_off.restore_council(dev),
            lambda: councils.archive_council(dev, None),
        )
    assert (await councils.councils_by_id([dev]))[dev].archived_at is not None


async def test_an_endpoint_that_is_removed_without_an_answer_to_the_commit_is_told_as_it_was(
    proxy: BoltProxy, councils: Councils, cut_off: Councils
) -> None:
    endpoint = await councils.register_endpoint("gpu", URL, None, None)
    removed = await lost(
        proxy, Side.ANSWER, "endpoint/remove", lambda: cut_off.remove_endpoint(endpoint)
    )
    assert (removed.id, removed.name, removed.url) == (endpoint, "gpu", URL)


@around_the_commit
async def test_what_somebody_else_has_changed_since_a_commit_without_an_answer_is_not_done_again(
    *, proxy: BoltProxy, councils: Councils, cut_off: Councils, dev: str, side: Side
) -> None:
    agent = (await councils.councils_by_id([dev]))[dev].seats[0].agent.id
    endpoint = await councils.register_endpoint("gpu", URL, None, None)

    def other(rounds: int) -> Callable[[], Awaitable[None]]:
        return lambda: councils.update_council(dev, None, CouncilChange(rounds=rounds))

    async def restored() -> None:
        await councils.archive_council(dev, None)
        await councils.restore_council(dev)

    changes: list[tuple[str, Callable[[], Awaitable[Any]], Callable[[], Awaitable[Any]]]] = [
        (
            "council/update",
            lambda: cut_off.update_council(dev, None, CouncilChange(rounds=3)),
            other(4),
        ),
        (
            "agent/update",
            lambda: cut_off.update_agent(agent, AgentChange(temperature=0.1)),
            lambda: councils.update_agent(agent, AgentChange(temperature=0.2)),
        ),
        (
            "endpoint/update",
            lambda: cut_off.update_endpoint(endpoint, EndpointChange(url=OTHER)),
            lambda: councils.update_endpoint(endpoint, EndpointChange(url=f"{OTHER}/2")),
        ),
        ("council/archive", lambda: cut_off.archive_council(dev, None), restored),
    ]
    for name, change, others in changes:
        with pytest.raises(UnansweredError, match="may have been carried out"):
            await lost(proxy, side, name, change, others)

    found = (await councils.councils_by_id([dev]))[dev]
    assert (found.rounds, found.archived_at) == (4, None)
    assert found.seats[0].temperature == 0.2
    assert (await councils.endpoints_by_id([endpoint]))[endpoint].url == f"{OTHER}/2"


async def lost(
    proxy: BoltProxy,
    side: Side,
    name: str,
    change: Callable[[], Awaitable[Any]],
    others: Callable[[], Awaitable[Any]] | None = None,
) -> Any:
    """Lose the connection around the commit of a change, and have others do something before it is looked at again."""
    trap = proxy.trap(side, Tag.COMMIT, statement(name))
    changing = asyncio.ensure_future(change())
    await trap.sprung()
    if others is None:
        trap.cut()
        return await changing
    locking = statement("endpoint/lock" if name.startswith("endpoint") else "council/lock")
    again = proxy.trap(Side.REQUEST, Tag.RUN, locking)
    trap.cut()
    await again.sprung()
    await others()
    again.release()
    return await changing


async def test_what_may_be_made_is_not_told_as_not_done_where_neo4j_stays_away(
    proxy: BoltProxy, cut_off: Councils, councils: Councils
) -> None:
    trap = proxy.trap(Side.ANSWER, Tag.COMMIT, statement("role/create"))
    making = asyncio.create_task(cut_off.create_role("OPS", None, None))
    await trap.sprung()
    proxy.refuse()
    trap.cut()
    with pytest.raises(UnansweredError, match="may have been carried out"):
        await making
    assert [role.name for role in await councils.roles()] == ["OPS"]
