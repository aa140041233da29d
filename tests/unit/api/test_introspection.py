"""The schema, where it is not to be shown."""

from __future__ import annotations

from typing import Any, cast

import pytest

from graphql import get_introspection_query
from orchestrator.api.limits import MOST_COST
from tests.unit.api.conftest import Api
from tests.unit.api.doubles import House

SCHEMA_SHOWN = "{ __schema { queryType { name } } }"


@pytest.fixture
def closed(house: House) -> House:
    house.introspection = False
    return house


@pytest.mark.usefixtures("closed")
@pytest.mark.parametrize(
    "document",
    [
        SCHEMA_SHOWN,
        '{ service { version } ...f } fragment f on Query { ... { __type(name: "Role") { name } } }',
        get_introspection_query(),
    ],
)
async def test_where_introspection_is_off_an_operation_that_asks_for_the_schema_is_refused_whole(
    api: Api, document: str
) -> None:
    response = await api.client.post(
        "/graphql",
        json={"query": document},
        headers={"accept": "application/graphql-response+json"},
    )

    assert response.status_code == 403
    answer = response.json()
    assert "data" not in answer
    [error] = answer["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert "COUNCIL_INTROSPECTION" in error["message"]


@pytest.mark.usefixtures("closed")
async def test_names_of_types_are_told_all_the_same(api: Api) -> None:
    data = await api.ask("{ __typename service { __typename } }")

    assert data == {"__typename": "Query", "service": {"__typename": "Service"}}


async def test_a_document_that_was_answered_before_is_judged_by_how_it_is_set_now(
    api: Api, house: House
) -> None:
    assert await api.ask(SCHEMA_SHOWN)
    house.introspection = False

    assert (await api.fail(SCHEMA_SHOWN))["extensions"]["code"] == "FORBIDDEN"


async def test_graphiql_says_why_it_completes_nothing(api: Api, house: House) -> None:
    headers = {"accept": "text/html"}
    before = await api.client.get("/graphql", headers=headers)
    house.introspection = False
    page = await api.client.get("/graphql", headers=headers)

    assert "answers no introspection" in page.text
    assert "answers no introspection" not in before.text


TYPE = "type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }"
TYPES = f"types {{ fields {{ args {{ name {TYPE} }} {TYPE} }} }}"


def fields_of(answer: Any) -> int:
    """How many fields an answer has."""
    if isinstance(answer, dict):
        members = list(cast("dict[str, Any]", answer).values())
        return len(members) + sum(map(fields_of, members))
    return sum(map(fields_of, cast("list[Any]", answer))) if isinstance(answer, list) else 0


@pytest.mark.parametrize(
    "document",
    [
        f"{{ __schema {{ {TYPES} }} }}",
        f"{{ a: __schema {{ ...f }} b: __schema {{ ...f }} }} fragment f on __Schema {{ {TYPES} }}",
        '{ __type(name: "Query") { fields { name args { name } } } }',
        "{ __schema { queryType { fields { name } } directives { name locations } } }",
        get_introspection_query(),
    ],
)
async def test_asking_for_the_schema_costs_at_least_what_it_brings(api: Api, document: str) -> None:
    answer = await api.send(document)

    assert "errors" not in answer
    assert answer["extensions"]["cost"]["requested"] >= fields_of(answer["data"])


async def test_schema_that_is_asked_for_twenty_times_at_once_is_refused(api: Api) -> None:
    many = " ".join(f"a{number}: __schema {{ ...f }}" for number in range(20))

    error = await api.fail(f"{{ {many} }} fragment f on __Schema {{ {TYPES} }}")

    assert error["extensions"]["limit"]["name"] == "cost"


async def test_what_tools_ask_of_the_schema_takes_half_of_what_an_operation_may_cost_at_most(
    api: Api,
) -> None:
    all_of_it = get_introspection_query(
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
    )

    answer = await api.send(all_of_it)

    assert answer["extensions"]["cost"]["requested"] <= MOST_COST / 2
