"""Top-level errors: codes, paths and ids, and nothing from inside."""

from __future__ import annotations

import json
from typing import Any

import pytest
from strawberry.types import ExecutionResult
from structlog.testing import capture_logs

from graphql import GraphQLError
from orchestrator.api.context import Context
from orchestrator.api.errors import coded
from orchestrator.api.schema import SCHEMA
from orchestrator.domain.errors import (
    Conflict,
    NotFound,
    RefusedError,
    TookTooLongError,
    TooSlowError,
    UnansweredError,
    UnavailableError,
    UnreadableError,
)
from orchestrator.domain.limits import NAME
from orchestrator.domain.pages import LARGEST_PAGE
from orchestrator.domain.values import replace
from tests.support.samples import ANYBODY, a_council, a_deliberation, play
from tests.unit.api.conftest import Api
from tests.unit.api.doubles import House

BAD_ARGUMENTS = [
    ("councils(first: -1)", ["first"]),
    ("councils(first: 100000)", ["first"]),
    ("councils(last: 101)", ["last"]),
    ("agents(first: 1, last: 1)", ["last"]),
    ('agents(last: 1, after: "YWd0XzE")', ["last"]),
    ('tasks(after: "nonsense")', ["after"]),
    ('tasks(before: "")', ["before"]),
    ('deliberations(after: "Y291X2Rldg")', ["after"]),  # a council's
    ('deliberations(after: "ZGxiXzE=")', ["after"]),  # not as it was given out
    ('deliberations(after: "ZGxiXzE\\u0000")', ["after"]),
    ('deliberations(filter: {role: ""})', ["filter", "role"]),
    ('deliberations(filter: {councilId: "\\u0000"})', ["filter", "councilId"]),
    ('deliberations(filter: {councilId: "dlb_1"})', ["filter", "councilId"]),
    (f'deliberations(filter: {{councilId: "cou_{"1" * 201}"}})', ["filter", "councilId"]),
    ('deliberations(filter: {externalId: " x"})', ["filter", "externalId"]),
    ('councils(filter: {nameContains: "\\u0000"})', ["filter", "nameContains"]),
    (f'councils(filter: {{nameContains: "{"n" * (NAME + 1)}"}})', ["filter", "nameContains"]),
    ('councils(filter: {role: "a\\nb"})', ["filter", "role"]),
    ('tasks(filter: {externalId: ""})', ["filter", "externalId"]),
]


@pytest.mark.parametrize(("field", "path"), BAD_ARGUMENTS)
async def test_wrong_argument_of_a_list_is_named(
    api: Api, house: House, field: str, path: list[str]
) -> None:
    error = await api.fail(f"{{ {field} {{ totalCount }} }}")

    assert error["extensions"]["code"] == "INVALID_INPUT"
    assert error["extensions"]["path"] == path
    assert house.registry.calls == house.archive.calls == []


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ("first: 101", ["first"]),
        ('after: "ZGxiXzE"', ["after"]),
        ('before: "LTE"', ["before"]),  # -1
        ('before: "2aE"', ["before"]),  # an Arabic one
    ],
)
async def test_wrong_argument_of_the_turns_is_named(
    api: Api, house: House, arguments: str, path: list[str]
) -> None:
    house.archive.keep(a_deliberation())

    error = await api.fail(
        f'{{ deliberation(id: "dlb_1") {{ turns({arguments}) {{ totalCount }} }} }}'
    )

    assert error["extensions"]["path"] == path


