"""Whatever an interface or a union can be is reached by a document, over a real graph."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from orchestrator.engine.events import LiveEvent, TokensSpoken, TurnBegan
from tests.integration.api.conftest import Api
from tests.integration.api.playing import accept, claim, decide
from tests.support.deliberating import all_turns
from tests.support.waiting import eventually, until

pytestmark = pytest.mark.neo4j

POSSIBLE = "{ __schema { types { name kind possibleTypes { name } } } }"

EVERYTHING = """query ($id: ID!) { deliberation(id: $id) {
  id task { id } verdict { id } turns(first: 100) { edges { node { id __typename } } }
  council { id role { id } seats { agent { id model { id endpoints { id } } } } } } }"""

FOLLOW = """subscription ($id: ID!) { deliberationEvents(id: $id) { __typename } }"""


async def possible(api: Api) -> dict[str, set[str]]:
    """The interfaces and unions of the schema, each with what it can be, by introspection."""
    types = (await api.ask(POSSIBLE))["__schema"]["types"]
    return {
        type_["name"]: {one["name"] for one in type_["possibleTypes"]}
        for type_ in types
        if type_["kind"] in {"INTERFACE", "UNION"}
    }


async def decided(api: Api) -> dict[str, Any]:
    """What there is about a deliberation that was decided."""
    id_ = await accept(api)
    await decide(api, await claim(api))
    return (await api.ask(EVERYTHING, {"id": id_}))["deliberation"]


async def nodes(api: Api) -> set[str]:
    """Ask for each thing by its id alone."""
    shown = await decided(api)
    council = shown["council"]
    agent = council["seats"][0]["agent"]
    (endpoint,) = agent["model"]["endpoints"]
    turns = [edge["node"] for edge in shown["turns"]["edges"]]
    things = [council["role"], council, agent, agent["model"], endpoint, shown, shown["task"]]
    ids = [thing["id"] for thing in (*things, *turns, shown["verdict"])]
    found = await api.ask("query ($ids: [ID!]!) { nodes(ids: $ids) { __typename } }", {"ids": ids})
    return {node["__typename"] for node in found["nodes"]}


async def turns(api: Api) -> set[str]:
    """List what was taken."""
    return {edge["node"]["__typename"] for edge in (await decided(api))["turns"]["edges"]}


async def events(api: Api) -> set[str]:
    """Follow a deliberation, in the process that calls a model for it, to its end."""
    id_ = await accept(api)
    seen: set[str] = set()

    async def follow() -> None:
        async for data in api.follow(FOLLOW, id=id_):
            seen.add(data["deliberationEvents"]["__typename"])

    following = asyncio.create_task(follow())
    held = await claim(api)
    await until(lambda: bool(seen))
    call: dict[str, Any] = {
        "deliberation": id_,
        "at": datetime.now(UTC),
        "turn": all_turns(id_)[0].id,
        "attempt": 1,
    }
    live: tuple[LiveEvent, ...] = (TurnBegan(**call), TokensSpoken(**call, offset=0, text="Well"))
    for event in live:
        api.desk.board.post(event)
    await until(lambda: "TokensSpoken" in seen)
    await decide(api, held)
    async with asyncio.timeout(40):
        await following
    return seen


async def user_errors(api: Api) -> set[str]:
    """Ask for what cannot be."""
    seen: set[str] = set()
    for name in ("", "DEV"):
        seen |= {
            error["__typename"]
            for error in (await api.change("createRole", "role { id }", name=name))["errors"]
        }
    unknown = await api.change("archiveCouncil", "council { id }", id="cou_none")
    return seen | {error["__typename"] for error in unknown["errors"]}


async def hits(api: Api) -> set[str]:
    """Search for the words of a task and of what was said of it, which the full text has a moment later."""
    await decided(api)

    async def search() -> set[str]:
        told = await api.ask('{ search(text: "cache answer") { edges { node { __typename } } } }')
        return {edge["node"]["__typename"] for edge in told["search"]["edges"]}

    return await eventually(search, lambda found: len(found) > 1)


WAYS: dict[str, Callable[[Api], Awaitable[set[str]]]] = {
    "Node": nodes,
    "Turn": turns,
    "DeliberationEvent": events,
    "UserError": user_errors,
    "SearchHit": hits,
}


async def test_there_is_a_way_to_every_interface_and_union(api: Api) -> None:
    assert set(await possible(api)) == set(WAYS)


@pytest.mark.parametrize("name", WAYS)
async def test_every_type_that_it_can_be_is_reached(api: Api, name: str) -> None:
    assert await WAYS[name](api) == (await possible(api))[name]
