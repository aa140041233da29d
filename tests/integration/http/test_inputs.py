"""What a caller sends, over a real socket: each mistake by its field, and nothing written."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.integration.http.serving import served
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
