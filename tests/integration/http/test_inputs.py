"""What a caller sends, over a real socket: each mistake by its field, and nothing written."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.integration.http.serving import served
from tests.integration.http.test_crowding import greeted, heard
from tests.unit.api.doubles import House

TASK = {"council": {"role": "DEV"}, "task": {"description": "x"}}
COUNCIL = {"role": "OPS"}
AGENT: dict[str, Any] = {"councilId": "cou_dev", "agent": {}}

NUMBERS: list[tuple[str, dict[str, Any], str]] = [
    ("deliberate", TASK, "tokenBudget"),
    ("deliberate", TASK, "deadlineSeconds"),
    ("createCouncil", COUNCIL, "seats"),
    ("createCouncil", COUNCIL | {"seats": 3}, "quorum"),
    ("updateCouncil", {"id": "cou_dev"}, "quorum"),
    ("updateAgent", {"id": "agt_dev1"}, "maxTokens"),
    ("registerAgent", AGENT, "agent.maxTokens"),
]


@pytest.mark.parametrize("number", [0, -1])
@pytest.mark.parametrize(("mutation", "input", "field"), NUMBERS)
async def test_number_below_its_bound_is_refused_by_its_field(
    house: House, mutation: str, input: dict[str, Any], field: str, number: int
) -> None:
    kind = f"{mutation[0].upper()}{mutation[1:]}Input"
    query = (
        f"mutation ($input: {kind}!) {{ {mutation}(input: $input) {{"
        " errors { __typename code path message } } }"
    )
    *outer, name = field.split(".")
    wrong = {outer[0]: {name: number}} if outer else {name: number}
    async with served(house) as url, httpx.AsyncClient(trust_env=False) as client:
        response = await client.post(
            url, json={"query": query, "variables": {"input": input | wrong}}
        )

    answer = response.json()
    assert "errors" not in answer
    [error] = answer["data"][mutation]["errors"]
    assert (error["__typename"], error["code"]) == ("InvalidInput", "INVALID_INPUT")
    assert error["path"] == field.split(".")
    assert error["message"].startswith(f"{name} must be from 1 to ")
    assert error["message"].endswith(f", and is {number}")
    assert house.registry.calls == []
    assert house.office.calls == []


QUERY = "{ service { version } }"

UNFIT: list[tuple[dict[str, Any], str, str]] = [
    ({"query": QUERY, "operationName": 1}, "operationName", "a string, or null"),
    ({"query": QUERY, "operationName": 0}, "operationName", "a string, or null"),
    ({"query": QUERY, "operationName": ["A"]}, "operationName", "a string, or null"),
    ({"query": QUERY, "operationName": {}}, "operationName", "a string, or null"),
    ({"query": 1}, "query", "a string, or null"),
    ({"query": QUERY, "variables": []}, "variables", "an object, or null"),
    ({"query": QUERY, "extensions": "x"}, "extensions", "an object, or null"),
]


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
@pytest.mark.parametrize(("body", "field", "right"), UNFIT)
async def test_field_of_a_request_that_has_another_type_is_refused_by_its_name(
    house: House, body: dict[str, Any], field: str, right: str, accept: str
) -> None:
    async with served(house) as url, httpx.AsyncClient(trust_env=False) as client:
        response = await client.post(url, json=body, headers={"accept": accept})

    assert response.status_code == 400
    [error] = response.json()["errors"]
    assert error["message"] == f"{field} must be {right}"
    assert (error["extensions"]["code"], error["extensions"]["path"]) == ("INVALID_INPUT", [field])
    assert error["extensions"]["correlationId"]


@pytest.mark.parametrize(("payload", "field", "right"), UNFIT)
async def test_field_of_a_message_that_has_another_type_closes_the_connection_with_its_name(
    house: House, payload: dict[str, Any], field: str, right: str
) -> None:
    async with served(house) as url, greeted(url) as socket:
        assert await heard(socket) == {"type": "connection_ack"}
        await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))

        assert await heard(socket) == (4400, f"payload.{field} must be {right}")


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ([], "a message must be a JSON object"),
        ({}, "type must be a string"),
        ({"type": 1}, "type must be a string"),
        ({"type": "complete", "id": 1}, "id must be a string"),
        ({"type": "complete"}, "id must be a string"),
        ({"type": "subscribe", "payload": {"query": QUERY}}, "id must be a string"),
        ({"type": "subscribe", "id": "1", "payload": []}, "payload must be an object"),
        ({"type": "subscribe", "id": "1", "payload": {}}, "payload.query must be a string"),
    ],
)
async def test_message_that_is_none_closes_the_connection_with_what_would_be_right(
    house: House, message: object, reason: str
) -> None:
    async with served(house) as url, greeted(url) as socket:
        assert await heard(socket) == {"type": "connection_ack"}
        await socket.send(json.dumps(message))

        assert await heard(socket) == (4400, reason)


@pytest.mark.parametrize("field", ["variables", "extensions"])
@pytest.mark.parametrize(
    ("text", "right"), [("[1]", "an object, or null"), ("{", "an object, as JSON")]
)
async def test_parameter_of_a_query_that_is_no_object_is_refused_by_its_name(
    house: House, field: str, text: str, right: str
) -> None:
    async with served(house) as url, httpx.AsyncClient(trust_env=False) as client:
        response = await client.get(url, params={"query": QUERY, field: text})

    assert response.status_code == 400
    [error] = response.json()["errors"]
    assert error["message"] == f"{field} must be {right}"
    assert error["extensions"]["path"] == [field]


@pytest.mark.parametrize(
    ("parameters", "field", "right"),
    [
        ("query={__typename}&variables={}&variables={}", "variables", "there once"),
        ("query={__typename}&%71uery={__typename}", "query", "there once"),
        ("query={__typename}&variables={%22a%22:%22%E9%22}", "variables", "percent-encoded UTF-8"),
    ],
)
async def test_parameter_that_would_be_read_as_something_else_is_refused_by_its_name(
    house: House, parameters: str, field: str, right: str
) -> None:
    async with served(house) as url, httpx.AsyncClient(trust_env=False) as client:
        response = await client.get(f"{url}?{parameters}")

    assert response.status_code == 400
    [error] = response.json()["errors"]
    assert error["message"] == f"{field} must be {right}"
    assert (error["extensions"]["code"], error["extensions"]["path"]) == ("INVALID_INPUT", [field])


async def test_parameter_that_is_nobodys_may_be_written_in_any_way(house: House) -> None:
    async with served(house) as url, httpx.AsyncClient(trust_env=False) as client:
        response = await client.get(f"{url}?query={{__typename}}&from=%E9&from=%E9")

    assert response.json()["data"] == {"__typename": "Query"}
