"""Which web pages may use the service: none but its own and those that are named."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
import pytest
from structlog.testing import capture_logs

from orchestrator.api.app import build_app
from orchestrator.api.sites import Sites
from tests.unit.api.doubles import House

QUERY = {"query": "{ service { version } }"}

REBOUND = "the service has no such name"
FOREIGN = "pages of this origin may not use the service"


async def asked(
    house: House, headers: Mapping[str, str], *, sites: Sites | None = None, method: str = "POST"
) -> httpx.Response:
    transport = httpx.ASGITransport(build_app(house.ports(), sites=sites))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
        if method == "POST":
            return await client.post("/graphql", json=QUERY, headers=headers)
        return await client.request(method, "/graphql", params=QUERY, headers=headers)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:8080",
        "[::1]:8080",
        "[::1]",
        "localhost",
        "LOCALHOST:8080",
        "localhost.",
        "council.localhost:8080",
        "10.1.2.3:8080",
    ],
)
async def test_by_its_address_and_as_localhost_the_service_is_always_reached(
    house: House, host: str
) -> None:
    assert (await asked(house, {"host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8080",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evil-localhost",
        "council",
        "localhost:8080:80",
        "localhost:x",
        "[::1",
        "[evil.example]",
        "::1",
        "",
        "127.0.0.1, evil.example",
        "user@localhost",
        "2130706433",
    ],
)
async def test_under_a_name_that_nobody_gave_it_it_is_not_reached_whoever_asks(
    house: House, host: str
) -> None:
    with capture_logs() as logs:
        response = await asked(house, {"host": host})

    assert response.status_code == 421
    assert response.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert REBOUND in response.json()["errors"][0]["message"]
    assert [(line["event"], line["host"]) for line in logs] == [("site_refused", host)]


async def test_what_the_log_has_of_a_refusal_is_found_by_the_id_that_was_told(house: House) -> None:
    for headers in ({"host": "evil.example"}, {"origin": "https://evil.example"}):
        with capture_logs() as logs:
            response = await asked(house, headers)

        told = response.json()["errors"][0]["extensions"]["correlationId"]
        assert [line["correlation_id"] for line in logs] == [told]


async def test_a_name_that_was_rebound_is_refused_although_its_page_has_the_same_origin(
    house: House,
) -> None:
    headers = {"host": "evil.example:8080", "origin": "http://evil.example:8080"}

    assert (await asked(house, headers)).status_code == 421


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("council.example.com", 200),
        ("COUNCIL.example.com:443", 200),
        ("a.example.org", 200),
        ("a.b.example.org", 200),
        ("example.org", 421),
        ("badexample.org", 421),
        ("example.com", 421),
        ("council.example.com.evil.example", 421),
    ],
)
async def test_names_that_are_set_are_names_of_the_service(
    house: House, host: str, status: int
) -> None:
    sites = Sites(hosts=("council.example.com", "*.example.org"))

    assert (await asked(house, {"host": host}, sites=sites)).status_code == status


async def test_within_a_cluster_a_name_without_a_dot_is_one_of_the_service(house: House) -> None:
    headers = {"host": "council:8080"}

    assert (await asked(house, headers, sites=Sites(neighbours=True))).status_code == 200
    assert (await asked(house, headers)).status_code == 421
    assert (await asked(house, headers, sites=Sites(hosts=("*",)))).status_code == 200


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://localhost:3000",
        "http://127.0.0.1",
        "http://127.0.0.1:8081",
        "null",
        "",
        "http://127.0.0.1:8080.evil.example",
        "file://",
        "garbage",
    ],
)
async def test_a_page_of_another_origin_is_refused(house: House, origin: str, method: str) -> None:
    with capture_logs() as logs:
        response = await asked(house, {"origin": origin}, method=method)

    assert response.status_code == 403
    assert FOREIGN in response.json()["errors"][0]["message"]
    assert "access-control-allow-origin" not in response.headers
    assert [line["event"] for line in logs] == ["site_refused"]


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_its_own_page_and_who_is_no_browser_are_let_through(
    house: House, method: str
) -> None:
    own = {"origin": "http://127.0.0.1:8080", "sec-fetch-site": "same-origin"}

    assert (await asked(house, own, method=method)).status_code == 200
    assert (await asked(house, {}, method=method)).status_code == 200


async def test_a_page_behind_tls_that_ends_in_front_of_the_service_is_its_own(
    house: House,
) -> None:
    headers = {"host": "council.example.com", "origin": "https://council.example.com"}

    assert (
        await asked(house, headers, sites=Sites(hosts=("council.example.com",)))
    ).status_code == 200


async def test_another_site_cannot_have_a_query_sent_as_an_image_but_may_link_to_it(
    house: House,
) -> None:
    image = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}

    assert (await asked(house, image, method="GET")).status_code == 403
    assert (await asked(house, link, method="GET")).status_code == 200


@pytest.mark.parametrize(
    ("client", "here"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("203.0.113.9", False),
        ("::ffff:203.0.113.9", False),
        ("unknown", False),
    ],
)
async def test_what_is_for_this_machine_alone_is_not_for_whom_a_proxy_asks_from_elsewhere(
    house: House, client: str, here: bool
) -> None:
    for sites, let_through in ((Sites(here_alone=True), here), (Sites(), True)):
        app = build_app(house.ports(), sites=sites)
        transport = httpx.ASGITransport(app, client=(client, 50_000))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as asking:
            answer = await asking.post("/graphql", json=QUERY)
        assert answer.status_code == (200 if let_through else 403)
        assert ("is for this machine alone" in answer.text) is not let_through


async def test_probes_are_answered_under_any_name(house: House) -> None:
    transport = httpx.ASGITransport(build_app(house.ports()))
    async with httpx.AsyncClient(transport=transport, base_url="http://pod.example") as client:
        assert (await client.get("/livez")).status_code == 200
        assert (await client.get("/readyz")).status_code == 200


ALLOWED = Sites(origins=("https://dashboard.example.com",))


async def test_an_origin_that_is_allowed_may_ask_and_read_the_answer(house: House) -> None:
    response = await asked(house, {"origin": "https://dashboard.example.com"}, sites=ALLOWED)

    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == "https://dashboard.example.com"
    assert "access-control-allow-credentials" not in response.headers


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [("https://dashboard.example.com", True), ("https://evil.example", False)],
)
async def test_a_browser_that_asks_first_is_told_whether_it_may(
    house: House, origin: str, allowed: bool
) -> None:
    headers = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization, content-type, x-of-a-library",
    }

    with capture_logs() as logs:
        response = await asked(house, headers, sites=ALLOWED, method="OPTIONS")

    assert response.status_code == (200 if allowed else 403)
    assert ("access-control-allow-origin" in response.headers) is allowed
    assert [line["event"] for line in logs] == ([] if allowed else ["site_refused"])


async def test_an_answer_that_refuses_the_caller_can_be_read_by_a_page_that_is_allowed(
    house: House,
) -> None:
    """Else a page could not tell a token that has ended from a service that is away."""
    house.means = type(house.means)(anonymous=None)
    house.__post_init__()

    response = await asked(house, {"origin": "https://dashboard.example.com"}, sites=ALLOWED)

    assert response.status_code == 401
    assert response.headers["access-control-allow-origin"] == "https://dashboard.example.com"