@pytest.mark.parametrize(
    ("field", "path"),
    [
        ("node(id: $text) { id }", ["id"]),
        ("nodes(ids: [$text]) { id }", ["ids", "0"]),
        ("role(name: $text) { id }", ["name"]),
        ("council(by: {role: $text}) { id }", ["by", "role"]),
        ("council(by: {id: $text}) { id }", ["by", "id"]),
        ("agent(by: {name: $text}) { id }", ["by", "name"]),
        ("agent(by: {id: $text}) { id }", ["by", "id"]),
        ("task(id: $text) { id }", ["id"]),
        ("deliberation(id: $text) { id }", ["id"]),
    ],
)
@pytest.mark.parametrize("text", ["\0", "x\ud800"])
async def test_text_that_cannot_be_stored_reaches_no_port(
    api: Api, house: House, field: str, path: list[str], text: str
) -> None:
    kind = "ID" if "id" in path[-1] or "ids" in path else "String"

    error = await api.fail(f"query ($text: {kind}!) {{ {field} }}", {"text": text})

    assert error["extensions"]["code"] == "INVALID_INPUT"
    assert error["extensions"]["path"] == path
    assert house.registry.calls == house.archive.calls == []


async def test_too_many_ids_are_refused(api: Api) -> None:
    error = await api.fail(
        "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ["x"] * (LARGEST_PAGE + 1)}
    )

    assert error["extensions"]["path"] == ["ids"]


async def test_value_of_a_wrong_type_is_told_by_its_place_in_the_variables(api: Api) -> None:
    error = await api.fail(
        "mutation ($input: UpdateAgentInput!) { updateAgent(input: $input) { errors { code } } }",
        {"input": {"id": "agt_dev1", "temperature": "hot"}},
    )

    assert error["extensions"]["code"] == "INVALID_INPUT"
    assert error["extensions"]["path"] == ["input", "temperature"]


COUNCIL = "query ($by: CouncilBy!) { council(by: $by) { id } }"
DELIBERATE = "mutation ($input: DeliberateInput!) { deliberate(input: $input) { errors { code } } }"
TASK = {"description": "x"}


@pytest.mark.parametrize(
    ("document", "column"),
    [
        ("{ council(by: {}) { id } }", 15),
        ('{ council(by: {id: "cou_dev", role: "DEV"}) { id } }', 15),
        ("{ council(by: {role: null}) { id } }", 15),
        ("{ agent(by: {}) { id } }", 13),
        ("query ($role: String) { council(by: {role: $role}) { id } }", 37),
        (
            'mutation { deliberate(input: {task: {description: "x"}, council: {id: "cou_dev", role: "DEV"}}) { errors { code } } }',
            66,
        ),
    ],
)
async def test_input_of_which_one_key_is_wanted_is_told_by_its_place_in_the_document(
    api: Api, house: House, document: str, column: int
) -> None:
    error = await api.fail(document)

    assert error["extensions"]["code"] == "INVALID_INPUT"
    assert error["locations"] == [{"line": 1, "column": column}]
    assert house.registry.calls == house.archive.calls == []


@pytest.mark.parametrize(
    ("document", "variables", "path"),
    [
        (COUNCIL, {"by": {}}, ["by"]),
        (COUNCIL, {"by": {"id": "cou_dev", "role": "DEV"}}, ["by"]),
        (COUNCIL, {"by": {"role": None}}, ["by", "role"]),
        (DELIBERATE, {"input": {"council": {}, "task": TASK}}, ["input", "council"]),
    ],
)
async def test_input_of_which_one_key_is_wanted_is_told_by_its_place_in_the_variables(
    api: Api, document: str, variables: dict[str, Any], path: list[str]
) -> None:
    error = await api.fail(document, variables)

    assert error["extensions"]["code"] == "INVALID_INPUT"
    assert error["extensions"]["path"] == path


@pytest.mark.parametrize(
    "moment",
    ["2026-01-31", "2026-01-31T12:00:00", "20260131T120000Z", "2026-02-30T12:00:00Z", "yesterday"],
)
async def test_moment_without_an_offset_or_that_does_not_exist_is_refused(
    api: Api, moment: str
) -> None:
    error = await api.fail(
        "query ($at: DateTime!) { deliberations(filter: {acceptedSince: $at}) { totalCount } }",
        {"at": moment},
    )

    assert error["extensions"]["code"] == "INVALID_INPUT"
    assert "DateTime" in error["message"]


