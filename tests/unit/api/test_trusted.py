"""Documents that are trusted: where there is a list nothing else is answered, over any transport."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import httpx
import pytest

from orchestrator.api.trusted import Listed
from tests.support.samples import a_deliberation, play
from tests.unit.api.conftest import Api
from tests.unit.api.doubles import House
from tests.unit.api.test_app import greeted

VERSION = "query Version { service { version } }"
COUNCIL = "query Council($role: String!) { council(by: {role: $role}) { id } }\n"
FOLLOW = 'subscription { deliberationEvents(id: "dlb_1", after: 12) { __typename } }'
RETIRE = 'mutation { retireAgent(input: {id: "agt_dev1"}) { errors { code } } }'
OTHER = "query Version { service { version } } "
GRAPHQL_RESPONSE = {"accept": "application/graphql-response+json"}


def id_of(text: str) -> str:
    return f"sha256:{sha256(text.encode()).hexdigest()}"


def apollo(text: str) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": id_of(text)[7:]}}


@pytest.fixture
def listing(house: House) -> House:
    house.documents = Listed([VERSION, COUNCIL, FOLLOW, RETIRE])
    return house


async def post(api: Api, **request: Any) -> httpx.Response:
    return await api.client.post("/graphql", json=request, headers=GRAPHQL_RESPONSE)


def refused(response: httpx.Response, status: int = 403, code: str = "FORBIDDEN") -> str:
    """Look at a refusal, and return what it says."""
    assert response.status_code == status
    answer = response.json()
    assert "data" not in answer
    [error] = answer["errors"]
    assert error["extensions"]["code"] == code
    return error["message"]


@pytest.mark.usefixtures("listing")
@pytest.mark.parametrize(
    "request_",
    [
        {"documentId": id_of(COUNCIL)},
        {"documentId": id_of(COUNCIL)[7:]},
        {"extensions": apollo(COUNCIL)},
        {"query": COUNCIL},
        {"query": COUNCIL, "extensions": apollo(COUNCIL)},
    ],
)
async def test_listed_document_is_answered_by_its_id_or_its_text(
    api: Api, request_: dict[str, Any]
) -> None:
    for _ in range(2):
        response = await post(api, **request_, variables={"role": "DEV"}, operationName="Council")

        assert response.json()["data"] == {"council": {"id": "cou_dev"}}


@pytest.mark.parametrize(
    "request_",
    [
        {"query": OTHER},
        {"query": "{ __typename }"},
        {"query": "{"},
        {"documentId": id_of(OTHER)},
        {"documentId": "x" * 5_000},
        {"extensions": apollo(OTHER)},
        {"query": OTHER, "extensions": apollo(VERSION)},
    ],
)
async def test_other_document_is_refused_before_anything_is_made_of_it(
    api: Api, listing: House, request_: dict[str, Any]
) -> None:
    message = refused(await post(api, **request_))

    assert "COUNCIL_DOCUMENTS" in message
    assert len(message) < 300
    assert listing.registry.calls == []


@pytest.mark.usefixtures("listing")
async def test_id_of_another_hash_is_told_which_hash_is_right(api: Api) -> None:
    message = refused(await post(api, documentId="1d0f26b2" * 5))

    assert message.endswith(": an id is sha256: and the SHA-256 hash of the text")


@pytest.mark.usefixtures("listing")
async def test_listed_document_is_answered_by_get_whatever_is_accepted(api: Api) -> None:
    for accept in ("*/*", "text/html", "application/json"):
        for sent in (
            {"documentId": id_of(VERSION)},
            {"extensions": json.dumps(apollo(VERSION))},
        ):
            response = await api.client.get("/graphql", params=sent, headers={"accept": accept})

            assert response.json()["data"] == {"service": {"version": "1.2.3"}}


async def test_mutation_is_not_sent_by_get_by_its_id_either(api: Api, listing: House) -> None:
    response = await api.client.get("/graphql", params={"documentId": id_of(RETIRE)})

    assert response.status_code == 400
    assert listing.registry.calls == []


@pytest.mark.parametrize("way", ["documentId", "query"])
async def test_listed_subscription_goes_over_a_websocket_and_another_is_an_error(
    listing: House, way: str
) -> None:
    listing.archive.keep(*play(a_deliberation()))
    payloads = {
        "documentId": ({"documentId": id_of(FOLLOW)}, {"documentId": id_of(OTHER)}),
        "query": ({"query": FOLLOW}, {"query": OTHER}),
    }[way]
    async with greeted(listing) as socket:
        socket.send({"type": "subscribe", "id": "1", "payload": payloads[0]})
        told = [(await socket.receive())["type"] for _ in range(3)]
        socket.send({"type": "subscribe", "id": "2", "payload": payloads[1]})
        other = await socket.receive()
        socket.send({"type": "ping"})
        assert await socket.receive() == {"type": "pong"}

    assert told == ["next", "next", "complete"]
    assert other["type"] == "error"
    assert other["payload"][0]["extensions"]["code"] == "FORBIDDEN"


@pytest.mark.parametrize("way", ["GET", "POST"])
async def test_listed_document_is_told_as_events_and_another_is_refused(
    api: Api, listing: House, way: str
) -> None:
    listing.archive.keep(*play(a_deliberation()))
    told: list[str] = []
    for text in (FOLLOW, OTHER):
        sent = {"documentId": id_of(text)}
        response = await api.client.request(
            way,
            "/graphql",
            params=sent if way == "GET" else None,
            json=sent if way == "POST" else None,
            headers={"accept": "text/event-stream"},
        )
        told.append(response.text)

    assert "DeliberationEnded" in told[0]
    assert '"FORBIDDEN"' in told[1]


@pytest.mark.parametrize(
    "request_",
    [
        {"query": VERSION, "documentId": id_of(VERSION)},
        {"documentId": 7},
        {"documentId": ""},
        {"documentId": ["sha256:1"]},
        {"extensions": {"persistedQuery": {"sha256Hash": 1}}},
        {"extensions": {"persistedQuery": 1}},
    ],
)
@pytest.mark.usefixtures("listing")
async def test_request_that_names_no_document_or_two_is_a_mistake(
    api: Api, request_: dict[str, Any]
) -> None:
    refused(await post(api, **request_), status=400, code="INVALID_INPUT")


async def test_without_a_list_any_document_is_answered_and_an_id_is_none(api: Api) -> None:
    assert (await api.ask(OTHER)) == {"service": {"version": "1.2.3"}}

    message = refused(await post(api, documentId=id_of(VERSION)), 400, "INVALID_INPUT")
    assert "COUNCIL_DOCUMENTS" in message


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
async def test_without_a_list_a_hash_of_apollos_is_answered_with_the_word_that_its_clients_know(
    api: Api, accept: str
) -> None:
    answer = await api.client.post(
        "/graphql", json={"extensions": apollo(VERSION)}, headers={"accept": accept}
    )

    [error] = answer.json()["errors"]
    assert error["message"] == "PersistedQueryNotSupported"
    assert error["extensions"]["code"] == "INVALID_INPUT"


async def test_graphiql_says_that_only_listed_documents_are_answered(
    api: Api, listing: House
) -> None:
    headers = {"accept": "text/html"}
    page = await api.client.get("/graphql", headers=headers)
    listing.documents = None
    after = await api.client.get("/graphql", headers=headers)

    assert "only the documents of its list" in page.text
    assert "only the documents of its list" not in after.text
