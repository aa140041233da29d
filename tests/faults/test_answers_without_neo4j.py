"""Documents of several root fields while Neo4j is away: what needs no graph is answered, and the log says why the rest is not."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from tests.support.bolt_proxy import Side, Tag
from tests.support.scene import DELIBERATE, Scene
from tests.support.service_process import ServiceProcess
from tests.support.waiting import until

pytestmark = [pytest.mark.faults, pytest.mark.neo4j, pytest.mark.timeout(300)]

BY_PLAN = """{ service { version neo4j graph { nodes } } roles { name } models { name }
  councils { totalCount } deliberation(id: "dlb_1") { status } __typename }"""
WALKED = BY_PLAN.replace("{ service", "{ __schema { queryType { name } } service", 1)
NEED_THE_GRAPH = ["councils", "deliberation", "models", "roles"]


async def answered(service: ServiceProcess, document: str, **variables: Any) -> httpx.Response:
    async with httpx.AsyncClient(timeout=60) as client:
        return await client.post(
            f"{service.url}/graphql",
            json={"query": document, "variables": variables},
            headers={"accept": "application/graphql-response+json"},
        )


def check_that_the_others_are_answered(service: ServiceProcess, response: httpx.Response) -> None:
    answer = response.json()
    assert response.status_code == 200
    data = answer["data"]
    assert data["__typename"] == "Query"
    assert (data["service"]["neo4j"], data["service"]["graph"]) == (None, None)
    assert {name: data[name] for name in NEED_THE_GRAPH} == dict.fromkeys(NEED_THE_GRAPH)
    errors = answer["errors"]
    # Of the councils it is their number that fails, below the field of the operation.
    assert sorted(error["path"][0] for error in errors) == NEED_THE_GRAPH
    assert {error["extensions"]["code"] for error in errors} == {"UNAVAILABLE"}
    (correlation_id,) = {error["extensions"]["correlationId"] for error in errors}
    (line,) = [
        line
        for line in service.logged("operation_unavailable")
        if line["correlation_id"] == correlation_id
    ]
    assert sorted(field.partition(".")[0] for field in line["fields"]) == NEED_THE_GRAPH
    # Where it was sought is for operators alone.
    assert "127.0.0.1" not in json.dumps(answer)


async def test_where_neo4j_is_gone_each_field_that_needs_it_says_so(scene: Scene) -> None:
    service = await scene.start(hasty=True)
    await service.ready()
    scene.proxy.refuse()
    scene.proxy.cut()
    await service.becomes(503)

    for response in await asyncio.gather(answered(service, BY_PLAN), answered(service, WALKED)):
        check_that_the_others_are_answered(service, response)
    line = service.logged("operation_unavailable")[-1]
    assert "Neo4j cannot be reached at bolt://127.0.0.1:" in line["why"]

    # Of this nothing at all was carried out.
    order = {"council": {"role": "DEV"}, "task": {"description": "Refused."}}
    refused = await answered(service, DELIBERATE, input=order)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert "data" not in refused.json()


async def test_where_neo4j_says_nothing_each_field_that_needs_it_says_so_in_time(
    scene: Scene,
) -> None:
    service = await scene.start(hasty=True, COUNCIL_LEASE_SECONDS="3")
    await service.ready()
    for tag in Tag:
        scene.proxy.trap(Side.REQUEST, tag, times=10_000)

    for response in await asyncio.gather(answered(service, BY_PLAN), answered(service, WALKED)):
        check_that_the_others_are_answered(service, response)
    scene.proxy.cut()
    scene.proxy.clear()
    await service.ready()
    await until(lambda: bool(service.logged("graph_back")), 20)