@pytest.mark.parametrize(
    ("document", "column"),
    [
        ('{ deliberations(filter: {acceptedSince: "yesterday"}) { totalCount } }', 41),
        ("{ deliberations(filter: {acceptedBefore: 2026}) { totalCount } }", 42),
        (
            'query ($at: DateTime = "2026-02-30T12:00:00Z") { deliberations(filter: {acceptedSince: $at}) { totalCount } }',
            24,
        ),
        (
            'mutation { deliberate(input: {tokenBudget: 1.5, council: {role: "DEV"}, task: {description: "x"}}) { errors { code } } }',
            44,
        ),
    ],
)
async def test_moment_or_count_in_the_document_that_is_none_is_told_by_its_place(
    api: Api, document: str, column: int
) -> None:
    error = await api.fail(document)

    assert error["extensions"]["code"] == "INVALID_INPUT"
    assert error["locations"] == [{"line": 1, "column": column}]


DIGITS = "9" * 5000


@pytest.mark.parametrize(
    "document",
    [
        f"{{ councils(first: {DIGITS}) {{ totalCount }} }}",
        f"query ($first: Int = {DIGITS}) {{ councils(first: $first) {{ totalCount }} }}",
        f'mutation {{ createCouncil(input: {{role: "X", seats: {DIGITS}}}) {{ errors {{ code }} }} }}',
    ],
)
async def test_number_that_cannot_be_read_is_a_mistake_of_the_document(
    api: Api, house: House, document: str
) -> None:
    with capture_logs() as logs:
        error = await api.fail(document)

    assert error["extensions"]["code"] == "INVALID_INPUT"
    assert len(error["message"]) < 200
    assert DIGITS[:40] not in str(logs)
    assert house.registry.calls == []


@pytest.mark.parametrize(
    ("document", "shown"),
    [
        ("query A { service { version } } query B { service { ready } }", "A, B"),
        (
            "query A { service { version } } subscription B { deliberationEvents(id: 1) { at } }",
            "B",
        ),
        (
            " ".join(f"query Q{i} {{ service {{ version }} }}" for i in range(20)),
            "Q0, Q1, Q2, Q3, Q4, Q5, Q6, Q7, …",
        ),
    ],
)
async def test_document_of_several_operations_says_which_is_meant(
    api: Api, document: str, shown: str
) -> None:
    error = await api.fail(document)
    named = await api.client.post(
        "/graphql", json={"query": document, "operationName": document.split()[1]}
    )

    assert error["extensions"]["code"] == "INVALID_INPUT"
    assert shown in error["message"]
    assert named.json()["data"] == {"service": {"version": "1.2.3"}}


LONG = "a" * 10_000


@pytest.mark.parametrize(
    ("document", "variables", "code", "path", "field", "count"),
    [
        ("{ colour }", {}, "INVALID_INPUT", "", "", 1),
        (
            "query ($id: ID!) { council(by: {id: $id}) { id } }",
            {"id": "hunter2\0"},
            *("INVALID_INPUT", "by.id", "council", 1),
        ),
        (
            "query ($first: Int) { councils(first: $first) { totalCount } }",
            {"first": "hunter2"},
            *("INVALID_INPUT", "first", "", 1),
        ),
        (
            "{ roles { " + "council { role { " * 20 + "name" + " } }" * 20 + " } }",
            {},
            "LIMIT",
            "",
            "",
            1,
        ),
        # However many there are.
        (
            "{ "
            + " ".join(f"a{place}: councils(first: -1) {{ totalCount }}" for place in range(50))
            + " }",
            {},
            *("INVALID_INPUT", "first", "a0", 50),
        ),
        (
            f"{{ {LONG}: councils(first: -1) {{ totalCount }} }}",
            {},
            *("INVALID_INPUT", "first", LONG[:200], 1),
        ),
    ],
)
async def test_mistake_of_a_caller_is_one_line_under_the_id_and_has_nothing_that_was_sent(  # noqa: PLR0917 - parameters
    api: Api, document: str, variables: dict[str, Any], code: str, path: str, field: str, count: int
) -> None:
    with capture_logs() as logs:
        answer = await api.send(document, variables)

    assert logs == [
        {
            "event": "operation_refused",
            "log_level": "info",
            "correlation_id": answer["errors"][0]["extensions"]["correlationId"],
            "code": code,
            "path": path,
            "field": field,
            "errors": count,
        }
    ]


