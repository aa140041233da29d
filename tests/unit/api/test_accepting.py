"""What `Accept` makes of an answer: JSON, or server-sent events."""

from __future__ import annotations

import httpx
import pytest

from orchestrator.api.accepting import accepted
from tests.support.samples import a_deliberation, play
from tests.unit.api.conftest import Api
from tests.unit.api.doubles import House

JSON = "application/json"
GRAPHQL_RESPONSE = "application/graphql-response+json"
EVENTS = "text/event-stream"
URQL = "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed"

QUERY = "{ service { version } }"
FOLLOW = 'subscription { deliberationEvents(id: "dlb_1", after: 12) { sequence } }'


async def post(api: Api, query: str, accept: str) -> httpx.Response:
    return await api.client.post("/graphql", json={"query": query}, headers={"accept": accept})


@pytest.mark.parametrize(
    ("accept", "welcome"),
    [
        ("", [""]),
        ("a/b", ["a/b"]),
        ("a/b, c/d", ["a/b", "c/d"]),
        ("a/b;q=0.5, c/d", ["c/d", "a/b"]),
        ("a/b;q=0.5,c/d;q=0.6,e/f;q=0.55", ["c/d", "e/f", "a/b"]),
        ("a/b;q=0, c/d", ["c/d"]),
        ("a/b; q=0.000, c/d", ["c/d"]),
        ("A/B ; charset=utf-8 ; Q=0.1, c/d;charset=utf-8", ["c/d", "a/b"]),
        ("a/b;q=much, c/d", ["a/b", "c/d"]),
    ],
)
def test_types_are_accepted_by_their_weight_and_then_in_their_order(
    accept: str, welcome: list[str]
) -> None:
    assert accepted(accept) == welcome


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (EVENTS, EVENTS),
        (f"{EVENTS}, {JSON}", EVENTS),
        (f"{EVENTS}, */*", EVENTS),
        (f"{JSON};q=0.9, {EVENTS}", EVENTS),
        (f"text/html, {EVENTS}, {JSON}", EVENTS),
        (f"{JSON};q=0, {EVENTS};q=0.1", EVENTS),
        (f"{JSON}, {EVENTS}", JSON),
        (f"*/*, {EVENTS}", JSON),
        (f"{EVENTS};q=0.5, application/*", JSON),
        (f"{EVENTS};q=0.5, {JSON}", JSON),
        (f"{JSON}, {EVENTS};q=0", JSON),
        (f"{EVENTS};q=0", JSON),
        (URQL, GRAPHQL_RESPONSE),
        (f"{EVENTS};q=0.5, {GRAPHQL_RESPONSE}", GRAPHQL_RESPONSE),
        (f"{GRAPHQL_RESPONSE};q=0, {JSON}", JSON),
        ("multipart/mixed", JSON),
        ("text/html", JSON),
    ],
)
async def test_query_is_answered_as_events_only_where_they_are_preferred_to_json(
    api: Api, accept: str, kind: str
) -> None:
    response = await post(api, QUERY, accept)

    assert response.headers["content-type"].partition(";")[0] == kind


@pytest.mark.parametrize(
    "accept", [EVENTS, f"{EVENTS}, multipart/mixed", f"{JSON}, {EVENTS};q=0.1", URQL]
)
async def test_subscription_is_answered_as_events_wherever_they_are_accepted(
    api: Api, house: House, accept: str
) -> None:
    house.archive.keep(*play(a_deliberation()))

    response = await post(api, FOLLOW, accept)

    assert response.headers["content-type"].partition(";")[0] == EVENTS
    assert response.text.count("event: next\n") == 2


@pytest.mark.parametrize("accept", [JSON, "*/*", f"{JSON}, {EVENTS};q=0", "multipart/mixed"])
async def test_subscription_where_events_are_not_accepted_is_told_how_it_must_be_sent(
    api: Api, accept: str
) -> None:
    response = await post(api, FOLLOW, accept)

    assert response.status_code == 400
    assert "`Accept: text/event-stream`" in response.json()["errors"][0]["message"]


async def test_status_says_what_became_of_an_operation_where_events_are_accepted_too(
    api: Api,
) -> None:
    assert (await post(api, "{ nothing }", URQL)).status_code == 400
