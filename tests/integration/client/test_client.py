"""The client against a real socket, with documents that the schema judges."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response
from websockets import http11
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.typing import Subprotocol

from graphql import GraphQLError
from orchestrator.client import (
    AnswerError,
    CertificatesError,
    CouncilClient,
    ProxyError,
    QueryError,
    RefusedError,
    UnreachableError,
    models,
)
from orchestrator.client import client as client_module
from tests.support import answers
from tests.support.cutting import Cutting, Dying
from tests.support.ports import free_port
from tests.support.tiny_api import CloseSocket, TinyApi, no_graphql, refusal


@pytest.fixture
async def api() -> AsyncGenerator[TinyApi]:
    async with TinyApi().serve() as api:
        yield api


@pytest.fixture
async def client(api: TinyApi) -> AsyncGenerator[CouncilClient]:
    async with CouncilClient(api.url, patience=30.0) as client:
        yield client


# ---------------------------------------------------------------- queries


async def test_all_pages_of_councils_are_read_one_after_the_other(
    api: TinyApi, client: CouncilClient
) -> None:
    pages = {
        None: answers.page([answers.council(id="cou_3"), answers.council(id="cou_2")], cursor="c2"),
        "c2": answers.page([answers.council(id="cou_1")]),
    }
    api.root = {"councils": _page_after(pages)}

    assert [council.id async for council in client.councils()] == ["cou_3", "cou_2", "cou_1"]


async def test_the_whole_transcript_is_read_over_its_pages(
    api: TinyApi, client: CouncilClient
) -> None:
    recorded = answers.turns()
    pages = {None: answers.page(recorded[:7], cursor="7"), "7": answers.page(recorded[7:])}
    found = answers.deliberation(turns=_page_after(pages))
    api.root = {"deliberation": found}

    transcript = await client.transcript(answers.DELIBERATION)

    assert transcript is not None
    assert [turn.id for turn in transcript.turns] == [turn["id"] for turn in recorded]
    whole = models.Deliberation.model_validate(answers.deliberation())
    assert transcript.deliberation.model_dump(exclude={"turns"}) == whole.model_dump()
    printed = json.loads(transcript.model_dump_json(by_alias=True))
    assert printed["deliberation"] == json.loads(whole.model_dump_json(by_alias=True))
    assert [turn["__typename"] for turn in printed["turns"]] == [
        turn["__typename"] for turn in recorded
    ]


async def test_what_is_not_there_is_none(api: TinyApi, client: CouncilClient) -> None:
    api.root = dict.fromkeys(["deliberation", "council", "agent", "task", "node"])

    assert await client.transcript("dlb_1") is None
    assert await client.council(id="cou_1") is None
    assert await client.agent(name="dev-agent-9") is None
    assert await client.task("tsk_1") is None
    assert await client.node("rol_1") is None


@pytest.mark.parametrize(("id", "name"), [(None, None), ("cou_1", "DEV")], ids=["neither", "both"])
async def test_what_is_asked_for_is_named_in_one_way(
    api: TinyApi, client: CouncilClient, id: str | None, name: str | None
) -> None:
    with pytest.raises(ValueError, match="give either id or role, and not both"):
        await client.council(id=id, role=name)
    with pytest.raises(ValueError, match="give either id or name, and not both"):
        await client.agent(id=id, name=name)
    with pytest.raises(ValueError, match="give either council or role, and not both"):
        await client.deliberate(models.TaskInput(description="Why?"), council=id, role=name)

    assert api.asked == []


async def test_a_client_that_was_closed_asks_for_nothing_more(api: TinyApi) -> None:
    async with CouncilClient(api.url) as client:
        pass

    with pytest.raises(RuntimeError, match="closed"):
        await client.service()


async def test_the_token_travels_with_queries_and_with_subscriptions(api: TinyApi) -> None:
    api.root = {"roles": [], "council": None}
    api.events = _events(answers.ended(1))

    async with CouncilClient(api.url, token="secret") as client:
        await client.council(role="DEV")
        _ = [event async for event in client.events("dlb_1")]

    assert api.authorizations == ["Bearer secret"]
    assert api.greeted == [{"Authorization": "Bearer secret"}]


@pytest.mark.parametrize("token", ["geheim\n", "geheim ", "gehéim"])
def test_a_token_that_cannot_be_sent_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(ValueError, match="must be visible ASCII") as refused:
        CouncilClient("http://127.0.0.1:8080", token=token)

    assert "geh" not in str(refused.value)


async def test_an_address_may_end_with_the_path_of_the_api(api: TinyApi) -> None:
    api.root = {"council": answers.council()}
    async with CouncilClient(f"{api.url}/graphql/") as client:
        assert await client.council(role="DEV") is not None


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host",
        "host:8080",
        "",
        "http://",
        "http://h:abc",
        "http://h:65536",
        "http://[::1",
        "http://h?a=b",
        "http://h/#a",
        f"http://h/{'a' * 70_000}",
    ],
)
def test_an_address_that_is_none_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(ValueError, match="is no address"):
        CouncilClient(url)


@pytest.mark.parametrize("url", ["ftp://me:hunter2@host", "http://me:hunter2@host:abc"])
def test_of_an_address_that_is_none_the_password_is_not_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="is no address") as refused:
        CouncilClient(url)

    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("times", [1, 2])
async def test_what_may_be_asked_for_again_soon_is_asked_for_once_more(
    api: TinyApi, client: CouncilClient, times: int
) -> None:
    told: answers.Json = {
        "message": "it ends",
        "extensions": {"code": "UNAVAILABLE", "path": [], "correlationId": "c", "retryAfter": 0.01},
    }
    api.instead = [JSONResponse({"errors": [told]}, status_code=503) for _ in range(times)]
    api.root = {"council": None}

    if times == 1:
        assert await client.council(role="DEV") is None
    else:
        with pytest.raises(QueryError) as caught:
            await client.council(role="DEV")
        assert (caught.value.unavailable, caught.value.retry_after) == (True, 0.01)
    assert len(api.asked) == 2


async def test_what_may_have_been_carried_out_is_not_sent_again_and_says_so(
    api: TinyApi, client: CouncilClient
) -> None:
    told: answers.Json = {
        "message": "it may have been carried out all the same",
        "extensions": {"code": "UNAVAILABLE", "path": [], "correlationId": "c"},
    }
    api.instead = [JSONResponse({"errors": [told], "data": None})]

    with pytest.raises(QueryError) as caught:
        await client.cancel(answers.DELIBERATION)

    assert (caught.value.sent, caught.value.retry_after) == (True, None)
    assert len(api.asked) == 1


async def test_what_a_newer_service_says_of_an_agent_is_passed_on(
    api: TinyApi, client: CouncilClient
) -> None:
    asleep = answers.seated_agent(1, status="ASLEEP", mood="good")
    api.instead = [JSONResponse({"data": {"agent": asleep}})]

    agent = await client.agent(name="dev-agent-1")

    assert agent is not None
    assert agent.status == "ASLEEP"


async def test_no_more_is_asked_for_than_is_wanted(api: TinyApi, client: CouncilClient) -> None:
    newest = [answers.deliberation(id=f"dlb_{number}") for number in (9, 8)]
    api.root = {"deliberations": _always(answers.page(newest, cursor="c"))}

    found = client.deliberations(
        council="cou_1", statuses=[models.DeliberationStatus.DECIDED], at_most=2
    )

    assert [one.id async for one in found] == ["dlb_9", "dlb_8"]
    assert [asked["variables"] for asked in api.asked] == [
        {"first": 2, "after": None, "filter": {"statuses": ["DECIDED"], "councilId": "cou_1"}}
    ]


async def test_a_page_of_which_all_is_gone_is_gone_beyond(
    api: TinyApi, client: CouncilClient
) -> None:
    pages = {
        None: answers.page([], cursor="c"),
        "c": answers.page([answers.deliberation(id="dlb_1")]),
    }
    api.root = {"deliberations": _page_after(pages)}

    assert [one.id async for one in client.deliberations()] == ["dlb_1"]


async def test_a_list_without_a_cursor_to_go_on_from_is_not_begun_anew(
    api: TinyApi, client: CouncilClient
) -> None:
    page = answers.page([]) | {"pageInfo": {"hasNextPage": True, "endCursor": None}}
    api.root = {"deliberations": _always(page)}

    async with asyncio.timeout(5.0):
        assert [one.id async for one in client.deliberations()] == []

    assert len(api.asked) == 1


async def test_what_a_search_finds_is_a_task_or_a_proposal(
    api: TinyApi, client: CouncilClient
) -> None:
    task = {"__typename": "Task", **answers.deliberation()["task"]}
    hits = [
        {"score": 2.0, "highlights": ["a <mark>retry</mark>"], "node": node}
        for node in (task, answers.revision(1, 8))
    ]
    page = {"edges": hits, "pageInfo": {"hasNextPage": False, "endCursor": None}}
    api.root = {"search": _always(page)}

    found = [one async for one in client.search("retry")]

    assert [one.node.id for one in found] == ["tsk_1", answers.turn_id("r", 1)]
    assert isinstance(found[0].node, models.TaskText)
    assert isinstance(found[1].node, models.Proposal)
    assert found[0].highlights == ["a <mark>retry</mark>"]


async def test_the_end_of_a_deliberation_is_waited_for_until_it_comes(
    api: TinyApi, client: CouncilClient
) -> None:
    states = [answers.running(), answers.deliberation()]

    def next_state(*_arguments: object, **_named: object) -> answers.Json:
        return states.pop(0)

    api.root = {"deliberation": next_state}

    ended = await client.ended(answers.DELIBERATION)

    assert ended is not None
    assert ended.status == "DECIDED"
    assert [asked["variables"]["wait"] for asked in api.asked] == [30, 30]


async def test_a_service_that_goes_away_while_an_end_is_waited_for_is_waited_for(
    api: TinyApi, client: CouncilClient
) -> None:
    told: answers.Json = {"message": "it ends", "extensions": {"code": "UNAVAILABLE"}}
    states = [answers.running(), answers.deliberation()]

    def next_state(*_arguments: object, **_named: object) -> answers.Json:
        if len(states) == 2:
            api.instead = [JSONResponse({"errors": [told]}, status_code=503)]
        return states.pop(0)

    api.root = {"deliberation": next_state}

    ended = await client.ended(answers.DELIBERATION)

    assert ended is not None
    assert ended.status == "DECIDED"
    assert len(api.asked) == 3


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_service_in_whose_place_a_gateway_answers_is_waited_for(
    api: TinyApi, client: CouncilClient, status: int
) -> None:
    api.root = {"deliberation": answers.deliberation()}
    api.instead = [no_graphql(status), no_graphql(status)]

    ended = await client.ended(answers.DELIBERATION)

    assert ended is not None
    assert ended.status == "DECIDED"
    assert len(api.asked) == 3


async def test_a_gateway_whose_service_stays_away_is_given_up_when_the_patience_ends(
    api: TinyApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.instead = [no_graphql(502) for _ in range(99)]
    monkeypatch.setattr(client_module, "_STEADY_SECONDS", 0.0)

    async with CouncilClient(api.url, patience=0.2) as client, asyncio.timeout(10):
        with pytest.raises(UnreachableError, match="HTTP 502"):
            await client.ended(answers.DELIBERATION)


async def test_an_end_is_not_waited_for_where_another_service_answers(
    api: TinyApi, client: CouncilClient
) -> None:
    api.instead = [no_graphql(404)]

    with pytest.raises(AnswerError, match="HTTP 404"):
        await client.ended(answers.DELIBERATION)


async def test_a_service_that_dies_in_the_first_wait_for_an_end_is_waited_for() -> None:
    dying = Dying()
    async with dying as url, CouncilClient(url) as client:
        waiting = asyncio.create_task(client.ended(answers.DELIBERATION))
        await dying.gone.wait()
        # Long enough to be refused: an attempt is made again after a tenth of a second.
        await asyncio.sleep(0.5)
        async with TinyApi(root={"deliberation": answers.deliberation()}).serve(dying.port):
            ended = await waiting

    assert ended is not None
    assert ended.status == "DECIDED"


async def test_a_service_that_lacks_its_graph_and_then_goes_away_is_waited_for() -> None:
    told: answers.Json = {
        "message": "it ends",
        "extensions": {"code": "UNAVAILABLE", "retryAfter": 0.5},
    }
    ending = TinyApi(instead=[JSONResponse({"errors": [told]}, status_code=503) for _ in range(9)])
    port = free_port()
    async with CouncilClient(f"http://127.0.0.1:{port}") as client:
        async with ending.serve(port):
            waiting = asyncio.create_task(client.ended(answers.DELIBERATION))
            while not ending.asked:  # noqa: ASYNC110 - it has no event for it
                await asyncio.sleep(0.005)
        await asyncio.sleep(1.0)
        async with TinyApi(root={"deliberation": answers.deliberation()}).serve(port):
            ended = await waiting

    assert ended is not None
    assert ended.status == "DECIDED"


async def test_a_service_that_falls_silent_is_given_up_when_the_patience_ends(
    api: TinyApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def next_state(*_arguments: object, **_named: object) -> answers.Json:
        if len(api.asked) > 1:
            await asyncio.sleep(3600)
        return answers.running()

    api.root = {"deliberation": next_state}
    monkeypatch.setattr(client_module, "_LONGEST_WAIT", 0)
    monkeypatch.setattr(client_module, "_STEADY_SECONDS", 0.1)

    async with CouncilClient(api.url, timeout=0.5, patience=0.1) as client, asyncio.timeout(10):
        with pytest.raises(UnreachableError, match=r"no answer within 0\.5 seconds"):
            await client.ended(answers.DELIBERATION)


async def test_an_end_is_not_waited_for_where_no_service_ever_was() -> None:
    async with CouncilClient(f"http://127.0.0.1:{free_port()}", patience=3600) as client:
        with pytest.raises(UnreachableError, match="the connection was refused"):
            await client.ended(answers.DELIBERATION)


async def test_an_end_is_not_waited_for_where_it_cannot_be_asked_for(
    api: TinyApi, client: CouncilClient
) -> None:
    told: answers.Json = {"message": "no", "extensions": {"code": "FORBIDDEN"}}
    api.instead = [JSONResponse({"errors": [told]}, status_code=403)]

    with pytest.raises(QueryError, match="no"):
        await client.ended(answers.DELIBERATION)


# ---------------------------------------------------------------- mutations


async def test_a_task_is_sent_without_what_was_left_out_and_with_a_key(
    api: TinyApi, client: CouncilClient
) -> None:
    payload: answers.Json = {"deliberation": answers.running(), "errors": []}
    api.root = {"deliberate": _always(payload)}

    accepted = await client.deliberate(
        models.TaskInput(description="Why?"),
        role="DEV",
        deadline=timedelta(minutes=2),
        token_budget=20_000,
    )

    assert accepted.id == answers.DELIBERATION
    sent = api.asked[0]["variables"]["input"]
    assert len(sent.pop("idempotencyKey")) == 32
    assert sent == {
        "council": {"role": "DEV"},
        "task": {"description": "Why?"},
        "deadlineSeconds": 120,
        "tokenBudget": 20_000,
    }


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
async def test_a_number_that_json_does_not_have_is_refused_before_anything_is_sent(
    api: TinyApi, client: CouncilClient, number: str
) -> None:
    task = models.TaskInput(description="Why?", metadata={"scores": [1.0, float(number)]})
    with pytest.raises(ValueError, match="must be what JSON can hold") as refused:
        await client.deliberate(task, role="DEV")
    assert str(refused.value).startswith("input.task.metadata.scores[1] ")

    # Sent as null, it would clear the temperature.
    with pytest.raises(ValueError, match=rf"^input.temperature .* is {number}$"):
        await client.update_agent(models.UpdateAgentInput(id="agt_1", temperature=float(number)))

    assert api.asked == []


async def test_what_has_no_form_in_json_is_refused_by_its_place(
    api: TinyApi, client: CouncilClient
) -> None:
    task = models.TaskInput(description="Why?", metadata={"author": object()})

    with pytest.raises(
        ValueError, match=r"^input\.task\.metadata\.author must be what JSON can hold"
    ):
        await client.deliberate(task, role="DEV")

    assert api.asked == []


async def test_metadata_comes_as_it_was_given(api: TinyApi, client: CouncilClient) -> None:
    api.root = {"deliberate": _always({"deliberation": answers.running(), "errors": []})}
    at = datetime(2026, 1, 2, tzinfo=UTC)
    metadata = {
        "at": at,
        "tags": ("a", "ü"),
        "score": 0.5,
        "last": True,
        "none": None,
        "half": "\ud800",
    }

    await client.deliberate(models.TaskInput(description="a\ud800", metadata=metadata), role="DEV")

    # The service says in which field half a surrogate pair stands.
    assert api.asked[0]["variables"]["input"]["task"] == {
        "description": "a\ud800",
        "metadata": {**metadata, "at": "2026-01-02T00:00:00Z", "tags": ["a", "ü"]},
    }


async def test_a_document_of_ones_own_is_sent_and_its_data_returned(
    api: TinyApi, client: CouncilClient
) -> None:
    mistake: answers.Json = {
        "__typename": "NotFound",
        "message": "there is none",
        "code": "NOT_FOUND",
        "path": [],
    }
    api.root = {
        "archiveCouncil": _always({"council": None, "errors": [mistake]}),
        "endpoints": [],
    }
    archive = """mutation ($input: ArchiveCouncilInput!) { archiveCouncil(input: $input) {
      council { id } errors { message } } }"""

    assert await client.execute("{ endpoints { name } }") == {"endpoints": []}
    assert await client.execute(archive, {"input": {"id": "cou_1"}}) == {
        "archiveCouncil": {"council": None, "errors": [{"message": "there is none"}]}
    }


async def test_a_document_of_ones_own_is_sent_twice_where_it_may_be(api: TinyApi) -> None:
    api.root = {"endpoints": []}
    document = "{ endpoints { name } }"
    async with Cutting(api.url, cuts=1, after=0) as url, CouncilClient(url) as client:
        assert await client.execute(document, repeatable=True) == {"endpoints": []}
    assert len(api.asked) == 2

    async with Cutting(api.url, cuts=1, after=0) as url, CouncilClient(url) as client:
        with pytest.raises(UnreachableError) as caught:
            await client.execute(document)
    assert caught.value.sent
    assert len(api.asked) == 3


async def test_the_mistakes_of_a_refused_task_come_with_their_paths(
    api: TinyApi, client: CouncilClient
) -> None:
    mistakes = [
        {
            "__typename": "NotFound",
            "message": "no council serves it",
            "code": "NOT_FOUND",
            "path": ["council", "role"],
            "sought": "DVE",
        },
        {
            "__typename": "Conflict",
            "message": "the key was used with another input",
            "code": "CONFLICT",
            "path": ["idempotencyKey"],
            "existing": {"__typename": "Deliberation", "id": "dlb_1"},
        },
    ]
    payload = {"deliberation": None, "errors": mistakes}
    api.root = {"deliberate": _always(payload)}

    with pytest.raises(RefusedError) as caught:
        await client.deliberate(models.TaskInput(description="Why?"), role="DVE")

    missing, conflict = caught.value.mistakes
    assert (missing.path, missing.sought) == (("council", "role"), "DVE")
    assert conflict.existing == models.Reference(id="dlb_1")
    assert str(caught.value) == (
        "council.role: no council serves it; idempotencyKey: the key was used with another input"
    )


async def test_a_deliberation_is_cancelled_by_its_id(api: TinyApi, client: CouncilClient) -> None:
    cancelled = answers.deliberation(status="CANCELLED", stopReason="CANCELLED", verdict=None)
    api.root = {"cancelDeliberation": _always({"deliberation": cancelled, "errors": []})}

    assert (await client.cancel(answers.DELIBERATION)).status == "CANCELLED"
    await client.cancel(answers.DELIBERATION, reason="too dear")

    sent = [asked["variables"]["input"] for asked in api.asked]
    assert sent == [
        {"id": answers.DELIBERATION},
        {"id": answers.DELIBERATION, "reason": "too dear"},
    ]


async def test_a_retry_is_sent_with_a_key(api: TinyApi, client: CouncilClient) -> None:
    retry = answers.running(retryOf={"__typename": "Deliberation", "id": "dlb_old"})
    api.root = {"retryDeliberation": _always({"deliberation": retry, "errors": []})}

    retried = (await client.retry("dlb_old")).retry_of
    assert retried is not None
    assert retried.id == "dlb_old"
    await client.retry("dlb_old", idempotency_key="k")

    made, given = [asked["variables"]["input"] for asked in api.asked]
    assert len(made.pop("idempotencyKey")) == 32
    assert (made, given) == ({"id": "dlb_old"}, {"id": "dlb_old", "idempotencyKey": "k"})


async def test_what_is_left_out_of_a_change_is_not_sent_and_none_clears(
    api: TinyApi, client: CouncilClient
) -> None:
    agent = answers.seated_agent(1, persona=None)
    api.root = {"updateAgent": _always({"agent": agent, "errors": []})}

    changed = await client.update_agent(models.UpdateAgentInput(id="agt_1", persona=None))

    assert changed.persona is None
    assert api.asked[0]["variables"] == {"input": {"id": "agt_1", "persona": None}}


async def test_a_change_of_what_has_moved_on_is_refused_with_what_is_there(
    api: TinyApi, client: CouncilClient
) -> None:
    conflict = {
        "__typename": "Conflict",
        "message": "the council is at version 3",
        "code": "CONFLICT",
        "path": ["expectedVersion"],
        "existing": {"__typename": "Council", "id": "cou_1"},
    }
    api.root = {"updateCouncil": _always({"council": None, "errors": [conflict]})}

    with pytest.raises(RefusedError) as caught:
        await client.update_council(
            models.UpdateCouncilInput(id="cou_1", expected_version=2, rounds=2)
        )

    assert [mistake.code for mistake in caught.value.mistakes] == ["CONFLICT"]
    assert caught.value.mistakes[0].existing == models.Reference(id="cou_1")
    sent = api.asked[0]["variables"]["input"]
    assert sent == {"id": "cou_1", "expectedVersion": 2, "rounds": 2}


async def test_a_mutation_that_answers_nothing_is_told_as_such(
    api: TinyApi, client: CouncilClient
) -> None:
    api.root = {"cancelDeliberation": _always({"deliberation": None, "errors": []})}

    with pytest.raises(AnswerError, match="neither what it did nor why not"):
        await client.cancel("dlb_1")


# ---------------------------------------------------------------- errors


async def test_nobody_listening_is_told_with_the_address_and_what_to_do() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"

        async with CouncilClient(url) as client:
            with pytest.raises(UnreachableError) as of_query:
                await client.service()
            with pytest.raises(UnreachableError) as of_events:
                await anext(client.events("dlb_1"))

    words = f"no council service answers at {url}: the connection was refused. Start one with `council up`, or say with COUNCIL_URL where it is"
    assert str(of_query.value) == words
    assert str(of_events.value) == words


async def test_top_level_errors_keep_their_code_and_correlation_id(
    api: TinyApi, client: CouncilClient
) -> None:
    def refuse(*_arguments: object, **_named: object) -> None:
        raise refusal("Neo4j is away", "UNAVAILABLE")

    api.root = {"council": refuse}

    with pytest.raises(QueryError) as caught:
        await client.council(role="DEV")

    assert caught.value.unavailable
    assert caught.value.faults[0].extensions.correlation_id == "c-1"
    assert str(caught.value) == "Neo4j is away (in the log: c-1)"


@pytest.mark.parametrize("status", [200, 404, 502])
async def test_a_server_that_is_none_of_ours_is_told_as_such(
    api: TinyApi, client: CouncilClient, status: int
) -> None:
    api.instead = [no_graphql(status)]

    with pytest.raises(AnswerError, match=f"HTTP {status}, and no GraphQL in it"):
        await client.service()


@pytest.mark.parametrize(
    "body", ['{"data": 5}', "[" * 100_000, '{"data": ' + '{"a":' * 100_000], ids=str.__len__
)
async def test_json_that_is_no_answer_is_told_as_such(
    api: TinyApi, client: CouncilClient, body: str
) -> None:
    api.instead = [Response(body)]

    with pytest.raises(AnswerError, match="HTTP 200, and no GraphQL in it"):
        await client.service()


@pytest.mark.parametrize("status", [500, 502, 504, 520])
async def test_what_a_gateway_answers_may_be_to_what_was_done(
    api: TinyApi, client: CouncilClient, status: int
) -> None:
    api.instead = [Response("<h1>Web server is returning an unknown error</h1>", status)]

    with pytest.raises(AnswerError) as caught:
        await client.deliberate(models.TaskInput(description="Why?"), role="DEV")

    assert caught.value.sent


@pytest.mark.parametrize("seconds", ["NaN", "-1", '"soon"'])
async def test_a_pause_that_is_none_is_of_another_service(
    api: TinyApi, client: CouncilClient, seconds: str
) -> None:
    said = f'{{"code": "UNAVAILABLE", "path": [], "correlationId": "c", "retryAfter": {seconds}}}'
    api.instead = [Response(f'{{"errors": [{{"message": "no", "extensions": {said}}}]}}', 503)]

    with pytest.raises(AnswerError, match="errors of another form"):
        await client.service()


async def test_a_pause_that_is_longer_than_an_answer_may_take_is_left_to_whoever_asked(
    api: TinyApi, client: CouncilClient
) -> None:
    told: answers.Json = {
        "message": "it ends",
        "extensions": {"code": "UNAVAILABLE", "path": [], "correlationId": "c", "retryAfter": 1e9},
    }
    api.instead = [JSONResponse({"errors": [told]}, status_code=503)]

    with pytest.raises(QueryError) as caught:
        await client.service()

    assert caught.value.retry_after == 1e9
    assert len(api.asked) == 1


@pytest.mark.parametrize(
    "proxy", ["socks5://me:hunter2@proxy:1080", "gopher://me:hunter2@proxy", "http://proxy:abc"]
)
def test_a_proxy_that_is_none_is_told_as_such_without_its_password(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)

    with pytest.raises(ProxyError, match="ALL_PROXY must be as http://host:3128") as refused:
        CouncilClient("http://councils.example")

    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("file", ["/nowhere.pem", __file__])
@pytest.mark.parametrize("url", ["https://councils.example", "https://127.0.0.1"])
def test_certificates_that_are_none_are_told_as_such_wherever_the_service_is(
    monkeypatch: pytest.MonkeyPatch, url: str, file: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", file)

    with pytest.raises(CertificatesError, match="SSL_CERT_FILE, where it is set, must name"):
        CouncilClient(url)


async def test_where_no_certificate_is_looked_at_none_has_to_be_readable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.pem")

    async with CouncilClient("http://councils.example") as client:
        assert client.url == "http://councils.example"


async def test_an_answer_that_is_not_encoded_as_it_says_is_told_and_may_be_to_what_was_done(
    api: TinyApi, client: CouncilClient
) -> None:
    api.instead = [JSONResponse({"data": {}}, headers={"Content-Encoding": "gzip"})]

    with pytest.raises(AnswerError, match="not encoded as it says") as caught:
        await client.deliberate(models.TaskInput(description="Why?"), role="DEV")

    assert caught.value.sent


@pytest.mark.parametrize(
    "body",
    [
        '{"errors": [{"message": "Not Found", "extensions": {"code": "NOT_FOUND", "path": []}}]}',
        '{"detail": "Not Found"}',
        "<h1>Not Found</h1>",
    ],
    ids=["own", "json", "html"],
)
async def test_where_there_is_no_service_the_address_that_was_asked_is_told(
    api: TinyApi, client: CouncilClient, body: str
) -> None:
    api.instead = [Response(body, status_code=404)]

    with pytest.raises(AnswerError) as caught:
        await client.service()

    assert str(caught.value) == (
        f"what answers at {api.url} does not speak as this service does: "
        "HTTP 404, and no GraphQL in it: it is no council service"
    )


@pytest.mark.parametrize(
    "error",
    [
        {"code": "Neo.ClientError.Request.Invalid", "message": "Not Found"},
        {"message": "Cannot query field 'council' on type 'Query'.", "extensions": {}},
        "Not Found",
    ],
    ids=["neo4j", "graphql", "text"],
)
async def test_errors_of_another_form_are_those_of_another_service(
    api: TinyApi, client: CouncilClient, error: object
) -> None:
    api.instead = [JSONResponse({"errors": [error]}, status_code=400)]

    with pytest.raises(AnswerError, match=r"HTTP 400, .* it is no council service") as caught:
        await client.council(role="DEV")

    assert api.url in str(caught.value)


async def test_errors_of_another_form_in_a_subscription_are_those_of_another_service(
    api: TinyApi, client: CouncilClient
) -> None:
    api.events = _in_pieces([GraphQLError("no")])

    with pytest.raises(AnswerError, match=r"it sent errors of another form$"):
        await anext(client.events("dlb_1"))


async def test_an_answer_of_another_shape_names_the_field(
    api: TinyApi, client: CouncilClient
) -> None:
    api.root = {"council": answers.council(rounds=1, createdAt="yesterday")}

    with pytest.raises(AnswerError, match="createdAt"):
        await client.council(role="DEV")


async def test_a_query_whose_connection_breaks_off_is_sent_again(api: TinyApi) -> None:
    api.root = {"council": answers.council()}
    async with Cutting(api.url, cuts=2, after=0) as url, CouncilClient(url) as client:
        assert await client.council(role="DEV") is not None
    assert len(api.asked) == 3


async def test_a_change_of_an_expected_version_is_not_sent_twice(api: TinyApi) -> None:
    api.root = {"updateCouncil": _always({"council": answers.council(), "errors": []})}
    change = models.UpdateCouncilInput(id="cou_1", rounds=2)
    async with Cutting(api.url, cuts=1, after=0) as url, CouncilClient(url) as client:
        await client.update_council(change)
    assert len(api.asked) == 2

    change = models.UpdateCouncilInput(id="cou_1", rounds=2, expected_version=1)
    async with Cutting(api.url, cuts=1, after=0) as url, CouncilClient(url) as client:
        with pytest.raises(UnreachableError) as caught:
            await client.update_council(change)
    assert caught.value.sent
    assert len(api.asked) == 3


async def test_a_connection_that_always_breaks_off_is_given_up(api: TinyApi) -> None:
    async with Cutting(api.url, cuts=99, after=0) as url, CouncilClient(url) as client:
        with pytest.raises(UnreachableError, match="broke off"):
            await client.service()


# ---------------------------------------------------------------- events


async def test_events_come_in_their_types_until_the_end(
    api: TinyApi, client: CouncilClient
) -> None:
    api.events = _events(
        answers.claimed(1),
        answers.began(1, 1),
        answers.spoken(1, 1),
        *(answers.taken(turn) for turn in answers.turns()),
        answers.ended(14),
    )

    found = [event async for event in client.events("dlb_1")]

    expected = [
        models.DeliberationClaimed,
        models.TurnBegan,
        models.TokensSpoken,
        *[models.TurnTaken] * 12,
        models.DeliberationEnded,
    ]
    assert [isinstance(*pair) for pair in zip(found, expected, strict=True)] == [True] * 16
    turns = [event.turn for event in found if isinstance(event, models.TurnTaken)]
    kinds = [models.Proposal, models.Critique, models.Proposal, models.Ballot]
    assert [isinstance(turns[number], kinds[number // 3]) for number in range(12)] == [True] * 12
    assert api.subscribed == [{"id": "dlb_1", "after": None}]


@pytest.mark.parametrize("code", [1001, 1011, 1012])
async def test_after_a_broken_connection_events_go_on_after_the_last_one_seen(
    api: TinyApi, client: CouncilClient, code: int
) -> None:
    first, second, third = (answers.proposal(number, number + 1) for number in (1, 2, 3))
    api.events = _in_pieces(
        [answers.claimed(1), answers.taken(first), CloseSocket(code)],
        [answers.taken(second), CloseSocket(code)],
        [answers.taken(third), answers.ended(5)],
    )
    lost: list[str] = []

    found = [event.sequence async for event in client.events("dlb_1", on_lost=lost.append)]

    assert found == [1, 2, 3, 4, 5]
    assert [variables["after"] for variables in api.subscribed] == [None, 2, 3]
    assert len(lost) == 2


async def test_where_all_was_told_before_there_is_nothing_to_wait_for(
    api: TinyApi, client: CouncilClient
) -> None:
    api.events = _events()
    lost: list[str] = []

    events = client.events("dlb_1", after=14, on_lost=lost.append)

    assert [event async for event in events] == []
    assert (len(api.subscribed), lost) == (1, [])


async def test_a_stream_that_completes_is_over_although_no_end_was_told(
    api: TinyApi, client: CouncilClient
) -> None:
    api.events = _in_pieces([answers.claimed(1)], [answers.ended(2)])

    assert [event.sequence async for event in client.events("dlb_1")] == [1]
    assert len(api.subscribed) == 1


async def test_a_service_that_lacks_its_graph_for_a_while_is_waited_for(
    api: TinyApi, client: CouncilClient
) -> None:
    api.events = _in_pieces(
        [answers.claimed(1), refusal("Neo4j is away", "UNAVAILABLE")], [answers.ended(2)]
    )

    assert [event.sequence async for event in client.events("dlb_1")] == [1, 2]


async def test_a_service_that_had_the_greeting_too_late_is_greeted_again(
    api: TinyApi, client: CouncilClient
) -> None:
    api.events = _in_pieces([CloseSocket(4408)], [answers.ended(1)])

    assert [event.sequence async for event in client.events("dlb_1")] == [1]


async def test_a_service_that_does_not_come_back_is_given_up_when_the_patience_ends(
    api: TinyApi,
) -> None:
    api.events = _in_pieces(*([CloseSocket(1012)] for _ in range(99)))

    async with CouncilClient(api.url, patience=0.3) as client:
        with pytest.raises(UnreachableError):
            _ = [event async for event in client.events("dlb_1")]

    assert len(api.subscribed) > 1


async def test_a_service_that_answers_but_lacks_its_graph_is_not_told_to_be_away(
    api: TinyApi,
) -> None:
    api.events = _in_pieces(*([refusal("Neo4j is away", "UNAVAILABLE")] for _ in range(99)))

    async with CouncilClient(api.url, patience=0.3) as client:
        with pytest.raises(QueryError, match="Neo4j is away"):
            _ = [event async for event in client.events("dlb_1")]


async def test_an_id_that_is_none_is_an_error_and_not_asked_again(
    api: TinyApi, client: CouncilClient
) -> None:
    api.events = _in_pieces([refusal("there is none", "NOT_FOUND")])

    with pytest.raises(QueryError, match="there is none"):
        _ = [event async for event in client.events("dlb_9")]

    assert len(api.subscribed) == 1


async def test_a_connection_closed_for_what_was_said_is_not_made_again(
    api: TinyApi, client: CouncilClient
) -> None:
    api.events = _in_pieces([CloseSocket(4401, "Unauthorized")])

    with pytest.raises(AnswerError, match="4401 Unauthorized"):
        _ = [event async for event in client.events("dlb_1")]

    assert len(api.subscribed) == 1


async def test_a_subscription_that_is_sent_elsewhere_shows_its_token_to_nobody_else(
    api: TinyApi,
) -> None:
    api.events = _events(answers.ended(1))

    def elsewhere(connection: ServerConnection, _request: http11.Request) -> http11.Response:
        response = connection.respond(302, "")
        response.headers["Location"] = f"ws{api.url.removeprefix('http')}/graphql"
        return response

    async with (
        serve(_silent, "127.0.0.1", 0, process_request=elsewhere) as server,
        CouncilClient(_url(server), token="secret") as client,
    ):
        with pytest.raises(AnswerError, match="HTTP 302"):
            await anext(client.events("dlb_1"))

    assert api.greeted == []


async def test_a_service_that_says_nothing_more_is_left_without_its_farewell() -> None:
    left = asyncio.Event()

    async def fall_silent(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.send('{"type": "connection_ack"}')
        await socket.recv()
        event = {"deliberationEvents": answers.claimed(1)}
        await socket.send(json.dumps({"id": "1", "type": "next", "payload": {"data": event}}))
        socket.transport.pause_reading()
        await left.wait()
        socket.transport.resume_reading()

    async with (
        serve(
            fall_silent, "127.0.0.1", 0, subprotocols=[Subprotocol("graphql-transport-ws")]
        ) as server,
        CouncilClient(_url(server)) as client,
    ):
        events = client.events("dlb_1")
        await anext(events)
        try:
            async with asyncio.timeout(8):
                await events.aclose()
        finally:
            left.set()


# ---------------------------------------------------------------- what the server does


async def _silent(socket: ServerConnection) -> None:
    await socket.wait_closed()


def _url(server: Server) -> str:
    return f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


def _page_after(pages: dict[str | None, answers.Json]) -> Callable[..., answers.Json]:
    def page(*_arguments: object, after: str | None, **_named: object) -> answers.Json:
        return pages[after]

    return page


def _always(answer: answers.Json) -> Callable[..., answers.Json]:
    def field(*_arguments: object, **_named: object) -> answers.Json:
        return answer

    return field


def _events(*events: dict[str, Any]) -> Any:
    return _in_pieces(list(events))


def _in_pieces(*pieces: list[Any]) -> Any:
    """Each subscription gets the next piece; an exception in it is raised there."""
    left = list(pieces)

    async def source(*_arguments: object, **_named: object) -> AsyncIterator[dict[str, Any]]:
        for event in left.pop(0):
            if isinstance(event, Exception):
                raise event
            yield {"deliberationEvents": event}

    return source