JSON = {"content-type": "application/json"}
MUTATION = 'mutation { removeEndpoint(input: { id: "end_1" }) { errors { code } } }'


@pytest.mark.parametrize(
    ("method", "path", "sent", "status"),
    [
        ("DELETE", "/graphql", {}, 405),
        ("GET", "/elsewhere", {}, 404),
        ("POST", "/graphql", {"content": "{}", "headers": {"content-type": "text/plain"}}, 415),
        ("POST", "/graphql", {"content": "{", "headers": JSON}, 400),
        ("POST", "/graphql", {"json": []}, 400),
        ("POST", "/graphql", {"json": {"query": 1}}, 400),
        ("GET", "/graphql", {"params": {"query": MUTATION}}, 400),
    ],
)
async def test_request_that_is_no_operation_is_one_line_under_the_id_that_is_told(
    api: Api, method: str, path: str, sent: dict[str, Any], status: int
) -> None:
    with capture_logs() as logs:
        response = await api.client.request(method, path, **sent)

    assert response.status_code == status
    told = response.json()["errors"][0]["extensions"]
    assert logs == [
        {
            "event": "request_refused",
            "log_level": "info",
            "status": status,
            "code": told["code"],
            "correlation_id": told["correlationId"],
        }
    ]


async def test_unknown_field_is_told(api: Api) -> None:
    error = await api.fail("{ colour }")

    assert error["message"] == "Cannot query field 'colour' on type 'Query'."
    assert error["extensions"]["code"] == "INVALID_INPUT"


async def test_fault_of_the_service_is_logged_by_its_id_and_not_shown(
    api: Api, house: House
) -> None:
    house.registry.errors["roles"] = RuntimeError("password is hunter2")

    with capture_logs() as logs:
        answer = await api.send("{ roles { name } service { version } }")

    [error] = answer["errors"]
    assert answer["data"] == {"roles": None, "service": {"version": "1.2.3"}}
    assert "hunter2" not in json.dumps(answer)
    assert error["extensions"]["code"] == "INTERNAL"
    [line] = logs
    assert line["event"] == "operation_failed"
    assert line["field"] == "roles"
    assert line["correlation_id"] == error["extensions"]["correlationId"]
    assert line["exc_info"] is house.registry.errors["roles"]


BOTH_WAYS = pytest.mark.parametrize(
    # What is of the schema is walked.
    "also",
    ["", "__schema { queryType { name } }"],
    ids=["by plan", "walked"],
)


@BOTH_WAYS
@pytest.mark.parametrize(
    ("damage", "asked", "path"),
    [
        ({"rounds": 2**40 + 7}, "rounds", ["council", "rounds"]),
        ({"name": {"secret": 1099511627783}}, "name", ["council", "name"]),
        ({"protocol": "1099511627783"}, "protocol", ["council", "protocol"]),
    ],
)
async def test_stored_value_that_has_no_form_in_the_answer_is_a_fault_and_not_shown(  # noqa: PLR0917 - parameters
    api: Api, house: House, also: str, damage: dict[str, Any], asked: str, path: list[str]
) -> None:
    house.registry.add(replace(a_council("dev"), **damage))

    with capture_logs() as logs:
        error = await api.fail(f'{{ {also} council(by: {{role: "DEV"}}) {{ {asked} }} }}')

    assert (error["extensions"]["code"], error["path"]) == ("INTERNAL", path)
    assert "1099511627783" not in json.dumps(error)
    [line] = logs
    assert (line["event"], line["field"]) == ("operation_failed", ".".join(path))
    assert line["correlation_id"] == error["extensions"]["correlationId"]


