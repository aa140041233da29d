"""Every mutation that takes a key: one key makes one thing, however often, wherever and whenever it is sent."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any, NamedTuple, cast

import pytest

from graphql import GraphQLInputObjectType, GraphQLObjectType, build_schema, get_named_type
from orchestrator.api.schema import printed
from orchestrator.graph.doctor import examine
from orchestrator.graph.driver import Graph
from tests.support.model_behaviour import Behaviour
from tests.support.neo4j import statement
from tests.support.scene import Scene
from tests.support.service_process import ServiceProcess

pytestmark = [pytest.mark.faults, pytest.mark.neo4j, pytest.mark.timeout(300)]

AT_ONCE = 40


class Keyed(NamedTuple):
    """A mutation that takes a key; `answer` is the field of its payload that is not `errors`."""

    mutation: str
    input: str
    answer: str

    @property
    def document(self) -> str:
        return f"""mutation ($input: {self.input}!) {{ {self.mutation}(input: $input) {{
            {self.answer} {{ id }} errors {{ __typename message path ... on Conflict {{ existing {{ id }} }} }} }} }}"""


def keyed() -> list[Keyed]:
    """All of them, as the schema has them."""
    mutation = build_schema(printed()).mutation_type
    assert mutation is not None
    found: list[Keyed] = []
    for name, field in mutation.fields.items():
        sent = cast("object", get_named_type(field.args["input"].type))
        payload = cast("object", get_named_type(field.type))
        assert isinstance(sent, GraphQLInputObjectType)
        assert isinstance(payload, GraphQLObjectType)
        if "idempotencyKey" in sent.fields:
            (answer,) = set(payload.fields) - {"errors"}
            found.append(Keyed(name, sent.name, answer))
    return found


async def inputs(scene: Scene, service: ServiceProcess) -> dict[str, tuple[dict[str, Any], ...]]:
    """By mutation: an input, and another one for the same key."""
    councils = "{ councils { edges { node { id role { name } } } } }"
    found = (await service.ask(councils))["councils"]["edges"]
    qa = next(edge["node"]["id"] for edge in found if edge["node"]["role"]["name"] == "QA")
    old = [await scene.deliberate(service) for _ in range(2)]
    for one in old:
        cancel = (
            f'mutation {{ cancelDeliberation(input: {{id: "{one}"}}) {{ errors {{ code }} }} }}'
        )
        assert (await service.ask(cancel))["cancelDeliberation"]["errors"] == []
    role, task = {"role": "DEV"}, {"description": "Write a function that adds two numbers."}
    return {
        "createRole": ({"name": "OPS"}, {"name": "POETRY"}),
        "createCouncil": ({"role": "OPS", "seats": 2}, {"role": "OPS", "seats": 3}),
        "registerAgent": (
            {"councilId": qa, "agent": {}},
            {"councilId": qa, "agent": {"persona": "You doubt."}},
        ),
        "registerEndpoint": (
            {"name": "gpu", "url": "http://127.0.0.1:9/v1"},
            {"name": "gpu", "url": "http://127.0.0.1:8/v1"},
        ),
        "deliberate": (
            {"council": role, "task": task},
            {"council": role, "task": task, "rounds": 1},
        ),
        "retryDeliberation": ({"id": old[0]}, {"id": old[1]}),
    }


async def made(scene: Scene) -> tuple[Counter[str], list[str]]:
    """How many there are of what mutations make, and the keys that made some of them."""
    rows, _, _ = await scene.driver.execute_query(statement("count_made"), database_=scene.database)
    count = Counter({row["label"]: row["nodes"] for row in rows})
    return count, sorted(key for row in rows for key in row["keys"])


async def test_forty_requests_of_one_key_over_two_processes_and_a_restart_make_one_thing(
    scene: Scene, empty_graph: Graph
) -> None:
    # So that none is decided before it is cancelled.
    scene.model.script(Behaviour(latency=120.0))
    one = await scene.start("one")
    await one.ready()
    two = await scene.start("two")
    await two.ready()
    given = await inputs(scene, one)
    mutations = keyed()
    assert sorted(given) == sorted(mutation.mutation for mutation in mutations)
    before, _ = await made(scene)

    # In this order: the council is made for the role.
    first: dict[str, str] = {}
    for name in given:
        mutation = next(one for one in mutations if one.mutation == name)
        sent = {**given[name][0], "idempotencyKey": "k"}
        answers = await asyncio.gather(
            *((one, two)[i % 2].ask(mutation.document, input=sent) for i in range(AT_ONCE))
        )
        payloads = [answer[name] for answer in answers]
        assert [payload["errors"] for payload in payloads] == [[]] * AT_ONCE, name
        (first[name],) = {payload[mutation.answer]["id"] for payload in payloads}
    after, keys = await made(scene)
    assert after - before == {
        "Role": 1,
        "Council": 1,
        "Agent": 3,
        "Endpoint": 1,
        "Task": 1,
        "Deliberation": 2,
    }
    assert keys == sorted(f"anonymous/{name}/k" for name in given)

    await one.kill()
    await one.start()
    await one.ready()
    for mutation in mutations:
        name = mutation.mutation
        sent, other = given[name]
        for service in (one, two):
            document = mutation.document
            again = (await service.ask(document, input={**sent, "idempotencyKey": "k"}))[name]
            assert again == {mutation.answer: {"id": first[name]}, "errors": []}
            refused = (await service.ask(document, input={**other, "idempotencyKey": "k"}))[name]
            assert refused[mutation.answer] is None
            (error,) = refused["errors"]
            assert (error["__typename"], error["path"]) == ("Conflict", ["idempotencyKey"]), name
            assert error["existing"] == {"id": first[name]}
    assert await made(scene) == (after, keys)
    assert await examine(empty_graph) == ()
