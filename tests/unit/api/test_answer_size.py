"""How large an answer may be: what it asks for is few fields, and each may be long."""

from __future__ import annotations

import json

import pytest

from orchestrator.api import limits
from orchestrator.api.projection.run import extent
from orchestrator.domain import limits as of_values
from orchestrator.domain.deliberations import Status
from orchestrator.domain.values import replace
from tests.support.samples import a_deliberation, play
from tests.unit.api.conftest import Api
from tests.unit.api.doubles import House
from tests.unit.api.test_app import greeted

LONG = "x" * 101


@pytest.fixture
def house(house: House) -> House:
    """A deliberation with the longest context that there can be."""
    kept = a_deliberation("dlb_1", status=Status.QUEUED)
    metadata = json.dumps([0] * 4_000)
    task = replace(kept.task, context="\0" * of_values.CONTEXT, metadata=metadata)
    house.archive.keep(replace(kept, task=task))
    return house


def times(number: int, field: str) -> str:
    return " ".join(f"a{i}: {field}" for i in range(number))


def of_the_task(asked: str, ids: int = 1, beside: str = "") -> str:
    return f"{{ {beside} nodes(ids: {json.dumps(['dlb_1'] * ids)}) {{ ... on Deliberation {{ task {{ {asked} }} }} }} }}"


@pytest.mark.parametrize(
    "document",
    [
        of_the_task(times(60, "context")),
        of_the_task(times(50, "metadata"), ids=60),
        # Such as graphql-core alone carries out.
        of_the_task(times(60, "context"), beside="__schema { __typename }"),
    ],
)
async def test_answer_that_would_be_too_large_is_refused_with_limit_value_and_bound(
    api: Api, document: str
) -> None:
    answer = await api.send(document)
    [error] = answer["errors"]
    limit = error["extensions"]["limit"]

    assert "data" not in answer
    assert (limit["name"], limit["bound"]) == ("answer", limits.MOST_ANSWERED)
    assert limit["value"] > limits.MOST_ANSWERED
    assert error["message"] == (
        f"the answer has {limit['value']} characters or more, and may have {limits.MOST_ANSWERED} at most: ask for less at once"
    )


async def test_answer_that_is_as_large_as_it_may_be_is_given(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = of_the_task(times(5, "context"), ids=2)
    monkeypatch.setattr(limits, "MOST_ANSWERED", extent(await api.ask(document)))
    assert await api.ask(document)
    monkeypatch.setattr(limits, "MOST_ANSWERED", limits.MOST_ANSWERED - 1)
    assert (await api.fail(document))["extensions"]["limit"]["name"] == "answer"


def test_extent_is_of_texts_keys_and_the_number_of_values() -> None:
    answer: dict[str, object] = {"ab": "cde", "f": [1, None, "gh", {"i": dict[str, int]()}]}
    assert extent(answer) == (2 + 1 + 2) + 3 + 4 + 2 + (1 + 1)


async def test_what_was_carried_out_says_so_where_its_answer_would_be_too_large(
    api: Api, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST_ANSWERED", 100)
    answer = await api.send(
        f'mutation {{ done: createRole(input: {{ name: "OPS" }}) {{ role {{ {LONG}: id }} }} }}'
    )
    [error] = answer["errors"]

    assert answer["data"] is None
    assert error["path"] == ["done"]
    assert error["extensions"]["limit"]["name"] == "answer"
    assert "it was carried out; look at it" in error["message"]
    assert house.registry.calls[0][0] == "create_role"


async def test_event_that_would_be_too_large_is_an_error_and_the_next_is_told(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST_ANSWERED", 100)
    house.archive.keep(*play(a_deliberation("dlb_2")))
    asked = f"__typename ... on TurnTaken {{ {LONG}: sequence }}"
    async with greeted(house) as socket:
        socket.subscribe(
            "1", f'subscription {{ deliberationEvents(id: "dlb_2", after: 12) {{ {asked} }} }}'
        )
        too_large, told = [(await socket.receive())["payload"] for _ in range(2)]

    assert too_large["data"] is None
    assert too_large["errors"][0]["extensions"]["limit"]["name"] == "answer"
    assert told["data"] == {"deliberationEvents": {"__typename": "DeliberationEnded"}}