async def test_argument_whose_value_is_missing_is_a_mistake_of_the_caller(api: Api) -> None:
    """GraphQL notices it where it carries out the field, not before."""
    document = 'query ($name: String = "DEV") { role(name: $name) { name } }'

    error = await api.fail(document, {"name": None})

    assert (error["extensions"]["code"], error["path"]) == ("INVALID_INPUT", ["role"])
    assert "$name" in error["message"]


def test_of_a_deliberation_that_cannot_be_read_it_is_told_which_it_is() -> None:
    unreadable = UnreadableError("dlb_1")

    with capture_logs() as logs:
        error = coded(GraphQLError("x", original_error=unreadable), "id")

    assert error.message == (
        "dlb_1 is recorded in a form that this version does not know; the service's log has more under the correlation id"
    )
    assert [line["exc_info"] for line in logs] == [unreadable]


async def test_what_is_away_is_logged_once_by_its_id_and_with_the_words_that_are_not_shown(
    api: Api, house: House
) -> None:
    away = UnavailableError("Neo4j cannot do it now: LockClient[7] waits", "at bolt://inside")
    house.registry.errors.update(roles=away, models=away)

    with capture_logs() as logs:
        answer = await api.send("{ roles { name } models { name } service { version } }")

    assert answer["data"] == {"roles": None, "models": None, "service": {"version": "1.2.3"}}
    assert [error["message"] for error in answer["errors"]] == ["Neo4j cannot do it now"] * 2
    assert sorted(error["path"] for error in answer["errors"]) == [["models"], ["roles"]]
    [line] = logs
    assert (line["event"], sorted(line["fields"])) == ("operation_unavailable", ["models", "roles"])
    assert {error["extensions"]["correlationId"] for error in answer["errors"]} == {
        line["correlation_id"]
    }
    assert line["why"] == str(away)


@BOTH_WAYS
async def test_of_several_nodes_those_that_cannot_be_read_say_so_and_the_others_are_answered(
    api: Api, house: House, also: str
) -> None:
    house.archive.keep(a_deliberation())
    house.registry.errors["councils_by_id"] = UnavailableError("Neo4j cannot be reached")
    ids = ["dlb_1", "cou_dev", "agt_dev1", "cou_qa", "cou_none", "x"]

    with capture_logs():
        answer = await api.send(
            f"query ($ids: [ID!]!) {{ {also} nodes(ids: $ids) {{ id }} service {{ version }} }}",
            {"ids": ids},
        )

    assert answer["data"]["service"] == {"version": "1.2.3"}
    assert [node and node["id"] for node in answer["data"]["nodes"]] == [
        *("dlb_1", None, "agt_dev1"),
        *(None, None, None),
    ]
    told = sorted((error["path"], error["extensions"]["code"]) for error in answer["errors"])
    assert told == [(["nodes", place], "UNAVAILABLE") for place in (1, 3, 4)]


async def test_ids_of_two_operations_differ_although_their_document_is_known(api: Api) -> None:
    first, second = await api.fail("{ colour }"), await api.fail("{ colour }")

    assert first["extensions"]["correlationId"] != second["extensions"]["correlationId"]


async def test_fragments_that_contain_each_other_are_refused(api: Api) -> None:
    answer = await api.send(
        "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a service { version } }"
    )

    assert {error["extensions"]["code"] for error in answer["errors"]} == {"INVALID_INPUT"}


