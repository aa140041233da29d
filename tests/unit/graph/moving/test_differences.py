"""What differs between a file and a graph, and what only looks as if it did."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.graph.moving.differences import differences, has_gone_on
from orchestrator.graph.moving.form import Kind
from tests.unit.graph.moving import sound


def told(kind: Kind, source: dict[str, Any], graph: dict[str, Any]) -> list[str]:
    return [str(one) for one in differences(kind, source, graph)]


@pytest.mark.parametrize("same", ["2026-01-02T03:04:05.100Z", "2026-01-02T03:04:05.1Z"])
def test_an_instant_is_the_same_however_many_zeros_it_ends_with(same: str) -> None:
    source, graph = sound.council(), sound.council()
    source["createdAt"], graph["createdAt"] = "2026-01-02T03:04:05.100000000Z", same
    assert told(Kind.COUNCIL, source, graph) == []
    graph["createdAt"] = "2026-01-02T03:04:05.2Z"
    assert len(told(Kind.COUNCIL, source, graph)) == 1
    source["createdAt"], graph["createdAt"] = "2026-01-02T03:04:10.000Z", "2026-01-02T03:04:10Z"
    assert told(Kind.COUNCIL, source, graph) == []


def test_an_empty_list_is_none() -> None:
    """A graph has no relationship of that type, whether the file says so or says nothing."""
    source, graph = sound.deliberation(), sound.deliberation()
    source["turns"][0]["answers"] = []
    assert told(Kind.DELIBERATION, source, graph) == []
    source["turns"][0]["answers"] = ["trn_1"]
    assert len(told(Kind.DELIBERATION, source, graph)) == 1


def test_who_speaks_with_the_default_model_may_speak_with_another_one() -> None:
    source, graph = sound.council(), sound.council()
    graph["agents"][0]["speaksWith"]["model"] = "another"
    assert told(Kind.COUNCIL, source, graph) == []
    graph["agents"][0]["speaksWith"] = {"model": "m"}
    assert told(Kind.COUNCIL, source, graph) == [
        "agents[0].speaksWith.default is True in the source and nothing in the graph",
        "agents[0].speaksWith.model is nothing in the source and 'm' in the graph",
    ]


def settled(**more: Any) -> dict[str, Any]:
    """The council after a start with another VLLM_MODEL, but for what else is said."""
    council = sound.council()
    council["agents"][0]["speaksWith"]["model"] = "another"
    return {**council, "version": 5, "updatedAt": "2027-01-02T03:04:05Z", **more}


def test_a_start_with_another_default_model_may_have_raised_the_version() -> None:
    assert told(Kind.COUNCIL, sound.council(), settled()) == []
    assert told(Kind.COUNCIL, sound.council(), settled(rounds=9)) == [
        "rounds is 1 in the source and 9 in the graph"
    ]


def test_a_version_that_no_start_can_have_raised_is_another() -> None:
    for version in (1, 2):
        found = told(Kind.COUNCIL, sound.council(), settled(version=version))
        assert any(one.startswith("updatedAt is ") for one in found)
    source, graph = sound.council(), settled()
    for agent in (*source["agents"], *graph["agents"]):
        agent["speaksWith"] = {"model": "m"}
    assert [one.split()[0] for one in told(Kind.COUNCIL, source, graph)] == ["version", "updatedAt"]


def test_a_field_is_told_with_its_place_and_a_long_value_shortened() -> None:
    source, graph = sound.deliberation(), sound.deliberation()
    graph["turns"][2]["content"] = "x" * 500
    del graph["turns"][4]
    (first, *rest) = told(Kind.DELIBERATION, source, graph)
    assert first.startswith("turns[2].content is 'words' in the source and 'xxx")
    assert len(first) < 200
    assert rest[0].startswith("turns[4] is ")


def test_of_what_is_known_by_name_the_graphs_own_stays() -> None:
    role, model = sound.records()[sound.ROLE], sound.records()[sound.MODEL]
    assert told(Kind.ROLE, role, {**role, "id": "rol_9", "description": "mine"}) == []
    assert told(Kind.ROLE, {**role, "description": "x"}, role) == []
    assert told(Kind.MODEL, model, {**model, "id": "mdl_9", "servedBy": ["e", "f"]}) == []
    assert told(Kind.MODEL, model, {**model, "servedBy": []}) == [
        "servedBy is 'e' in the source and nothing in the graph"
    ]


def test_the_endpoint_default_is_where_the_settings_say() -> None:
    default = {**sound.records()[sound.ENDPOINT], "name": "default"}
    assert told(Kind.ENDPOINT, default, {**default, "url": "http://elsewhere/v1"}) == []
    other = {**default, "name": "e"}
    assert told(Kind.ENDPOINT, other, {**other, "url": "http://elsewhere/v1"}) != []


def under_way() -> dict[str, Any]:
    one = sound.deliberation()
    del one["stopReason"], one["finishedAt"], one["verdict"]
    return {**one, "status": "RUNNING", "sequence": 6}


@pytest.mark.parametrize(
    ("source", "graph", "gone_on"),
    [
        (under_way(), sound.deliberation(), True),
        (under_way(), {**under_way(), "epoch": 2, "sequence": 7}, True),
        (under_way(), under_way(), False),
        (sound.deliberation(), {**sound.deliberation(), "sequence": 9}, False),
        (under_way(), {**sound.deliberation(), "councilId": "cou_9"}, False),
        (under_way(), {**sound.deliberation(), "acceptedAt": "2027-01-02T03:04:05Z"}, False),
    ],
)
def test_what_was_under_way_may_have_gone_on(
    source: dict[str, Any], graph: dict[str, Any], *, gone_on: bool
) -> None:
    assert has_gone_on(source, graph) is gone_on
