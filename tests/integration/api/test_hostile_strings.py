"""No string that a caller sends is ever anything but a string: not in Cypher, not in a full-text query, not in an id.

Every place of the schema that takes one is found by introspection, and gets each of them.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, cast

import pytest
from neo4j import AsyncDriver

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    get_named_type,
    is_composite_type,
    is_required_argument,
)
from orchestrator.api.context import Context
from orchestrator.api.schema import SCHEMA
from orchestrator.domain.filters import DeliberationFilter
from orchestrator.engine.changes import DeliberationChange
from orchestrator.graph.driver import Graph
from tests.integration.api.conftest import Api
from tests.support.neo4j import statement
from tests.support.samples import ANYBODY
from tests.support.waiting import until

pytestmark = [pytest.mark.neo4j, pytest.mark.timeout(300)]

Read = Callable[[], Awaitable[list[Any]]]
Place = tuple[str | int, ...]
"""Where a string goes, from the arguments on: names, and an index for a list."""

MARK = "h0st1le"
HOSTILE = (
    f"{MARK}'}}) DETACH DELETE n //",
    f'{MARK}"}}) CREATE (:{MARK}) WITH 1 AS x MATCH (n) SET n.{MARK} = 1 //` UNION MATCH (n) DETACH DELETE n /*',
    f"{MARK}\\u0027 $id ${{id}} {{{{id}}}} %s *:* AND (a OR b* ~2^3 [a TO b]",
)
UNKEPT = ("a\0b", "a\ud800")
"""No graph holds these."""
TEXTS = {"String", "ID", "JSON"}

VALID: dict[str, Any] = {
    "createRole": {"name": "OPS-NEW"},
    "createCouncil": {"role": "$role", "agents": [{"name": "ops-agent-NEW"}]},
    "updateCouncil": {"id": "$council"},
    "archiveCouncil": {"id": "$council"},
    "restoreCouncil": {"id": "$council"},
    "registerAgent": {"councilId": "$small", "agent": {}},
    "updateAgent": {"id": "$agent"},
    "retireAgent": {"id": "$agent"},
    "registerEndpoint": {"name": "other-NEW", "url": "http://127.0.0.1:1/v1"},
    "updateEndpoint": {"id": "$endpoint"},
    "removeEndpoint": {"id": "$endpoint"},
    "deliberate": {"council": {"role": "DEV"}, "task": {"description": "Write a cache."}},
    "retryDeliberation": {"id": "$cancelled"},
    "cancelDeliberation": {"id": "$queued"},
}
"""Inputs that do, but for the string: nothing goes by them. NEW is another each time, and so is what a mutation uses up."""

LOOKED_UP = {
    "id": "NOT_FOUND",
    "councilId": "NOT_FOUND",
    "role": "NOT_FOUND",
    "endpoint": "NOT_FOUND",
    "url": "INVALID_INPUT",
    "apiKeyVariable": "INVALID_INPUT",
}
"""By the name of a place: how a string is refused there that is not the name of anything, or no such thing at all."""

SHAPED = {"after", "before", "councilId"}
"""Arguments of a query that are refused where they cannot lead to anything: others just find nothing."""

BESIDE = {"text": "cache"}
"""What stands for a required argument where the string goes into another one."""

BEGIN = {
    "Query": "",
    "Council": 'council(by: {role: "DEV"})',
    "Task": 'task(id: "$task")',
    "Deliberation": 'deliberation(id: "$deliberation")',
}
"""How a field of a type is reached."""


def schema_type(name: str) -> GraphQLObjectType:
    found = SCHEMA._schema.get_type(name)  # pyright: ignore[reportPrivateUsage]
    assert isinstance(found, GraphQLObjectType)
    return found


def places(type_: Any, above: tuple[str, ...] = ()) -> Iterator[Place]:
    """Yield each place for a string within an input."""
    if isinstance(type_, GraphQLNonNull):
        yield from places(type_.of_type, above)
    elif isinstance(type_, GraphQLList):
        yield from ((0, *inner) for inner in places(type_.of_type, above))
    elif isinstance(type_, GraphQLInputObjectType):
        if type_.name not in above:
            for name, field in type_.fields.items():
                for inner in places(field.type, (*above, type_.name)):
                    yield (name, *inner)
    elif isinstance(type_, GraphQLScalarType) and type_.name in TEXTS:
        yield ()


def put(type_: Any, value: Any, place: Place, text: str) -> Any:
    """Return a value with the text at its place, and what leads there made where it is missing."""
    if not place:
        return text
    first, *rest = place
    of = cast("Any", type_.of_type) if isinstance(type_, GraphQLNonNull) else type_
    if isinstance(first, int):
        return [put(of.of_type, value[0] if value else None, tuple(rest), text)]
    # Strawberry's own rule holds @oneOf: graphql-core's type does not know of it.
    one_of = of.extensions["strawberry-definition"].is_one_of
    inner = {} if value is None or one_of else dict(value)
    return inner | {first: put(of.fields[first].type, inner.get(first), tuple(rest), text)}


def mutations() -> list[tuple[str, Place]]:
    """Each mutation with each place in its input."""
    return [
        (name, place)
        for name, field in schema_type("Mutation").fields.items()
        for place in places(field.args["input"].type)
    ]


Argument = tuple[str, str, GraphQLField, str, GraphQLArgument, Place]


def arguments() -> list[Argument]:
    """Each argument of a field that takes a string, with each place in it."""
    schema = SCHEMA._schema  # pyright: ignore[reportPrivateUsage]
    return [
        (type_.name, name, field, argument, given, place)
        for type_ in schema.type_map.values()
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType)
        and not type_.name.startswith("__")
        and type_.name != "Mutation"
        for name, field in type_.fields.items()
        for argument, given in field.args.items()
        for place in places(given.type)
    ]


@pytest.fixture
def kept(driver: AsyncDriver, seeded: Graph) -> Callable[[], Awaitable[set[str]]]:
    """Look which strings of ours are in the graph; less is sent than by reading it whole."""

    async def look() -> set[str]:
        [row] = (
            await driver.execute_query(
                statement("graph/list_texts"), mark=MARK, database_=seeded.database
            )
        ).records
        return {bare(text) for text in row["texts"]}

    return look


@pytest.fixture
async def known(api: Api) -> dict[str, str]:
    """Ids of what is there, by what stands for them."""
    asked = await api.ask(
        '{ council(by: {role: "DEV"}) { id } agent(by: {name: "dev-agent-1"}) { id } endpoints { id } }'
    )
    accepted = await api.change(
        "deliberate", "deliberation { id task { id } }", **VALID["deliberate"]
    )
    return {
        "council": asked["council"]["id"],
        "agent": asked["agent"]["id"],
        "endpoint": asked["endpoints"][0]["id"],
        "deliberation": accepted["deliberation"]["id"],
        "task": accepted["deliberation"]["task"]["id"],
    }


async def filled_in(api: Api, valid: Any, known: dict[str, str], number: int) -> Any:
    """The input with what stands in it for something: made for it alone where the mutation uses it up."""
    if isinstance(valid, dict):
        inner = cast("dict[str, Any]", valid)
        return {name: await filled_in(api, one, known, number) for name, one in inner.items()}
    if isinstance(valid, list):
        return [await filled_in(api, one, known, number) for one in cast("list[Any]", valid)]
    match valid:
        case "$role" | "$small":
            role = f"OPS-ROLE-{number}"
            await made(api, "createRole", "role { id }", name=role)
            if valid == "$role":
                return role
            payload = await made(api, "createCouncil", "council { id }", role=role, seats=1)
            return payload["council"]["id"]
        case "$queued" | "$cancelled":
            payload = await made(api, "deliberate", "deliberation { id }", **VALID["deliberate"])
            id_ = payload["deliberation"]["id"]
            if valid == "$cancelled":
                await made(api, "cancelDeliberation", "deliberation { id }", id=id_)
            return id_
        case _:
            return known.get(valid[1:], valid.replace("NEW", str(number)))


async def made(api: Api, mutation: str, answer: str, **input: Any) -> dict[str, Any]:
    payload = await api.change(mutation, answer, **input)
    assert payload["errors"] == [], (mutation, input, payload)
    return payload


def asking(field: GraphQLField, name: str, argument: str) -> str:
    """The field, with the string in an argument, and valid values in those that it cannot do without."""
    beside = [
        f"{other}: {json.dumps(BESIDE[other])}"
        for other, needed in field.args.items()
        if other != argument and is_required_argument(needed)
    ]
    named = cast("object", get_named_type(cast("Any", field.type)))
    selection = " { __typename }" if is_composite_type(named) else ""
    return f"{name}({', '.join([f'{argument}: $given', *beside])}){selection}"


def described(graph: list[Any]) -> set[str]:
    """The labels, the types and the names of properties."""
    return {name for row in graph for name in (*row["what"], *row["properties"])}


def bare(text: str) -> str:
    """A string in the graph without what is put around it: JSON's quotes, and before a key whose it is and what for."""
    return json.loads(text) if text.startswith('"') else re.sub(r"^anonymous/\w+/", "", text)


