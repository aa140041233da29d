"""Every connection, walked in both directions while its list grows: nothing is left out, nothing comes twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.integration.api.conftest import Api
from tests.integration.api.playing import accept, claim
from tests.support.deliberating import all_turns, recordings

pytestmark = pytest.mark.neo4j

PAGE = "first: $first, after: $after, last: $last, before: $before"
ARGUMENTS = "($first: Int, $after: String, $last: Int, $before: String)"
FIELDS = (
    "edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
)

Grow = Callable[[], Awaitable[object]]


class List:
    """A connection: where it is, and how it grows."""

    def __init__(self, api: Api, around: str, field: str, grow: Grow) -> None:
        """`around` is the field that it is a field of, none where it is the root."""
        inner = f"{field}({PAGE}) {{ {FIELDS} }}"
        self._api = api
        self._document = (
            f"query {ARGUMENTS} {{ {f'of: {around} {{ {inner} }}' if around else inner} }}"
        )
        self._path = ("of", field) if around else (field,)
        self.grow = grow

    async def page(self, **arguments: Any) -> dict[str, Any]:
        told: Any = await self._api.ask(self._document, arguments)
        for name in self._path:
            told = told[name]
        return told


def ids(page: dict[str, Any]) -> list[str]:
    return [edge["node"]["id"] for edge in page["edges"]]


async def of_councils(api: Api, field: str) -> List:
    made: list[str] = []

    async def grow() -> None:
        role = f"R{len(made)}"
        made.append(role)
        await api.change("createRole", "role { id }", name=role)
        await api.change("createCouncil", "council { id }", role=role, seats=1)

    return List(api, "", field, grow)


async def of_deliberations(api: Api, around: str, field: str) -> List:
    for _ in range(5):
        await accept(api)
    return List(api, around, field, lambda: accept(api))


async def on_a_task(api: Api) -> List:
    id_ = await accept(api)
    shown = await api.ask(f'{{ deliberation(id: "{id_}") {{ task {{ id }} }} }}')

    async def grow() -> None:
        await api.change("cancelDeliberation", "deliberation { id }", id=id_)
        await api.change("retryDeliberation", "deliberation { id }", id=id_)

    for _ in range(5):
        await grow()
    task = shown["deliberation"]["task"]["id"]
    return List(api, f'task(id: "{task}")', "deliberations", grow)


async def of_turns(api: Api) -> List:
    id_ = await accept(api)
    held = await claim(api)
    turns = all_turns(id_)

    async def grow() -> None:
        await api.desk.deliberations.record(recordings(held, [turns.pop(0)]))

    for _ in range(5):
        await grow()
    return List(api, f'deliberation(id: "{id_}")', "turns", grow)


LISTS: dict[str, Callable[[Api], Awaitable[List]]] = {
    "councils": lambda api: of_councils(api, "councils"),
    "agents": lambda api: of_councils(api, "agents"),
    "tasks": lambda api: of_deliberations(api, "", "tasks"),
    "deliberations": lambda api: of_deliberations(api, "", "deliberations"),
    "of a council": lambda api: of_deliberations(
        api, 'council(by: { role: "DEV" })', "deliberations"
    ),
    "on a task": on_a_task,
    "turns": of_turns,
}


@pytest.mark.parametrize("name", LISTS)
async def test_list_is_walked_whole_in_both_directions_while_it_grows(api: Api, name: str) -> None:
    listed = await LISTS[name](api)
    before = ids(await listed.page(first=100))
    grows_at_its_end = name == "turns"

    forward: list[str] = []
    after: str | None = None
    while len(forward) < len(before):
        page = await listed.page(first=2, after=after)
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        forward += ids(page)
        after = page["pageInfo"]["endCursor"]
        if len(forward) == 2:
            await listed.grow()
    assert forward[: len(before)] == before

    now = ids(await listed.page(first=100))
    assert len(now) > len(before)
    assert now[: len(before)] == before if grows_at_its_end else now[-len(before) :] == before
    backward: list[str] = []
    start: str | None = None
    while len(backward) < len(now):
        page = await listed.page(last=2, before=start)
        assert page["pageInfo"]["hasNextPage"] is (start is not None)
        backward = ids(page) + backward
        start = page["pageInfo"]["startCursor"]
        if len(backward) == 2 and grows_at_its_end:
            await listed.grow()
    assert backward == now
