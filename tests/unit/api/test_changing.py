"""What can be written: what reaches the ports, and the mistakes that come back as data."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from orchestrator.domain.councils import Role
from orchestrator.domain.deliberations import Priority, Status
from orchestrator.domain.drafts import (
    AgentChange,
    AgentDraft,
    Clear,
    CouncilChange,
    CouncilDraft,
    EndpointChange,
    Idempotency,
)
from orchestrator.domain.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    RefusedError,
    UnavailableError,
)
from orchestrator.domain.values import replace
from orchestrator.engine.ports import CouncilById, CouncilByRole, Order, Retry
from tests.support.samples import a_deliberation
from tests.unit.api.conftest import Api
from tests.unit.api.doubles import House

ERRORS = "errors { __typename message code path ... on NotFound { sought } ... on Conflict { existing { __typename id } } }"


async def send(api: Api, mutation: str, answer: str, **input: Any) -> dict[str, Any]:
    """Send one mutation with its input as a variable; return its payload."""
    kind = f"{mutation[0].upper()}{mutation[1:]}Input"
    data = await api.ask(
        f"mutation ($input: {kind}!) {{ {mutation}(input: $input) {{ {answer} {ERRORS} }} }}",
        {"input": input},
    )
    return data[mutation]


async def paths(api: Api, mutation: str, **input: Any) -> list[str]:
    """Send an input with mistakes; return where they are."""
    payload = await send(api, mutation, "__typename", **input)
    return [".".join(error["path"]) for error in payload["errors"]]


async def test_role_is_made_once_a_key(api: Api, house: House) -> None:
    payload = await send(
        api, "createRole", "role { id name council { id } }", name="OPS", idempotencyKey="k"
    )

    assert payload == {"role": {"id": "rol_new", "name": "OPS", "council": None}, "errors": []}
    [(_, name, description, once), *_] = house.registry.calls
    assert (name, description) == ("OPS", None)
    assert isinstance(once, Idempotency)
    assert once.key == "anonymous/createRole/k"


@pytest.mark.parametrize(
    "mutation", ["cancelDeliberation(input: {id", "retryDeliberation(input: {id"]
)
async def test_what_was_written_and_is_removed_before_it_is_read_back_is_told_and_no_null(
    api: Api, house: House, monkeypatch: pytest.MonkeyPatch, mutation: str
) -> None:
    async def nothing(*_: object, **_by_name: object) -> dict[str, Any]:
        return {}

    house.archive.keep(a_deliberation(status=Status.FAILED))
    monkeypatch.setattr(house.archive, "deliberations_by_id", nothing)

    error = await api.fail(f'mutation {{ {mutation}: "dlb_1"}}) {{ deliberation {{ status }} }} }}')

    assert error["message"].endswith("has been removed since")
    assert (error["extensions"]["code"], "retryAfter" in error["extensions"]) == (
        "UNAVAILABLE",
        False,
    )


async def test_digest_is_of_the_input_as_sent_whether_in_variables_or_in_the_document(
    api: Api, house: House
) -> None:
    sent = {"role": "OPS", "seats": 3, "protocol": "PEER_REVIEW", "idempotencyKey": "k"}
    await send(api, "createCouncil", "council { id }", **sent)
    await api.ask(
        """mutation { createCouncil(input: {role: "OPS", protocol: PEER_REVIEW, seats: 3, idempotencyKey: "k"})
             { council { id } } }"""
    )
    await send(api, "createCouncil", "council { id }", **sent, rounds=1)
    await send(api, "createCouncil", "council { id }", **sent, name=None)

    digests = [
        once.input_digest
        for _, *arguments in house.registry.calls
        for once in arguments
        if isinstance(once, Idempotency)
    ]
    assert len(digests) == 4
    assert digests[0] == digests[1]
    assert len({*digests}) == 3, "a default that was sent, or a null, is another input"


async def test_council_is_made_of_agents_with_all_that_was_said_of_them(
    api: Api, house: House
) -> None:
    payload = await send(
        api,
        "createCouncil",
        "council { id }",
        role="OPS",
        name="ops",
        agents=[
            {
                "name": "ann",
                "persona": "You are ann.\nYou doubt.",
                "temperature": 0,
                "maxTokens": 1,
                "model": "m",
                "endpoint": "gpu",
                "metadata": {"a": [1, None, "é"]},
            },
            {},
        ],
        rounds=0,
        quorum=2,
        decision="BALLOTS",
    )

    assert payload == {"council": {"id": "cou_dev"}, "errors": []}
    assert house.registry.calls[0] == (
        "create_council",
        CouncilDraft(
            role="OPS",
            name="ops",
            agents=(
                AgentDraft(
                    name="ann",
                    persona="You are ann.\nYou doubt.",
                    temperature=0,
                    max_tokens=1,
                    model="m",
                    endpoint="gpu",
                    metadata='{"a":[1,null,"é"]}',
                ),
                AgentDraft(),
            ),
            rounds=0,
            quorum=2,
        ),
        None,
    )


async def test_what_is_left_out_stays_and_null_clears(api: Api, house: House) -> None:
    await send(api, "updateCouncil", "council { id }", id="cou_dev", expectedVersion=3, rounds=2)
    await send(
        api,
        "updateAgent",
        "agent { id }",
        id="agt_dev1",
        persona=None,
        endpoint=None,
        metadata=None,
        temperature=1,
    )
    await send(api, "updateAgent", "agent { id }", id="agt_dev1", metadata={"a": 1}, model="m")
    await send(api, "updateEndpoint", "endpoint { id }", id="end_1", apiKeyVariable=None)

    changes = [call for call in house.registry.calls if str(call[0]).startswith("update")]
    assert changes == [
        ("update_council", "cou_dev", 3, CouncilChange(rounds=2)),
        (
            "update_agent",
            "agt_dev1",
            AgentChange(
                persona=Clear.CLEAR, endpoint=Clear.CLEAR, metadata=Clear.CLEAR, temperature=1
            ),
        ),
        ("update_agent", "agt_dev1", AgentChange(metadata='{"a":1}', model="m")),
        ("update_endpoint", "end_1", EndpointChange(api_key_variable=Clear.CLEAR)),
    ]


async def test_other_mutations_reach_their_port_and_read_back_what_came_of_it(
    api: Api, house: House
) -> None:
    house.registry.all_endpoints["end_2"] = replace(
        house.registry.all_endpoints["end_1"], id="end_2", name="old"
    )
    sent = [
        await send(api, "archiveCouncil", "council { id }", id="cou_dev", expectedVersion=3),
        await send(api, "restoreCouncil", "council { id }", id="cou_dev"),
        await send(api, "registerAgent", "agent { id }", councilId="cou_dev", agent={"name": "x"}),
        await send(api, "retireAgent", "agent { id }", id="agt_dev2"),
        await send(
            api,
            "registerEndpoint",
            "endpoint { id status }",
            name="gpu",
            url="http://gpu:8000/v1",
            apiKeyVariable="COUNCIL_KEY_GPU",
        ),
        await send(api, "removeEndpoint", "endpoint { id name }", id="end_2"),
    ]

    assert sent == [
        {"council": {"id": "cou_dev"}, "errors": []},
        {"council": {"id": "cou_dev"}, "errors": []},
        {"agent": {"id": "agt_dev1"}, "errors": []},
        {"agent": {"id": "agt_dev2"}, "errors": []},
        {"endpoint": {"id": "end_1", "status": "UNKNOWN"}, "errors": []},
        {"endpoint": {"id": "end_2", "name": "old"}, "errors": []},
    ]
    assert [call for call in house.registry.calls if not str(call[0]).endswith("_by_id")] == [
        ("archive_council", "cou_dev", 3),
        ("restore_council", "cou_dev"),
        ("register_agent", "cou_dev", AgentDraft(name="x"), None),
        ("retire_agent", "agt_dev2"),
        ("register_endpoint", "gpu", "http://gpu:8000/v1", "COUNCIL_KEY_GPU", None),
        ("remove_endpoint", "end_2"),
    ]


async def test_deliberation_is_accepted_and_shown(api: Api, house: House) -> None:
    house.state.rehearsal = True
    payload = await send(
        api,
        "deliberate",
        "deliberation { id status waitingFor task { description } createdBy }",
        council={"role": "DEV"},
        task={
            "description": "Write a cache.",
            "context": "c",
            "rubric": "r",
            "requirements": ["a", "b"],
            "externalId": "JIRA-1",
            "metadata": [1.5],
        },
        protocol="PEER_REVIEW",
        rounds=2,
        decision="BALLOTS",
        priority="HIGH",
        deadlineSeconds=60,
        tokenBudget=2**40,
        idempotencyKey="k",
    )

    order = house.office.calls[0][1]
    assert isinstance(order, Order)
    assert payload == {
        "deliberation": {
            "id": order.deliberation,
            "status": "QUEUED",
            "waitingFor": "no process has had room for it yet, or another transaction of the graph locks it",
            "task": {"description": "Write a cache."},
            "createdBy": None,
        },
        "errors": [],
    }
    assert order.council == CouncilByRole(role="DEV")
    assert order.rounds == 2
    assert order.priority is Priority.HIGH
    assert order.deadline == timedelta(seconds=60)
    assert order.token_budget == 2**40
    assert order.rehearsal
    assert order.task.requirements == ("a", "b")
    assert order.task.metadata == "[1.5]"
    assert order.idempotency is not None
    assert order.idempotency.key == "anonymous/deliberate/k"


@pytest.mark.parametrize(
    ("asked", "read"),
    [
        ("deliberation { __typename id }", False),
        ("... on DeliberationPayload { deliberation { same: id } }", False),
        ("__typename", False),
        ("deliberation { id } again: deliberation { status }", True),
        ("deliberation { ... on Node { id ... on Deliberation { status } } }", True),
    ],
)
async def test_deliberation_is_read_only_where_more_than_its_id_is_asked_for(
    api: Api, house: House, *, asked: str, read: bool
) -> None:
    payload = await send(
        api, "deliberate", asked, council={"role": "DEV"}, task={"description": "x"}
    )
    assert payload["errors"] == []
    assert ("deliberations_by_id" in house.archive.names) is read


async def test_deliberation_can_name_a_council_by_its_id(api: Api, house: House) -> None:
    await send(
        api,
        "deliberate",
        "deliberation { id }",
        council={"id": "cou_qa"},
        task={"description": "x"},
    )

    order = house.office.calls[0][1]
    assert isinstance(order, Order)
    assert order.council == CouncilById(id="cou_qa")
    assert order.priority is Priority.NORMAL
    assert order.deadline is None
    assert order.token_budget is None
    assert order.idempotency is None


async def test_all_mistakes_of_an_input_come_together_and_nothing_is_asked(
    api: Api, house: House
) -> None:
    found = await paths(
        api,
        "createCouncil",
        role=" ",
        name="a\nb",
        agents=[
            {"name": "ann", "temperature": -1, "maxTokens": 0, "persona": ""},
            {"name": "ann", "metadata": "x" * 10_001, "endpoint": "\ud800"},
        ],
        rounds=1000,
        quorum=3,
        idempotencyKey="\0",
    )

    assert sorted(found) == [
        "agents.0.maxTokens",
        "agents.0.persona",
        "agents.0.temperature",
        "agents.1.endpoint",
        "agents.1.metadata",
        "agents.1.name",
        "idempotencyKey",
        "name",
        "quorum",
        "role",
        "rounds",
    ]
    assert house.registry.calls == []


async def test_deliberation_is_cancelled_with_the_reason_that_was_given(
    api: Api, house: House
) -> None:
    house.archive.keep(a_deliberation("dlb_1"))

    payload = await send(
        api,
        "cancelDeliberation",
        "deliberation { id status failure }",
        id="dlb_1",
        reason="the wrong council",
    )
    await send(api, "cancelDeliberation", "deliberation { id }", id="dlb_1")

    assert payload == {
        "deliberation": {"id": "dlb_1", "status": "CANCELLED", "failure": "the wrong council"},
        "errors": [],
    }
    assert house.office.calls == [
        ("cancel", "dlb_1", "the wrong council"),
        ("cancel", "dlb_1", None),
    ]


async def test_deliberation_is_retried_once_a_key_and_both_are_shown(
    api: Api, house: House
) -> None:
    house.archive.keep(a_deliberation("dlb_1", status=Status.FAILED))
    house.state.rehearsal = True

    payload = await send(
        api,
        "retryDeliberation",
        "deliberation { id retryOf { id retries { id } } retries { id } task { id } }",
        id="dlb_1",
        idempotencyKey="k",
    )

    [(name, order)] = house.office.calls
    assert (name, isinstance(order, Retry)) == ("retry", True)
    assert isinstance(order, Retry)
    assert (order.of, order.rehearsal, order.created_by) == ("dlb_1", True, None)
    assert order.idempotency is not None
    assert order.idempotency.key == "anonymous/retryDeliberation/k"
    assert payload == {
        "deliberation": {
            "id": order.deliberation,
            "retryOf": {"id": "dlb_1", "retries": [{"id": order.deliberation}]},
            "retries": [],
            "task": {"id": "tsk_1"},
        },
        "errors": [],
    }


MISTAKES: list[tuple[str, dict[str, Any], list[str]]] = [
    ("createRole", {"name": ""}, ["name"]),
    ("createRole", {"name": "x" * 201}, ["name"]),
    ("createRole", {"name": "X", "description": "\0"}, ["description"]),
    ("createCouncil", {"role": "DEV"}, ["agents"]),
    ("createCouncil", {"role": "DEV", "agents": []}, ["agents"]),
    ("createCouncil", {"role": "DEV", "agents": [{}] * 16}, ["agents"]),
    ("createCouncil", {"role": "DEV", "agents": [{}], "seats": 1}, ["seats"]),
    ("createCouncil", {"role": "DEV", "seats": 0}, ["seats"]),
    ("createCouncil", {"role": "DEV", "seats": 16}, ["seats"]),
    ("createCouncil", {"role": "DEV", "seats": 3, "quorum": 4}, ["quorum"]),
    ("createCouncil", {"role": "DEV", "seats": 3, "quorum": 0}, ["quorum"]),
    ("createCouncil", {"role": "DEV", "seats": 3, "rounds": -1}, ["rounds"]),
    ("updateCouncil", {"id": "cou_dev", "name": None, "rounds": None}, ["name", "rounds"]),
    ("updateCouncil", {"id": "agt_dev1"}, ["id"]),
    ("updateCouncil", {"id": "cou_\ud800"}, ["id"]),
    ("archiveCouncil", {"id": ""}, ["id"]),
    ("restoreCouncil", {"id": "x" * 100_000}, ["id"]),
    ("registerAgent", {"councilId": "x", "agent": {"name": " a"}}, ["councilId", "agent.name"]),
    (
        "updateAgent",
        {"id": "agt_dev1", "temperature": None, "maxTokens": None, "model": None},
        ["temperature", "maxTokens", "model"],
    ),
    (
        "updateAgent",
        {"id": "agt_dev1", "persona": " ", "endpoint": ""},
        ["persona", "endpoint"],
    ),
    ("registerAgent", {"councilId": "cou_dev", "agent": {"model": "rehearsal"}}, ["agent.model"]),
    ("updateAgent", {"id": "agt_dev1", "model": "rehearsal"}, ["model"]),
    ("retireAgent", {"id": "agt_dev1'"}, ["id"]),
    ("registerEndpoint", {"name": "default", "url": "http://x"}, ["name"]),
    ("registerEndpoint", {"name": "rehearsal", "url": "http://x"}, ["name"]),
    ("registerEndpoint", {"name": "x", "url": "file:///etc/passwd"}, ["url"]),
    ("registerEndpoint", {"name": "x", "url": "http://169.254.169.254/"}, ["url"]),
    (
        "registerEndpoint",
        {"name": "x", "url": "http://x", "apiKeyVariable": "NEO4J_PASSWORD"},
        ["apiKeyVariable"],
    ),
    (
        "registerEndpoint",
        {"name": "x", "url": "http://x", "apiKeyVariable": "COUNCIL_KEY_X\n"},
        ["apiKeyVariable"],
    ),
    ("updateEndpoint", {"id": "end_1", "url": None}, ["url"]),
    (
        "updateEndpoint",
        {"id": "end_1", "url": "ftp://x", "apiKeyVariable": ""},
        ["url", "apiKeyVariable"],
    ),
    ("removeEndpoint", {"id": "end_"}, ["id"]),
    ("cancelDeliberation", {"id": "cou_dev", "reason": ""}, ["id", "reason"]),
    ("retryDeliberation", {"id": "", "idempotencyKey": ""}, ["id", "idempotencyKey"]),
    ("cancelDeliberation", {"id": "dlb_", "reason": "x" * 2_001}, ["id", "reason"]),
    (
        "deliberate",
        {"council": {"role": ""}, "task": {"description": " \n"}},
        ["council.role", "task.description"],
    ),
    (
        "deliberate",
        {
            "council": {"id": "dlb_1"},
            "task": {"description": "x" * 1_000_000, "requirements": ["a", ""]},
            "rounds": 11,
            "deadlineSeconds": 0,
            "tokenBudget": 0,
        },
        [
            "council.id",
            "task.requirements.1",
            "task.description",
            "rounds",
            "deadlineSeconds",
            "tokenBudget",
        ],
    ),
    (
        "deliberate",
        {
            "council": {"role": "DEV"},
            "task": {
                "description": "a\0b",
                "requirements": ["a"] * 51,
                "externalId": "",
                "rubric": "\udfff",
                "context": "",
            },
            "deadlineSeconds": -5,
        },
        [
            "task.requirements",
            "task.description",
            "task.context",
            "task.rubric",
            "task.externalId",
            "deadlineSeconds",
        ],
    ),
]


@pytest.mark.parametrize(("mutation", "input", "expected"), MISTAKES)
async def test_mistake_names_its_field(
    api: Api, house: House, mutation: str, input: dict[str, Any], expected: list[str]
) -> None:
    found = await paths(api, mutation, **input)

    assert found == expected
    assert house.registry.calls == []
    assert house.office.calls == []


async def test_infinite_temperature_in_the_document_is_a_mistake(api: Api) -> None:
    data = await api.ask(
        """mutation { updateAgent(input: {id: "agt_dev1", temperature: 1e999, metadata: {a: [1e999]}})
             { errors { path } } }"""
    )

    assert data["updateAgent"] == {"errors": [{"path": ["temperature"]}, {"path": ["metadata"]}]}


async def test_metadata_that_is_nested_too_deeply_is_a_mistake(api: Api) -> None:
    deep: list[Any] = []
    for _ in range(20):
        deep = [deep]

    found = await paths(api, "updateAgent", id="agt_dev1", metadata=deep)

    assert found == ["metadata"]


async def test_what_a_port_refuses_is_shown_as_what_it_is(api: Api, house: House) -> None:
    house.registry.errors["create_council"] = RefusedError(
        InvalidInput(message="a", path=("name",)),
        NotFound(message="b", path=("role",), sought="OPS"),
        Conflict(message="c", path=("role",), existing="cou_qa"),
        Conflict(message="d", path=()),
    )

    payload = await send(api, "createCouncil", "council { id }", role="OPS", seats=3)

    assert payload["council"] is None
    assert payload["errors"] == [
        {"__typename": "InvalidInput", "message": "a", "code": "INVALID_INPUT", "path": ["name"]},
        {
            "__typename": "NotFound",
            "message": "b",
            "code": "NOT_FOUND",
            "path": ["role"],
            "sought": "OPS",
        },
        {
            "__typename": "Conflict",
            "message": "c",
            "code": "CONFLICT",
            "path": ["role"],
            "existing": {"__typename": "Council", "id": "cou_qa"},
        },
        {
            "__typename": "Conflict",
            "message": "d",
            "code": "CONFLICT",
            "path": [],
            "existing": None,
        },
    ]


REFUSED: dict[str, dict[str, Any]] = {
    "createRole": {"name": "OPS"},
    "createCouncil": {"role": "OPS", "seats": 3},
    "updateCouncil": {"id": "cou_dev"},
    "archiveCouncil": {"id": "cou_dev"},
    "restoreCouncil": {"id": "cou_dev"},
    "registerAgent": {"councilId": "cou_dev", "agent": {}},
    "updateAgent": {"id": "agt_dev1"},
    "retireAgent": {"id": "agt_dev1"},
    "registerEndpoint": {"name": "x", "url": "http://x"},
    "updateEndpoint": {"id": "end_1"},
    "removeEndpoint": {"id": "end_1"},
    "deliberate": {"council": {"role": "DEV"}, "task": {"description": "x"}},
    "cancelDeliberation": {"id": "dlb_1"},
    "retryDeliberation": {"id": "dlb_1"},
}


def snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


@pytest.mark.parametrize("mutation", REFUSED)
async def test_every_mutation_tells_what_its_port_refuses(
    api: Api, house: House, mutation: str
) -> None:
    refused = RefusedError(Conflict(message="no", path=("x",)))
    house.registry.errors[snake(mutation)] = refused
    house.office.errors |= dict.fromkeys(("accept", "cancel", "retry"), refused)

    payload = await send(api, mutation, "__typename", **REFUSED[mutation])

    assert [error["message"] for error in payload["errors"]] == ["no"]


@pytest.mark.parametrize("mutation", REFUSED)
async def test_nothing_is_written_before_the_service_is_ready(
    api: Api, house: House, mutation: str
) -> None:
    house.state.waiting_for = "migrations"
    kind = f"{mutation[0].upper()}{mutation[1:]}Input"

    error = await api.fail(
        f"mutation ($input: {kind}!) {{ {mutation}(input: $input) {{ __typename }} }}",
        {"input": REFUSED[mutation]},
    )

    assert error["extensions"]["code"] == "UNAVAILABLE"
    assert error["message"] == "the service is not ready; it waits for migrations"
    assert house.registry.calls == house.office.calls == []


async def test_second_mutation_of_a_document_does_not_see_what_the_first_had_read(
    api: Api, house: House
) -> None:
    house.registry.loose_roles["rol_x"] = Role(id="rol_x", name="X")

    await api.ask(
        """mutation {
             a: archiveCouncil(input: {id: "cou_dev"}) { council { id role { council { id } } } }
             b: restoreCouncil(input: {id: "cou_dev"}) { council { id } } }"""
    )

    assert house.registry.names == [
        "archive_council",
        "councils_by_id",
        "restore_council",
        "councils_by_id",
    ]


async def test_graph_that_is_away_is_an_error_and_not_a_mistake(api: Api, house: House) -> None:
    house.office.errors["accept"] = UnavailableError("Neo4j cannot be reached")

    answer = await api.send(
        'mutation { deliberate(input: {council: {role: "DEV"}, task: {description: "x"}}) { errors { code } } }'
    )

    assert answer["data"] == {"deliberate": None}
    assert answer["errors"][0]["extensions"]["code"] == "UNAVAILABLE"


async def test_hostile_text_in_an_answer_is_still_json(api: Api) -> None:
    response = await api.client.post(
        "/graphql",
        content=json.dumps(
            {
                "query": "mutation ($i: ID!) { retireAgent(input: {id: $i}) { errors { message ... on NotFound { sought } } } }",
                "variables": {"i": "agt_\x1b[31m\u202e\x7f"},
            }
        ),
        headers={"content-type": "application/json"},
    )

    [error] = response.json()["data"]["retireAgent"]["errors"]
    assert error["sought"] == "agt_\x1b[31m\u202e\x7f"
    assert "\x1b" not in error["message"]
