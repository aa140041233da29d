"""Who is let in over real sockets, by HTTP, WebSocket and server-sent events, and how he has to leave."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.responses import PlainTextResponse
from structlog.testing import capture_logs
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from orchestrator.api.sites import Sites
from orchestrator.client import CouncilClient, QueryError
from orchestrator.domain.callers import Scope
from orchestrator.identity import keys, tokens
from orchestrator.identity.issuer import Issuer
from orchestrator.identity.keeping import Kept
from orchestrator.identity.means import Expected, Means
from orchestrator.service.callers import doorkeeper_of
from tests.integration.http.serving import served
from tests.support.local_issuer import AUDIENCE, LocalIssuer
from tests.support.samples import a_council, a_deliberation, play
from tests.support.waiting import eventually
from tests.unit.api.doubles import House

QUERY = {"query": "{ service { version } }"}
FOLLOW = 'subscription { deliberationEvents(id: "dlb_1") { sequence } }'
RETIRE = 'mutation { retireAgent(input: { id: "agt_dev1" }) { errors { code } } }'


@dataclass
class Door:
    """A service whose callers show tokens, and the file in which these are kept."""

    url: str
    file: Path
    house: House

    @property
    def socket_url(self) -> str:
        return f"ws{self.url.removeprefix('http')}"

    def give(self, name: str, scope: Scope, until: datetime | None = None) -> str:
        """Give somebody a token; only those given before the start count."""
        token, entry = tokens.create(name, scope, until)
        self.keep(f"{self.file.read_text()}{entry}\n")
        return token

    def keep(self, entries: str) -> None:
        new = self.file.with_suffix(".new")
        new.write_text(entries)
        new.replace(self.file)


def _now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def opened(
    tmp_path: Path,
    given: Mapping[str, tuple[Scope, datetime | None]],
    clock: Callable[[], datetime] = _now,
    **means: Any,
) -> AsyncGenerator[tuple[Door, dict[str, str]]]:
    """Serve for those who have been given tokens; also yields the tokens by name."""
    door = Door(url="", file=tmp_path / "tokens", house=House())
    door.file.write_text("")
    has = {name: door.give(name, *what) for name, what in given.items()}
    house = House(means=Means(kept=Kept("", door.file), **means), clock=clock)
    house.registry.add(a_council("dev"))
    house.archive.keep(*play(a_deliberation(), turns=1))
    looking = asyncio.create_task(house.doorkeeper.run())
    try:
        async with served(house) as url:
            door.url, door.house = url, house
            yield door, has
    finally:
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


async def asked(url: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.post(url, json=QUERY, headers=headers)


@asynccontextmanager
async def greeted(
    door: Door, payload: object = None, **headers: str
) -> AsyncGenerator[ClientConnection]:
    """Open a WebSocket and say hello with the payload."""
    async with connect(
        door.socket_url,
        subprotocols=[Subprotocol("graphql-transport-ws")],
        additional_headers=headers,
        proxy=None,
    ) as socket:
        shown = {} if payload is None else {"payload": payload}
        await socket.send(json.dumps({"type": "connection_init", **shown}))
        yield socket


async def heard(socket: ClientConnection) -> Any:
    """The next message, or the code and the reason with which the connection was closed."""
    try:
        async with asyncio.timeout(15):
            return json.loads(await socket.recv())
    except ConnectionClosed:
        return socket.close_code, socket.close_reason


async def follow(socket: ClientConnection, id: str = "1") -> None:
    """Subscribe, and wait for the first event."""
    payload = {"query": FOLLOW}
    await socket.send(json.dumps({"type": "subscribe", "id": id, "payload": payload}))


# ---------------------------------------------------------------- HTTP


async def test_who_shows_no_token_is_told_what_to_show(tmp_path: Path) -> None:
    async with opened(tmp_path, {}) as (door, _):
        with capture_logs() as logs:
            response = await asked(door.url)

    [error] = response.json()["errors"]
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == 'Bearer realm="graph-council"'
    assert error["extensions"]["code"] == "UNAUTHENTICATED"
    [line] = [line for line in logs if line["event"] == "caller_refused"]
    assert (line["client"], line["path"], line["log_level"]) == ("127.0.0.1", "/graphql", "warning")
    assert line["correlation_id"] == error["extensions"]["correlationId"]


async def test_a_wrong_token_is_refused_by_name_and_stands_neither_in_the_answer_nor_in_the_log(
    tmp_path: Path,
) -> None:
    wrong = f"{tokens.PREFIX}{'secret' * 7}"
    async with opened(tmp_path, {}, anonymous=Scope.READ) as (door, _):
        with capture_logs() as logs:
            response = await asked(door.url, **bearer(wrong))

    assert response.status_code == 401
    assert 'error="invalid_token"' in response.headers["www-authenticate"]
    assert wrong not in f"{response.text} {response.headers} {logs}"
    assert [line["why"] for line in logs] == ["the token is none that is known here"]


async def test_who_shows_a_token_may_what_its_scope_says(tmp_path: Path) -> None:
    async with (
        opened(tmp_path, {"ada": (Scope.READ, None), "bob": (Scope.MANAGE, None)}) as (door, has),
        httpx.AsyncClient(trust_env=False) as client,
    ):
        answers: list[Any] = []
        for name in has:
            response = await client.post(
                door.url, json={"query": RETIRE}, headers=bearer(has[name])
            )
            answers.append(response.json())
        assert (await asked(door.url, **bearer(has["ada"]))).status_code == 200

    assert answers[0]["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert answers[1]["data"] == {"retireAgent": {"errors": []}}


async def test_everybody_may_read_where_that_is_set_and_nobody_more(tmp_path: Path) -> None:
    async with (
        opened(tmp_path, {}, anonymous=Scope.READ) as (door, _),
        httpx.AsyncClient(trust_env=False) as client,
    ):
        assert (await asked(door.url)).status_code == 200
        response = await client.post(door.url, json={"query": RETIRE})

    assert response.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_whether_it_lives_and_is_ready_and_graphiql_are_for_everybody(tmp_path: Path) -> None:
    async with (
        opened(tmp_path, {}) as (door, _),
        httpx.AsyncClient(trust_env=False, base_url=door.url.removesuffix("/graphql")) as client,
    ):
        page = await client.get("/graphql", headers={"accept": "text/html"})
        assert (await client.get("/livez")).status_code == 200
        assert (await client.get("/readyz")).status_code == 200

    assert page.status_code == 200
    assert "<html" in page.text


async def test_a_query_in_the_address_of_a_page_needs_a_token_as_any_other(tmp_path: Path) -> None:
    async with (
        opened(tmp_path, {}) as (door, _),
        httpx.AsyncClient(trust_env=False) as client,
    ):
        response = await client.get(door.url, params=QUERY, headers={"accept": "text/html"})

    assert response.status_code == 401


async def test_where_nobody_can_judge_a_token_now_the_answer_says_when_to_ask_again(
    tmp_path: Path,
) -> None:
    async with LocalIssuer().serve() as issuer, httpx.AsyncClient(trust_env=False) as http:
        expected = Expected(issuer=issuer.url, audience=AUDIENCE)
        issuer.says = {"issuer": "https://another.example"}
        house = House(means=Means(expected=expected), issuer=Issuer(expected, http))
        async with served(house) as url:
            with capture_logs() as logs:
                away = await asked(url, **bearer(issuer.sign()))
            door = Door(url=url, file=tmp_path / "none", house=house)
            with capture_logs() as over_websocket:
                async with greeted(door, bearer(issuer.sign())) as socket:
                    code, why = await heard(socket)

    assert (away.status_code, away.headers["retry-after"]) == (503, "1")
    extensions = away.json()["errors"][0]["extensions"]
    assert extensions["code"] == "UNAVAILABLE"
    [line] = [line for line in logs if line["event"] == "operation_unavailable"]
    assert line["correlation_id"] == extensions["correlationId"]
    assert code == 1013
    [line] = [line for line in over_websocket if line["event"] == "operation_unavailable"]
    assert (line["why"], line["fields"]) == (why, [])


# ---------------------------------------------------------------- WebSockets


@pytest.mark.parametrize("name", ["authorization", "Authorization"])
async def test_who_opens_a_websocket_shows_his_token_first_of_all(
    tmp_path: Path, name: str
) -> None:
    async with opened(tmp_path, {"ada": (Scope.READ, None)}) as (door, has):
        async with greeted(door, {name: f"Bearer {has['ada']}"}) as socket:
            assert await heard(socket) == {"type": "connection_ack"}
            await follow(socket)
            assert (await heard(socket))["type"] == "next"
        async with greeted(door, **bearer(has["ada"])) as socket:
            assert await heard(socket) == {"type": "connection_ack"}


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (None, "a token must be sent"),
        ({}, "a token must be sent"),
        ({"authorization": None}, "a token must be sent"),
        ({"authorization": "Bearer council_wrong"}, "the token is none that is known here"),
        ({"authorization": ["Bearer"]}, "must be Bearer and a token"),
        ({"authorization": {"token": 1}}, "must be Bearer and a token"),
        ({"authorization": ""}, "must be Bearer and a token"),
    ],
    ids=str,
)
async def test_who_is_not_let_in_is_told_with_4403_and_why(
    tmp_path: Path, payload: object, why: str
) -> None:
    async with opened(tmp_path, {}) as (door, _), greeted(door, payload) as socket:
        code, reason = await heard(socket)

    assert code == 4403
    assert why in reason


async def test_what_is_shown_in_the_payload_counts_more_than_what_the_handshake_had(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, {"ada": (Scope.READ, None)}) as (door, has):
        async with greeted(door, bearer("council_wrong"), **bearer(has["ada"])) as socket:
            code, _ = await heard(socket)
        async with greeted(door, bearer(has["ada"]), **bearer("council_wrong")) as socket:
            assert await heard(socket) == {"type": "connection_ack"}

    assert code == 4403


async def test_who_asks_before_he_has_said_hello_is_told_with_4401(tmp_path: Path) -> None:
    async with (
        opened(tmp_path, {"ada": (Scope.READ, None)}) as (door, has),
        connect(
            door.socket_url,
            subprotocols=[Subprotocol("graphql-transport-ws")],
            additional_headers=bearer(has["ada"]),
            proxy=None,
        ) as socket,
    ):
        with capture_logs() as logs:
            await follow(socket)
            assert await heard(socket) == (4401, "Unauthorized")

    assert [(line["event"], line["client"]) for line in logs] == [("caller_refused", "127.0.0.1")]


async def test_over_a_websocket_a_field_is_for_who_has_its_scope_too(tmp_path: Path) -> None:
    async with (
        opened(tmp_path, {"ada": (Scope.READ, None)}) as (door, has),
        greeted(door, bearer(has["ada"])) as socket,
    ):
        assert await heard(socket) == {"type": "connection_ack"}
        message = {"type": "subscribe", "id": "1", "payload": {"query": RETIRE}}
        await socket.send(json.dumps(message))
        refused = await heard(socket)

    assert refused["type"] == "error"
    assert refused["payload"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_a_token_that_ends_ends_its_connection_with_all_that_it_follows(
    tmp_path: Path,
) -> None:
    # Until it follows, the clock stands.
    began, follows = _now(), asyncio.Event()
    soon = began + timedelta(seconds=0.5)
    given = {"ada": (Scope.READ, soon), "bob": (Scope.READ, None)}
    async with (
        opened(tmp_path, given, lambda: _now() if follows.is_set() else began) as (door, has),
        greeted(door, bearer(has["bob"])) as staying,
        greeted(door, bearer(has["ada"])) as leaving,
    ):
        for socket in (staying, leaving):
            assert await heard(socket) == {"type": "connection_ack"}
            for name in ("1", "2"):
                await follow(socket, name)
        follows.set()
        while isinstance(last := await heard(leaving), dict):
            assert last["type"] == "next"
        await staying.send(json.dumps({"type": "ping"}))
        while (message := await heard(staying)) != {"type": "pong"}:
            assert message["type"] == "next"

    assert last == (4403, "the token has expired")
    assert _now() >= soon


async def test_a_token_that_is_taken_back_ends_its_connection_and_is_not_let_in_again(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, {"ada": (Scope.READ, None)}) as (door, has):
        async with greeted(door, bearer(has["ada"])) as socket:
            assert await heard(socket) == {"type": "connection_ack"}
            await follow(socket)
            assert (await heard(socket))["type"] == "next"

            door.keep("")

            while isinstance(last := await heard(socket), dict):
                assert last["type"] == "next"
        async with greeted(door, bearer(has["ada"])) as socket:
            again = await heard(socket)
        response = await asked(door.url, **bearer(has["ada"]))

    assert last == (4403, "the token was taken back")
    assert again[0] == 4403
    assert response.status_code == 401


async def test_a_token_that_is_given_while_the_service_runs_counts(tmp_path: Path) -> None:
    async with opened(tmp_path, {}) as (door, _):
        headers = bearer(door.give("carl", Scope.READ))
        await eventually(
            lambda: asked(door.url, **headers), lambda response: response.status_code == 200
        )


async def test_a_page_of_another_site_cannot_open_a_websocket_under_a_rebound_name_either(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(tmp_path, {}, anonymous=Scope.MANAGE) as (door, _):
        port = urlsplit(door.url).port
        for host, origin, status, words in (
            ("127.0.0.1", "https://evil.example", 403, "COUNCIL_ALLOWED_ORIGINS"),
            ("evil.example", f"http://evil.example:{port}", 421, "COUNCIL_ALLOWED_HOSTS"),
        ):
            with pytest.raises(InvalidStatus) as refused:
                async with connect(
                    f"ws://{host}:{port}/graphql",
                    # Wherever the name leads to.
                    host="127.0.0.1",
                    port=port,
                    subprotocols=[Subprotocol("graphql-transport-ws")],
                    additional_headers={"origin": origin},
                    proxy=None,
                ):
                    pass
            response = refused.value.response
            [error] = json.loads(response.body or b"")["errors"]
            assert (response.status_code, error["extensions"]["code"]) == (status, "FORBIDDEN")
            assert words in error["message"]
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_what_is_for_this_machine_alone_refuses_whom_a_proxy_says_is_elsewhere() -> None:
    house = House(means=Means(anonymous=Scope.MANAGE))
    there, here = ({"x-forwarded-for": address} for address in ("203.0.113.9", "127.0.0.1"))
    async with (
        served(house, sites=Sites(here_alone=True)) as url,
        httpx.AsyncClient(trust_env=False) as client,
    ):
        asked = {"query": "{ service { version } }"}
        assert (await client.post(url, json=asked, headers=here)).status_code == 200
        assert (await client.post(url, json=asked, headers=there)).status_code == 403
        with pytest.raises(InvalidStatus) as refused:
            async with connect(
                f"ws{url.removeprefix('http')}", additional_headers=there, proxy=None
            ):
                pass
    assert refused.value.response.status_code == 403


async def test_a_page_whose_origin_is_allowed_can_open_a_websocket() -> None:
    house = House(means=Means(anonymous=Scope.READ))
    sites = Sites(origins=("https://dashboard.example.com",))
    async with (
        served(house, sites=sites) as url,
        connect(
            f"ws{url.removeprefix('http')}",
            subprotocols=[Subprotocol("graphql-transport-ws")],
            additional_headers={"origin": "https://dashboard.example.com"},
            proxy=None,
        ) as socket,
    ):
        await socket.send(json.dumps({"type": "connection_init"}))
        assert await heard(socket) == {"type": "connection_ack"}


# ---------------------------------------------------------------- server-sent events


async def test_server_sent_events_need_a_token_and_break_off_when_it_is_taken_back(
    tmp_path: Path,
) -> None:
    headers = {"accept": "text/event-stream"}
    async with (
        opened(tmp_path, {"ada": (Scope.READ, None)}) as (door, has),
        httpx.AsyncClient(trust_env=False, timeout=15) as client,
    ):
        refused = await client.post(door.url, json={"query": FOLLOW}, headers=headers)
        names: list[str] = []
        with capture_logs() as logs:
            async with client.stream(
                "POST", door.url, json={"query": FOLLOW}, headers={**headers, **bearer(has["ada"])}
            ) as response:
                async for line in response.aiter_lines():
                    if line.startswith("event: "):
                        names.append(line.removeprefix("event: "))
                        door.keep("")

    [left] = [line for line in logs if line["event"] == "caller_left"]
    assert (left["caller"], left["why"]) == ("ada", "the token was taken back")
    assert refused.status_code == 401
    assert names[0] == "next"
    # It breaks off: who is complete would not come again, and be told why.
    assert "complete" not in names


async def test_server_sent_events_break_off_when_the_token_ends(tmp_path: Path) -> None:
    # Until it follows, the clock stands.
    began, follows = _now(), asyncio.Event()
    soon = began + timedelta(seconds=0.5)
    given = {"ada": (Scope.READ, soon)}
    lines: list[str] = []
    async with (
        opened(tmp_path, given, lambda: _now() if follows.is_set() else began) as (door, has),
        httpx.AsyncClient(trust_env=False, timeout=15) as client,
        client.stream(
            "POST",
            door.url,
            json={"query": FOLLOW},
            headers={"accept": "text/event-stream", **bearer(has["ada"])},
        ) as response,
    ):
        # Nothing happens meanwhile to what is followed.
        async for line in response.aiter_lines():
            lines.append(line)
            if line == "event: next":
                follows.set()

    assert "event: next" in lines
    assert "event: complete" not in lines
    assert _now() >= soon


# ---------------------------------------------------------------- an issuer


async def test_a_token_of_an_issuer_is_let_in_over_every_way_and_leaves_with_its_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "_RENEWAL_SECONDS", 0.05)
    monkeypatch.setattr(keys, "_AGAIN_SECONDS", 0.0)
    async with AsyncExitStack() as stack:
        issuer = await stack.enter_async_context(LocalIssuer().serve())
        means = Means(expected=Expected(issuer=issuer.url, audience=AUDIENCE))
        house = House(means=means)
        house.doorkeeper = await stack.enter_async_context(doorkeeper_of(means))
        house.archive.keep(*play(a_deliberation(), turns=1))
        url = await stack.enter_async_context(served(house))
        door = Door(url=url, file=tmp_path / "none", house=house)
        client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=15))
        shown = bearer(issuer.sign())

        assert (await asked(url, **shown)).status_code == 200
        socket = await stack.enter_async_context(greeted(door, shown))
        assert await heard(socket) == {"type": "connection_ack"}
        await follow(socket)
        headers = {"accept": "text/event-stream", **shown}
        response = await stack.enter_async_context(
            client.stream("POST", url, json={"query": FOLLOW}, headers=headers)
        )
        lines = response.aiter_lines()
        assert [await anext(lines) for _ in range(3)] == [": ping", "", "event: next"]

        issuer.rotate()
        looking = asyncio.create_task(house.doorkeeper.run())
        try:
            while isinstance(last := await heard(socket), dict):
                assert last["type"] == "next"
            rest = [line async for line in lines]
            again = await asked(url, **shown)
        finally:
            looking.cancel()
            await asyncio.wait([looking])

    assert last == (4403, "the key that the token was signed with was taken back")
    assert "event: complete" not in rest
    assert again.status_code == 401


async def test_of_a_reason_that_is_longer_than_a_close_can_hold_a_websocket_tells_the_beginning(
    tmp_path: Path,
) -> None:
    async with LocalIssuer().serve() as issuer:
        expected = Expected(
            issuer=issuer.url, audience=AUDIENCE, scope_claim="é" * 60, scope_prefix="council:"
        )
        means = Means(expected=expected)
        house = House(means=means)
        async with doorkeeper_of(means) as house.doorkeeper, served(house) as url:
            answer = await asked(url, **bearer(issuer.sign()))
            door = Door(url=url, file=tmp_path / "none", house=house)
            async with greeted(door, bearer(issuer.sign())) as socket:
                code, why = await heard(socket)

    whole = answer.json()["errors"][0]["message"]
    assert len(whole.encode()) > 123
    assert code == 4403
    assert whole.startswith(why)
    assert 120 < len(why.encode()) <= 123


# ---------------------------------------------------------------- the client


async def test_the_client_shows_its_token_and_says_why_it_was_refused(tmp_path: Path) -> None:
    async with opened(tmp_path, {"ada": (Scope.READ, None)}) as (door, has):
        async with CouncilClient(door.url, token=has["ada"]) as client:
            assert (await client.service()).version == "1.2.3"
            events = client.events("dlb_1")
            assert (await anext(events)).sequence > 0
            door.keep("")
            with pytest.raises(QueryError, match="the token was taken back") as left:
                async for _ in events:
                    pass
        async with CouncilClient(door.url) as client:
            with pytest.raises(QueryError, match="a token must be sent") as refused:
                await client.service()
            with pytest.raises(QueryError, match="a token must be sent"):
                await anext(client.events("dlb_1"))

    for error in (left.value, refused.value):
        assert {fault.extensions.code for fault in error.faults} == {"UNAUTHENTICATED"}


async def test_who_is_in_is_told_to_come_again_where_the_issuer_is_away_for_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "_RENEWAL_SECONDS", 0.05)
    monkeypatch.setattr(keys, "_AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(keys, "_KEPT_SECONDS", -1.0)
    async with AsyncExitStack() as stack:
        issuer = await stack.enter_async_context(LocalIssuer().serve())
        means = Means(expected=Expected(issuer=issuer.url, audience=AUDIENCE))
        house = House(means=means)
        house.doorkeeper = await stack.enter_async_context(doorkeeper_of(means))
        url = await stack.enter_async_context(served(house))
        shown = bearer(issuer.sign())
        socket = await stack.enter_async_context(
            greeted(Door(url=url, file=tmp_path / "none", house=house), shown)
        )
        assert await heard(socket) == {"type": "connection_ack"}

        issuer.instead = PlainTextResponse("busy", 503)
        looking = asyncio.create_task(house.doorkeeper.run())
        try:
            closed = await heard(socket)
            again = await asked(url, **shown)
        finally:
            looking.cancel()
            await asyncio.wait([looking])

    words = "who issues tokens cannot be reached, so that none can be judged"
    assert closed == (1013, words)
    assert again.status_code == 503
