"""How many values the variables of an operation may have."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.api.values import MOST_VALUES
from tests.unit.api.conftest import Api
from tests.unit.api.doubles import House

NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"


def _nested(number: int) -> Any:
    """A value with so many others within each other and beside each other, itself not counted."""
    return {"of": [[0] * (number - 3)], "and": {}}


@pytest.mark.parametrize("value", [["x"] * MOST_VALUES, _nested(MOST_VALUES)])
async def test_more_values_than_there_may_be_are_refused_before_one_is_read(
    api: Api, house: House, value: Any
) -> None:
    error = await api.fail(NODES, {"ids": value})

    assert error["extensions"]["code"] == "LIMIT"
    assert error["extensions"]["limit"] == {
        "name": "values",
        "value": MOST_VALUES + 1,
        "bound": MOST_VALUES,
    }
    assert house.registry.calls == []


async def test_as_many_values_as_there_may_be_are_looked_at(api: Api) -> None:
    error = await api.fail(NODES, {"ids": ["x"] * (MOST_VALUES - 1)})

    assert error["message"] == f"ids must not be more than 100, and are {MOST_VALUES - 1}"
