"""The predecessor's documents are read liberally, and what is not understood is said."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrator.domain.errors import RefusedError
from orchestrator.domain.predecessor import FormerCouncil, Reading, read_councils

KEY = "orchestrator:councils:DEV"
URL = "http://vllm:8000/v1"


def read(document: Any) -> Reading:
    return read_councils({KEY: json.dumps(document)})


def council(document: Any) -> FormerCouncil:
    (found,) = read(document).councils
    return found


def agents(document: Any) -> list[tuple[str | None, str | None, str | None, str | None]]:
    """Of each agent its id, name, model and endpoint."""
    return [
        (agent.id, agent.draft.name, agent.draft.model, agent.endpoint)
        for agent in council(document).agents
    ]


WHOLE = [("a1", "a1", "m", URL), ("a2", "a2", "m", URL)]

SAME: dict[str, Any] = {
    "objects in snake case": {
        "role": "DEV",
        "agents": [
            {"agent_id": "a1", "model": "m", "endpoint_url": URL},
            {"agent_id": "a2", "model": "m", "endpoint_url": URL},
        ],
    },
    "objects in camel case": {
        "agents": [
            {"agentId": "a1", "modelName": "m", "baseUrl": URL},
            {"agentId": "a2", "modelName": "m", "vllmUrl": URL},
        ]
    },
    "names, with one model and one endpoint for all": {
        "agents": ["a1", "a2"],
        "model": "m",
        "endpoint": URL,
    },
    "names, with models and endpoints in their order": {
        "agents": ["a1", "a2"],
        "models": ["m", "m"],
        "endpoints": [URL, URL],
    },
    "names, with models and endpoints by them": {
        "agents": ["a1", "a2"],
        "models": {"a2": "m", "a1": "m"},
        "endpoints": {"a2": URL, "a1": URL},
    },
    "ids alone": {"agentIds": ["a1", "a2"], "model": {"name": "m", "url": URL}},
    "an object by ids": {
        "agents": {"a1": {"model": "m"}, "a2": "m"},
        "endpoint": {"url": URL},
    },
    "models that are objects": {
        "agents": [
            {"id": "a1", "model": {"name": "m", "endpoint": {"base_url": URL}}},
            {"id": "a2", "model": {"id": "m", "endpoint": URL}},
        ]
    },
    "a list alone": [
        {"id": "a1", "model": "m", "url": URL},
        {"id": "a2", "model": "m", "url": URL},
    ],
}


@pytest.mark.parametrize("form", SAME)
def test_the_same_council_is_read_from_every_form(form: str) -> None:
    assert agents(SAME[form]) == WHOLE
    assert read(SAME[form]).ignored == {}


def test_what_stands_with_an_agent_under_its_id_is_the_agents() -> None:
    document = {
        "agents": {"a1": {"name": "Ada", "persona": "You doubt.", "role": "dev"}, "a2": None}
    }
    ada, other = council(document).agents

    assert (ada.id, ada.draft.name, ada.draft.persona) == ("a1", "Ada", "You doubt.")
    assert (other.id, other.draft.name, other.draft.model) == ("a2", "a2", None)
    assert read(document).ignored == {}


def test_who_is_not_among_those_of_whom_it_is_said_beside_has_none() -> None:
    document = {"agents": ["a1", "a2"], "models": {"a1": "m"}, "endpoints": {"a2": URL}}

    assert agents(document) == [("a1", "a1", "m", None), ("a2", "a2", None, URL)]
    assert read(document).ignored == {}


def test_of_several_fields_for_one_thing_the_first_with_a_value_counts_and_the_others_are_named() -> (
    None
):
    document = {"agents": [{"id": "a", "model": None, "modelName": "m", "model_name": "other"}]}

    assert agents(document) == [("a", "a", "m", None)]
    assert set(read(document).ignored) == {"agents[].model_name"}


def test_ids_beside_names_are_ids() -> None:
    assert agents({"agents": ["Ada", "Bob"], "agent_ids": ["a1", "a2"]}) == [
        ("a1", "Ada", None, None),
        ("a2", "Bob", None, None),
    ]


def test_agents_of_a_council_who_have_one_name_are_called_by_their_ids() -> None:
    document = {"agents": [{"id": "a1", "name": "Dev"}, {"id": "a2", "name": "Dev"}, {"id": "Eve"}]}
    assert [name for _, name, _, _ in agents(document)] == ["a1", "a2", "Eve"]
    assert read(document).notes == [
        f"renamed: the agent Dev of {KEY} is {own}, its id, as others there have this name"
        for own in ("a1", "a2")
    ]


def test_what_is_missing_becomes_a_default() -> None:
    found = council({"agents": [{}, "a2"]})
    assert (found.draft.role, found.draft.name, found.draft.rounds, found.draft.quorum) == (
        "DEV",
        None,
        1,
        None,
    )
    assert [agent.draft.name for agent in found.agents] == [None, "a2"]
    assert found.agents[0].draft.metadata is None


def test_an_empty_text_is_a_missing_value() -> None:
    agent = {"id": "a", "name": "", "model": "", "url": "", "temperature": "", "max_tokens": ""}

    assert council({"agents": [agent], "rounds": "", "quorum": ""}) == council(["a"])


def test_a_role_is_spelled_as_in_the_document_where_that_says_it() -> None:
    key = "orchestrator:councils:dev"
    for document, role in (('{"role": "DEV", "agents": ["a"]}', "DEV"), ('["a"]', "dev")):
        (found,) = read_councils({key: document}).councils
        assert found.draft.role == role


def test_numbers_may_be_texts() -> None:
    found = council(
        {"agents": [{"id": "a", "temperature": "0.2", "maxTokens": "64"}], "rounds": "3"}
    )
    agent = found.agents[0].draft
    assert (found.draft.rounds, agent.temperature, agent.max_tokens) == (3, 0.2, 64)


def test_texts_may_be_numbers() -> None:
    assert agents({"agents": [{"id": 7, "model": 4}]}) == [("7", "7", "4", None)]


def test_whether_an_endpoint_may_be_link_local_is_for_the_settings_to_say() -> None:
    url = "http://169.254.0.1:8000/v1"

    assert agents([{"id": "a", "url": url}]) == [("a", "a", None, url)]


def test_the_predecessors_id_stays_with_the_agent() -> None:
    found = council({"agents": [{"id": "a1", "name": "Ada"}]})
    assert found.agents[0].draft.metadata == '{"predecessorId":"a1"}'


def test_what_is_ignored_is_named_once_and_no_value_is_kept() -> None:
    documents = {
        f"orchestrator:councils:{role}": json.dumps(
            {
                "status": "READY",
                "agents": [
                    {"id": f"{role}1", "api_key": "sk-secret", "state": 1},
                    {"id": f"{role}2", "api_key": "sk-other", "model": {"name": "m", "size": 7}},
                ],
                "endpoint": {"url": URL, "weight": 2},
            }
        )
        for role in ("DEV", "QA")
    }
    ignored = read_councils(documents).ignored
    assert set(ignored) == {
        "status",
        "agents[].api_key",
        "agents[].state",
        "agents[].model.size",
        "agents[].endpoint.weight",
    }
    assert set(ignored.values()) == {KEY}
    assert "secret" not in repr(ignored)


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ("{", ()),
        ("3", ()),
        ('{"agents": 3}', ("agents",)),
        ('{"agents": []}', ("agents",)),
        ('{"agents": [3]}', ("agents", "0")),
        ('{"agents": {"a": 3}}', ("agents", "0")),
        ('{"agents": [{"id": true}]}', ("agents", "0", "id")),
        ('{"agents": ["a"], "agent_ids": {"a": "a1"}}', ("agents", "0", "id")),
        ('{"agents": [{"name": "Dev"}, {"name": "Dev"}]}', ("agents", "1", "name")),
        ('{"role": "QA", "agents": ["a"]}', ("role",)),
        ('{"agents": [{"id": "a", "role": "QA"}]}', ("agents", "0", "role")),
        ('{"agents": ["a", "b"], "models": ["m"]}', ("models",)),
        ('{"agents": ["a"], "rounds": "many"}', ("rounds",)),
        ('{"agents": ["a"], "rounds": 1.5}', ("rounds",)),
        ('{"agents": ["a"], "rounds": 11}', ("rounds",)),
        ('{"agents": ["a"], "quorum": 2}', ("quorum",)),
        ('{"agents": ["a", "a"]}', ("agents", "1", "name")),
        ('{"agents": [{"id": "a", "temperature": true}]}', ("agents", "0", "temperature")),
        ('{"agents": [{"id": "a", "temperature": 3}]}', ("agents", "0", "temperature")),
        ('{"agents": [{"id": "a", "model": 1.5}]}', ("agents", "0", "model")),
        ('{"agents": [{"id": "\\ud800"}]}', ("agents", "0", "name")),
        ('{"agents": [{"id": "a", "endpoint": "\\ud800"}]}', ("agents", "0", "endpoint")),
        ('{"agents": ["a"], "endpoint": "vllm:8000"}', ("agents", "0", "endpoint")),
        ('{"agents": ["a", {"url": "http://me:secret@h/v1"}]}', ("agents", "1", "endpoint")),
        ('{"agents": [{"url": "http://h/%s"}]}' % ("x" * 255), ("agents", "0", "endpoint")),
    ],
)
def test_what_cannot_be_read_is_told_by_its_key_and_field(
    document: str, path: tuple[str, ...]
) -> None:
    with pytest.raises(RefusedError) as refused:
        read_councils({KEY: document})
    assert (KEY, *path) in [mistake.path for mistake in refused.value.mistakes]
    assert "secret" not in str(refused.value)


def test_a_key_without_a_role_is_told() -> None:
    with pytest.raises(RefusedError) as refused:
        read_councils({"orchestrator:councils:": '["a"]'})
    assert refused.value.mistakes[0].path == ("orchestrator:councils:", "role")