def test_there_is_a_valid_input_for_each_mutation_and_a_way_to_each_type() -> None:
    assert set(VALID) == set(schema_type("Mutation").fields)
    assert {type_ for type_, *_ in arguments()} <= {*BEGIN, "Subscription"}


async def test_a_string_in_a_mutation_is_kept_as_it_is_or_refused_for_what_it_is(
    api: Api, known: dict[str, str], whole_graph: Read, kept: Callable[[], Awaitable[set[str]]]
) -> None:
    before = await whole_graph()
    sent: set[str] = set()
    for number, (mutation, place, hostile) in enumerate(
        (mutation, place, hostile) for mutation, place in mutations() for hostile in HOSTILE
    ):
        kind = schema_type("Mutation").fields[mutation].args["input"].type
        names = [str(step) for step in place]
        # No two alike: what is in the graph is there by this one.
        text = f"{hostile} {mutation} {' '.join(names)}"
        valid = await filled_in(api, VALID[mutation], known, number)
        where = (mutation, place, text)

        answer = await api.send(
            f"mutation ($input: {kind}) {{ {mutation}(input: $input) {{ errors {{ code path }} }} }}",
            {"input": put(kind, valid, place, text)},
        )

        assert "errors" not in answer, (where, answer)
        refused = LOOKED_UP.get(names[-1])
        expected = [] if refused is None else [{"code": refused, "path": names}]
        assert answer["data"][mutation]["errors"] == expected, (where, answer)
        if refused is None:
            sent.add(text)
            # Now, as the next may replace it.
            assert text in await kept(), where
    after = await whole_graph()

    there = {tuple(row["nodes"]) for row in after}
    gone = [row for row in before if tuple(row["nodes"]) not in there and len(row["nodes"]) == 1]
    assert gone == []
    assert not any(MARK in name for name in described(after))
    assert await kept() <= sent


