"""The schema, where it is not to be shown."""

from __future__ import annotations

import pytest

from graphql import get_introspection_query
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