@pytest.mark.parametrize(
    ("cause", "code"),
    [
        (TooSlowError(5), "LIMIT"),
        (TookTooLongError(15), "LIMIT"),
        (UnavailableError("x"), "UNAVAILABLE"),
        (UnansweredError("x"), "UNAVAILABLE"),
        (RefusedError(NotFound(message="x", path=(), sought="y")), "NOT_FOUND"),
        (RefusedError(Conflict(message="x", path=())), "CONFLICT"),
        (UnreadableError("dlb_1"), "INTERNAL"),
        (ValueError("x"), "INTERNAL"),
        (None, "INVALID_INPUT"),
    ],
)
def test_code_is_that_of_the_cause(cause: Exception | None, code: str) -> None:
    with capture_logs():
        error = coded(GraphQLError("x", original_error=cause), "id")

    # What may have been carried out is not for clients to send again by themselves.
    more: dict[str, Any] = {"retryAfter": 1} if type(cause) is UnavailableError else {}
    if isinstance(cause, TookTooLongError):
        more = {"limit": {"name": "seconds", "value": 15, "bound": 15}}
    if isinstance(cause, TooSlowError):
        more = {"limit": {"name": "changesWaiting", "value": 6, "bound": 5}}
    assert error.extensions == {"code": code, "path": [], "correlationId": "id", **more}


async def test_council_that_is_missing_is_a_fault_of_the_graph(api: Api, house: House) -> None:
    house.archive.keep(replace(a_deliberation(), council_id="cou_gone"))

    with capture_logs() as logs:
        error = await api.fail('{ deliberation(id: "dlb_1") { council { id } } }')

    assert error["extensions"]["code"] == "INTERNAL"
    assert "cou_gone" in str(logs[0]["exc_info"])


async def test_turn_that_tells_of_one_that_is_missing_is_a_fault_of_the_graph(
    api: Api, house: House
) -> None:
    deliberation, transcript = play(a_deliberation())
    without_first = replace(transcript, turns=transcript.turns[1:], outcome=None)
    house.archive.keep(deliberation, without_first)

    with capture_logs():
        error = await api.fail(
            '{ node(id: "trn_1-c1-s3-t1") { ... on Critique { target { id } } } }'
        )

    assert error["extensions"]["code"] == "INTERNAL"


async def test_turn_without_a_sequence_is_a_fault_of_the_graph(api: Api, house: House) -> None:
    deliberation, transcript = play(a_deliberation(), turns=1)
    unrecorded = tuple(replace(turn, sequence=None) for turn in transcript.turns)
    house.archive.keep(deliberation, replace(transcript, turns=unrecorded))

    with capture_logs():
        error = await api.fail('{ deliberation(id: "dlb_1") { turns { totalCount } } }')

    assert error["extensions"]["code"] == "INTERNAL"


async def test_end_that_stays_without_a_time_is_a_fault_of_the_graph(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.api.following._AGAIN_SECONDS", 0.01)
    deliberation, transcript = play(a_deliberation())
    house.archive.keep(replace(deliberation, finished_at=None), transcript)

    with capture_logs():
        results = await SCHEMA.stream(
            f'subscription {{ deliberationEvents(id: "dlb_1", after: {deliberation.sequence - 1}) {{ at }} }}',
            context_value=Context(house.ports(), ANYBODY),
        )
        result = await anext(results)

    assert isinstance(result, ExecutionResult)
    assert result.errors is not None
    assert result.errors[0].extensions is not None
    assert result.errors[0].extensions["code"] == "INTERNAL"


async def test_a_value_however_long_is_not_sent_back_whole(api: Api) -> None:
    document = 'mutation ($p: Protocol) { createCouncil(input: {role: "DEV", protocol: $p, agents: []}) { errors { code } } }'
    error = await api.fail(document, {"p": "A" * 1_100_000})

    assert error["extensions"]["code"] == "INVALID_INPUT"
    assert error["extensions"]["path"] == ["p"]
    assert error["message"].startswith("Variable '$p' has invalid value")
    assert error["message"].endswith("does not exist in 'Protocol' enum.")
    assert len(error["message"]) < 500