async def test_a_string_that_no_graph_holds_is_refused_by_its_place_and_changes_nothing(
    api: Api, whole_graph: Read
) -> None:
    before = await whole_graph()
    for mutation, place in mutations():
        kind = schema_type("Mutation").fields[mutation].args["input"].type
        for text in UNKEPT:
            answer = await api.send(
                f"mutation ($input: {kind}) {{ {mutation}(input: $input) {{ errors {{ code path }} }} }}",
                {"input": put(kind, VALID[mutation], place, text)},
            )
            expected = {"code": "INVALID_INPUT", "path": [str(step) for step in place]}
            # Beside it the input may name what is not there.
            assert expected in answer["data"][mutation]["errors"], (mutation, place, text, answer)

    assert await whole_graph() == before


async def test_a_string_in_a_query_finds_nothing_and_changes_nothing(
    api: Api, known: dict[str, str], whole_graph: Read
) -> None:
    before = await whole_graph()
    for type_, name, field, argument, given, place in arguments():
        if type_ == "Subscription":
            continue
        for text in (*HOSTILE, *UNKEPT):
            asked = asking(field, name, argument)
            begin = BEGIN[type_]
            for what, id_ in known.items():
                begin = begin.replace(f"${what}", id_)
            answer = await api.send(
                f"query ($given: {given.type}) {{ {f'{begin} {{ {asked} }}' if begin else asked} }}",
                {"given": put(given.type, None, place, text)},
            )
            told = [
                (error["extensions"]["code"], error["extensions"]["path"])
                for error in answer.get("errors", ())
            ]
            names = [argument, *(str(step) for step in place)]
            refused = names[-1] in SHAPED or text in UNKEPT
            expected = [("INVALID_INPUT", names)] if refused else []
            assert told == expected, (type_, name, text, answer)

    assert await whole_graph() == before


async def test_a_string_in_a_subscription_is_told_of_nothing_and_changes_nothing(
    api: Api, whole_graph: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    listened: list[DeliberationFilter] = []
    listen = api.ports.changes.deliberations

    def noting(where: DeliberationFilter) -> AsyncIterator[DeliberationChange]:
        listened.append(where)
        return listen(where)

    monkeypatch.setattr(api.ports.changes, "deliberations", noting)
    before = await whole_graph()
    asked = [
        (name, argument, place, text, asyncio.ensure_future(anext(results)))
        for type_, name, field, argument, given, place in arguments()
        if type_ == "Subscription"
        for text in HOSTILE
        for results in [
            await SCHEMA.stream(
                f"subscription ($given: {given.type}) {{ {asking(field, name, argument)} }}",
                variable_values={"given": put(given.type, None, place, text)},
                context_value=Context(api.ports, ANYBODY),
            )
        ]
    ]
    await until(lambda: len(listened) + sum(waiting.done() for *_, waiting in asked) == len(asked))
    everything = api.follow("subscription { deliberationChanges { status } }")
    told = asyncio.ensure_future(anext(everything))
    await until(lambda: DeliberationFilter() in listened)
    await api.change("deliberate", "deliberation { id }", **VALID["deliberate"])

    assert await told == {"deliberationChanges": {"status": "QUEUED"}}
    refused = [one for one in asked if one[-1].done()]
    assert {(name, place) for name, _, place, *_ in refused} == {
        ("deliberationEvents", ()),
        ("deliberationChanges", ("councilId",)),
    }
    for *what, waiting in refused:
        result = waiting.result()
        # What refuses a document has no path.
        assert {tuple(error.path or ()) for error in result.errors} == {(what[0],)}, (what, result)
        codes = {error.extensions["code"] for error in result.errors}
        assert codes <= {"INVALID_INPUT", "NOT_FOUND"}, (what, result)
    for *_, waiting in asked:
        waiting.cancel()
    await asyncio.wait([waiting for *_, waiting in asked])
    after = await whole_graph()
    assert [row for row in before if row not in after] == []
    assert MARK not in json.dumps(after, default=str)
