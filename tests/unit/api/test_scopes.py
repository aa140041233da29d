"""Which scope each root field needs: all of them say it, and it is held before anything is carried out."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import strawberry
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from structlog.testing import capture_logs

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    build_client_schema,
    get_named_type,
    introspection_from_schema,
    is_leaf_type,
)
from orchestrator.api.app import build_app
from orchestrator.api.context import Context
from orchestrator.api.projection.executor import ProjectingExecutor
from orchestrator.api.schema import SCHEMA
from orchestrator.api.scopes import READ, needs_of
from orchestrator.domain.callers import NOBODY, Caller, Scope
from orchestrator.identity.means import Means
from tests.support.samples import a_council, a_deliberation
from tests.unit.api.doubles import House

RIGHTS = {"deliberate", "retryDeliberation", "cancelDeliberation"}
"""The mutations for which `deliberate` is enough."""


def of_core(schema: strawberry.Schema) -> GraphQLSchema:
    """What Strawberry has made of a schema for graphql-core."""
    return schema._schema  # pyright: ignore[reportPrivateUsage]


def seen() -> GraphQLSchema:
    """The schema as a client sees it."""
    return build_client_schema(
        introspection_from_schema(of_core(SCHEMA), input_value_deprecation=True)
    )


def operations() -> Iterator[tuple[str, str, Scope]]:
    """Yield a smallest operation for each root field that introspection finds, with the scope that it ought to need."""
    schema = seen()
    for kind, type_ in (
        ("query", schema.query_type),
        ("mutation", schema.mutation_type),
        ("subscription", schema.subscription_type),
    ):
        assert type_ is not None
        for name, field in type_.fields.items():
            given = [
                f"{argument}: {_smallest(value.type)}"
                for argument, value in field.args.items()
                if isinstance(value.type, GraphQLNonNull)
            ]
            arguments = f"({', '.join(given)})" if given else ""
            selection = "" if is_leaf_type(get_named_type(field.type)) else " { __typename }"
            needed = Scope.READ
            if kind == "mutation":
                needed = Scope.DELIBERATE if name in RIGHTS else Scope.MANAGE
            yield f"{kind}.{name}", f"{kind} {{ {name}{arguments}{selection} }}", needed


def _smallest(type_: Any) -> str:
    """A literal of a type; of an input, whatever it cannot be without."""
    if isinstance(type_, GraphQLNonNull):
        return _smallest(type_.of_type)
    if isinstance(type_, GraphQLList):
        return "[]"
    if isinstance(type_, GraphQLEnumType):
        return next(iter(type_.values))
    if isinstance(type_, GraphQLInputObjectType):
        fields = [
            f"{name}: {_smallest(field.type)}"
            for name, field in type_.fields.items()
            if isinstance(field.type, GraphQLNonNull) or type_.is_one_of
        ]
        return f"{{ {', '.join(fields[:1] if type_.is_one_of else fields)} }}"
    return "1" if type_.name in {"Int", "Float", "Count"} else '"x"'


OPERATIONS = list(operations())


def a_house(scope: Scope | None) -> House:
    house = House(means=Means(anonymous=scope))
    house.registry.add(a_council("dev"))
    house.archive.keep(a_deliberation())
    return house


async def sent(house: House, query: str, accept: str = "application/json") -> httpx.Response:
    transport = httpx.ASGITransport(build_app(house.ports()))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.post("/graphql", json={"query": query}, headers={"accept": accept})


def codes(answer: Any) -> set[str]:
    return {error["extensions"]["code"] for error in answer.get("errors", [])}


def test_every_root_field_says_in_the_schema_which_scope_it_needs() -> None:
    needs = needs_of(of_core(SCHEMA))

    assert needs == {f"{name[0].upper()}{name[1:]}": needed for name, _, needed in OPERATIONS}
    assert len(needs) > 25


def test_a_schema_with_a_root_field_that_says_nothing_is_none() -> None:
    @strawberry.type
    class Query:
        @strawberry.field(directives=[READ])
        def told(self) -> int:
            return 1

        @strawberry.field
        def silent(self) -> int:
            return 1

    with pytest.raises(ValueError, match=r"Query\.silent"):
        needs_of(of_core(strawberry.Schema(Query)))


@pytest.mark.parametrize("scope", [*Scope], ids=str)
@pytest.mark.parametrize(
    ("operation", "needed"),
    [pytest.param(*rest, id=name) for name, *rest in OPERATIONS if "subscription" not in name],
)
async def test_a_field_is_for_who_has_its_scope_and_for_nobody_else(
    operation: str, needed: Scope, scope: Scope
) -> None:
    house = a_house(scope)

    with capture_logs() as logs:
        answer = (await sent(house, operation)).json()

    if scope.includes(needed):
        assert "FORBIDDEN" not in codes(answer)
    else:
        assert codes(answer) == {"FORBIDDEN"}
        assert answer.get("data") is None
        # Nothing was asked of anybody.
        assert house.registry.calls == house.office.calls == house.archive.calls == []
        (line,) = [line for line in logs if line["event"] == "field_forbidden"]
        assert (line["has"], line["needs"]) == (scope, needed)
        assert line["correlation_id"] == answer["errors"][0]["extensions"]["correlationId"]


async def test_an_operation_is_refused_whole_and_each_forbidden_field_is_named() -> None:
    house = a_house(Scope.DELIBERATE)
    mutation = """mutation {
      cancelDeliberation(input: { id: "dlb_1" }) { errors { code } }
      ...Rest
    }
    fragment Rest on Mutation {
      ... on Mutation { gone: retireAgent(input: { id: "agt_dev1" }) { errors { code } } }
      removeEndpoint(input: { id: "end_1" }) @skip(if: true) { errors { code } }
    }"""

    answer = (await sent(house, mutation)).json()

    assert [error["extensions"]["path"] for error in answer["errors"]] == [
        ["gone"],
        ["removeEndpoint"],
    ]
    assert "needs the scope manage, and the caller has deliberate" in answer["errors"][0]["message"]
    assert house.office.calls == house.registry.calls == []


async def test_of_a_document_only_the_operation_that_is_asked_for_counts() -> None:
    house = a_house(Scope.READ)
    document = 'query Look { roles { name } } mutation Change { retireAgent(input: { id: "x" }) { errors { code } } }'
    transport = httpx.ASGITransport(build_app(house.ports()))
    answers: list[set[str]] = []
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        for name in ("Look", "Change", "Look"):
            body = {"query": document, "operationName": name}
            answers.append(codes((await client.post("/graphql", json=body)).json()))

    assert answers == [set(), {"FORBIDDEN"}, set()]


@pytest.mark.parametrize("name", ["", "Another", None])
async def test_whatever_an_operation_is_called_it_is_not_carried_out_for_who_may_not(
    name: str | None,
) -> None:
    house = a_house(Scope.READ)
    document = 'mutation Change { retireAgent(input: { id: "agt_dev1" }) { errors { code } } }'
    transport = httpx.ASGITransport(build_app(house.ports()))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        response = await client.post("/graphql", json={"query": document, "operationName": name})

    assert response.json()["errors"]
    assert house.registry.calls == []


async def test_a_document_that_was_known_before_is_no_way_round() -> None:
    query = 'mutation { retireAgent(input: { id: "agt_dev1" }) { errors { code } } }'

    allowed = await sent(a_house(Scope.MANAGE), query)
    refused = await sent(a_house(Scope.READ), query)

    assert codes(allowed.json()) == set()
    assert codes(refused.json()) == {"FORBIDDEN"}


@pytest.mark.parametrize("way", [ProjectingExecutor, StrawberryGraphQLCoreExecutionContext])
async def test_a_scope_is_held_to_whichever_way_queries_are_answered(
    way: type[StrawberryGraphQLCoreExecutionContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    projected: list[object] = []
    project = vars(ProjectingExecutor)["_project"]

    def noted(*arguments: Any) -> Any:
        projected.append(arguments)
        return project(*arguments)

    monkeypatch.setattr(ProjectingExecutor, "_project", noted)
    schema = copy.copy(SCHEMA)
    schema.execution_context_class = way
    house = a_house(Scope.READ)
    query = "{ councils(first: 1) { edges { node { name } } } roles { name } }"

    refused = await schema.execute(query, context_value=Context(house.ports(), NOBODY))
    assert {(error.extensions or {})["code"] for error in refused.errors or ()} == {"FORBIDDEN"}
    assert (refused.data, projected, house.registry.calls) == (None, [], [])

    reader = Caller(scope=Scope.READ)
    allowed = await schema.execute(query, context_value=Context(house.ports(), reader))
    assert allowed.errors is None
    assert len(projected) == (way is ProjectingExecutor)


@pytest.mark.parametrize(
    ("accept", "status"), [("application/json", 200), ("application/graphql-response+json", 403)]
)
async def test_forbidden_is_403_where_the_protocol_lets_a_status_say_so(
    accept: str, status: int
) -> None:
    response = await sent(
        a_house(Scope.READ), 'mutation { retireAgent(input: { id: "x" }) { __typename } }', accept
    )

    assert response.status_code == status
    assert codes(response.json()) == {"FORBIDDEN"}


@pytest.mark.parametrize("query", ["{ __typename }", "{ __schema { queryType { name } } }"])
async def test_the_schema_itself_is_for_who_may_read(query: str) -> None:
    assert codes((await sent(a_house(Scope.READ), query)).json()) == set()
    assert (await sent(a_house(None), query)).status_code == 401
