"""What an operation may ask for: each limit, how it is told, and what an operation costs."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.api import limits
from orchestrator.api.body import MOST_BYTES
from tests.support.samples import a_deliberation, play
from tests.unit.api.conftest import Api
from tests.unit.api.doubles import House
from tests.unit.api.test_app import greeted

CHAIN = '{ council(by: {role: "DEV"}) ' + "{ role { council " * 10 + "{ id }" + "} }" * 10 + " }"
DOUBLING = (
    "{ ...f0 } "
    + " ".join(f"fragment f{i} on Query {{ ...f{i + 1} ...f{i + 1} }}" for i in range(20))
    + " fragment f20 on Query { service { version } }"
)
LADDER = (
    "{ ...f0 } "
    + " ".join(f"fragment f{i} on Query {{ ...f{i + 1} }}" for i in range(200))
    + " fragment f200 on Query { service { version } }"
)
PAGES = "{ ...f0 } " + " ".join(
    f"fragment f{i} on Query {{ a: councils(first: $a{i}) {{ ...f{i + 1} }} b: councils(first: $b{i}) {{ ...f{i + 1} }} }}"
    for i in range(30)
)
"""Pages whose sizes only variables say, and of which each has two."""
IN_EACH_OTHER = (
    "{ ...f "
    + "... { " * 40
    + "...f"
    + " }" * 40
    + " } fragment f on Query { "
    + "... { " * 40
    + "__typename"
    + " }" * 40
    + " }"
)
"""A fragment that alone nests as little as what it is spread in, beside it and at its bottom."""
UNUSED_LADDER = "{ service { version } } " + LADDER.removeprefix("{ ...f0 } ")
COMPARING = ("comparing", limits.MOST_COMPARING + 1, limits.MOST_COMPARING)
LISTS = (
    "{ councils(first: 100) { edges { node { deliberations(first: 100) { edges { node {"
    " turns(first: 100) { edges { node { id } } } } } } } } } }"
)


def aliases(number: int) -> str:
    return "{ " + " ".join(f"a{i}: service {{ version }}" for i in range(number)) + " }"


def directives(number: int) -> str:
    return "{ service { " + "... @include(if: true) { version } " * number + "} }"


@pytest.mark.parametrize(
    ("document", "limit"),
    [
        ("#" + "x" * 200_000, ("characters", 200_001, limits.MOST_CHARACTERS)),
        ("\n" * 50_000 + "{ a }", ("lines", 50_001, limits.MOST_LINES)),
        ("\r\n" * 9_998 + "\r\n\r{ a }", ("lines", 10_001, limits.MOST_LINES)),
        ("{ " + "a " * 3000 + "}", ("tokens", limits.MOST_TOKENS + 1, limits.MOST_TOKENS)),
        ("#\n" * 6000 + "{ a }", ("tokens", limits.MOST_TOKENS + 1, limits.MOST_TOKENS)),
        ("{a" * 900, ("nesting", 900, limits.MOST_NESTING)),
        (f"{{ a(b: {'[' * 500}{']' * 500}) }}", ("nesting", 502, limits.MOST_NESTING)),
        (LADDER, ("nesting", limits.MOST_NESTING + 1, limits.MOST_NESTING)),
        (IN_EACH_OTHER, ("nesting", 82, limits.MOST_NESTING)),
        (UNUSED_LADDER, ("nesting", limits.MOST_NESTING + 1, limits.MOST_NESTING)),
        ("{ " + "__typename " * 225 + "}", COMPARING),
        ("{ service { " + "version " * 300 + "} }", COMPARING),
        ("{ " + ("service { " + "version " * 18 + "} ") * 90 + "}", COMPARING),
        (CHAIN, ("depth", 22, limits.MOST_DEPTH)),
        (PAGES, ("depth", 30, limits.MOST_DEPTH)),
        (DOUBLING, ("selections", 2**21, limits.MOST_SELECTIONS)),
        (aliases(101), ("aliases", 101, limits.MOST_ALIASES)),
        (directives(101), ("directives", 101, limits.MOST_DIRECTIVES)),
        (LISTS, ("cost", 3_030_301, limits.MOST_COST)),
    ],
)
async def test_document_that_asks_for_too_much_is_refused_with_limit_value_and_bound(
    api: Api, house: House, document: str, limit: tuple[str, int, int]
) -> None:
    name, value, bound = limit
    error = await api.fail(document)

    assert error["extensions"]["code"] == "LIMIT"
    assert error["extensions"]["limit"] == {"name": name, "value": value, "bound": bound}
    assert str(value) in error["message"]
    assert str(bound) in error["message"]
    assert house.registry.calls == []


@pytest.mark.parametrize(
    "document",
    [
        "\r\n" * 9_999 + "{ __typename }",
        aliases(100),
        directives(100),
        "{ " + "__typename " * 224 + "}",
    ],
)
async def test_what_is_at_its_limit_is_answered(api: Api, document: str) -> None:
    assert await api.ask(document)


async def test_document_over_a_limit_is_an_error_over_a_websocket_which_stays_open(
    house: House,
) -> None:
    async with greeted(house) as socket:
        codes: list[str] = []
        for document in ("{a" * 900, CHAIN, LISTS):
            socket.subscribe("1", document)
            message = await socket.receive()
            assert message["type"] == "error"
            codes.append(message["payload"][0]["extensions"]["limit"]["name"])

    assert codes == ["nesting", "depth", "cost"]


async def test_body_that_is_too_long_is_told_its_length_and_the_bound(api: Api) -> None:
    response = await api.client.post(
        "/graphql",
        content=b" " * (MOST_BYTES + 1),
        headers={"content-type": "application/json"},
    )

    assert response.json()["errors"][0]["message"] == (
        f"the body of the request has {MOST_BYTES + 1} bytes, and may have {MOST_BYTES} at most"
    )


PAGE = "query ($n: Int = 7, $m: Int) { councils(first: $n, last: $m) { edges { node { id } } } }"
TWO_PAGES = (
    "query ($a: Int!, $b: Int!) { councils(first: $a) { edges { node {"
    " deliberations(first: $b) { edges { node { id } } } } } } }"
)
IDS = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"


@pytest.mark.parametrize(
    ("document", "variables", "cost"),
    [
        ("{ service { version } }", None, 2),
        ("{ councils(first: 3) { edges { node { id } } } }", None, 1 + 3 * 3),
        ("{ councils { edges { node { id } } } }", None, 1 + 20 * 3),
        ("{ councils(first: 0) { edges { node { id } } } }", None, 1 + 3),
        (
            '{ deliberations(filter: {role: "DEV"}, first: 3) { edges { node { id } } } }',
            None,
            1 + 3 * 3,
        ),
        ("{ councils(last: 2) { edges { node { id } } } }", None, 1 + 2 * 3),
        (PAGE, None, 1 + 7 * 3),
        (PAGE, {"n": 2}, 1 + 2 * 3),
        (PAGE, {"n": None, "m": 4}, 1 + 4 * 3),
        (PAGE, {"n": None}, 1 + 20 * 3),
        (IDS, {"ids": ["a", "b", "c"]}, 1 + 3),
        ('{ nodes(ids: ["a", "b"]) { id } }', None, 1 + 2),
        ("{ roles { name } }", None, 1 + 5),
        ("{ ...f ...f } fragment f on Query { service { version } }", None, 4),
        ("{ __typename }", None, 1),
        (
            TWO_PAGES,
            {"a": 2, "b": 3},
            1 + 2 * (2 + 1 + 3 * 3),
        ),
        ("query A { service { version } } query B { service { version ready } }", None, 3),
    ],
)
async def test_answer_says_what_the_operation_costs_with_its_variables(
    api: Api, document: str, variables: dict[str, Any] | None, cost: int
) -> None:
    body = {"query": document, "variables": variables}
    # Of several operations, the one that is meant.
    named = body | {"operationName": "B"} if "query B" in document else body
    answers = [(await api.client.post("/graphql", json=named)).json() for _ in range(2)]

    for answer in answers:
        assert answer["extensions"] == {"cost": {"requested": cost, "limit": limits.MOST_COST}}


async def test_page_that_only_a_variable_makes_too_large_is_refused(api: Api, house: House) -> None:
    document = (
        "query ($n: Int!) { councils(first: $n) { edges { node { deliberations(first: $n) {"
        " edges { node { turns(first: $n) { edges { node { id } } } } } } } } } }"
    )

    refused = await api.send(document, {"n": 40})
    assert house.registry.calls == []
    answer = await api.send(document, {"n": 10})

    [error] = refused["errors"]
    assert error["extensions"]["limit"]["name"] == "cost"
    assert refused["extensions"]["cost"]["requested"] > limits.MOST_COST
    assert "errors" not in answer


async def test_subscription_says_what_an_event_costs_with_the_first_one(house: House) -> None:
    house.archive.keep(*play(a_deliberation()))
    async with greeted(house) as socket:
        socket.subscribe(
            "1", 'subscription { deliberationEvents(id: "dlb_1", after: 12) { __typename } }'
        )
        told = [(await socket.receive())["payload"].get("extensions") for _ in range(2)]

    assert told == [{"cost": {"requested": 2, "limit": limits.MOST_COST}}, None]
