"""How much one client has under way: counted while it is, and never more than one may have."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import Any

import pytest
from starlette.requests import HTTPConnection
from structlog.testing import capture_logs

from orchestrator.api.clients import Bounds, Client, Clients, Kind
from orchestrator.api.context import Context
from orchestrator.api.limits import TooManyError
from orchestrator.api.schema import SCHEMA
from orchestrator.domain.callers import Caller, KnownBy, Scope
from tests.support.samples import ANYBODY, a_deliberation
from tests.support.waiting import until
from tests.unit.api.doubles import House

ONE_OF_EACH = Bounds(connections=1, subscriptions=1, requests=1)
QUERY = "{ service { version } }"
FOLLOW = 'subscription { deliberationEvents(id: "dlb_1") { sequence } }'
WAIT = '{ one: deliberation(id: "dlb_1", wait: 60) { id } }'


def from_address(host: str | None) -> HTTPConnection:
    client = None if host is None else (host, 1)
    return HTTPConnection({"type": "http", "client": client, "headers": []})


def a_caller(name: str) -> Caller:
    return Caller(scope=Scope.READ, name=name, known_by=KnownBy.TOKEN)


# ---------------------------------------------------------------- counting


@pytest.mark.parametrize("kind", Kind)
def test_a_client_has_as_much_as_it_may_and_no_more(kind: Kind) -> None:
    clients = Clients(Bounds(connections=2, subscriptions=2, requests=2))
    with ExitStack() as under_way:
        for _ in range(2):
            under_way.enter_context(clients.one_more("ada", kind, "an-id"))
        with capture_logs() as logs, pytest.raises(TooManyError) as refused:
            under_way.enter_context(clients.one_more("ada", kind, "an-id"))
        # What others have, and what else it has, is counted by itself.
        under_way.enter_context(clients.one_more("bob", kind, "an-id"))
        other = next(one for one in Kind if one is not kind)
        under_way.enter_context(clients.one_more("ada", other, "an-id"))

    assert refused.value.message == (
        f"with this one the client has 3 {kind} at once, and may have 2 at most"
    )
    assert (refused.value.limit["value"], refused.value.limit["bound"]) == (3, 2)
    [line] = logs
    assert (line["client"], line["kind"], line["bound"]) == ("ada", kind, 2)
    assert line["correlation_id"] == "an-id"


def test_what_is_over_is_counted_no_more_and_nothing_is_kept_of_who_has_left() -> None:
    clients = Clients(ONE_OF_EACH)

    def fail(client: str) -> None:
        with clients.one_more(client, Kind.REQUEST, "an-id"):
            assert clients.under_way == {(client, Kind.REQUEST): 1}
            with pytest.raises(TooManyError), clients.one_more(client, Kind.REQUEST, "an-id"):
                pass
            raise RuntimeError

    for number in range(100):
        with pytest.raises(RuntimeError):
            fail(f"client-{number}")

    assert clients.under_way == {}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2", True),
        (None, None, True),
    ],
)
def test_who_is_anonymous_is_known_by_the_part_of_his_address_that_he_cannot_choose(
    one: str | None, other: str | None, same: bool
) -> None:
    clients = Clients()
    anybody = Caller(scope=Scope.READ)

    first, second = (clients.of(from_address(host), anybody) for host in (one, other))

    assert (first == second) is same


def test_a_caller_is_one_client_from_wherever_he_asks() -> None:
    clients = Clients()

    ada = clients.of(from_address("192.0.2.1"), a_caller("ada"))

    assert clients.of(from_address("192.0.2.2"), a_caller("ada")) == ada
    assert clients.of(from_address("192.0.2.1"), a_caller("bob")) != ada
    assert clients.of(from_address("192.0.2.1")) != ada


# ---------------------------------------------------------------- operations


class Desk:
    """Operations of one client."""

    def __init__(self, house: House, bounds: Bounds = ONE_OF_EACH) -> None:
        self.house = house
        self.clients = Clients(bounds)
        self.client = Client(self.clients, "ada")

    @property
    def context(self) -> Context:
        return Context(self.house.ports(), ANYBODY, client=self.client)

    async def ask(self, query: str) -> Any:
        return await SCHEMA.execute(query, context_value=self.context)


@pytest.fixture
def desk(house: House) -> Desk:
    house.archive.keep(a_deliberation())
    return Desk(house)


def codes(result: Any) -> list[str]:
    return [error.extensions["code"] for error in result.errors or ()]


async def test_a_query_is_counted_until_it_is_answered(desk: Desk) -> None:
    waiting = asyncio.create_task(desk.ask(WAIT))
    await until(lambda: bool(desk.house.office.followers))

    refused = await desk.ask(QUERY)
    desk.house.state.told_to_end.set()
    assert (await waiting).errors is None
    allowed = await desk.ask(QUERY)

    assert codes(refused) == ["LIMIT"]
    assert refused.errors[0].extensions["limit"] == {
        "name": "clientRequests",
        "value": 2,
        "bound": 1,
    }
    assert refused.errors[0].extensions["retryAfter"] == 1
    assert allowed.errors is None
    assert desk.clients.under_way == {}


async def test_a_query_whose_client_has_gone_is_counted_no_more(desk: Desk) -> None:
    waiting = asyncio.create_task(desk.ask(WAIT))
    await until(lambda: bool(desk.house.office.followers))

    waiting.cancel()
    await asyncio.wait([waiting])

    assert desk.clients.under_way == {}


async def test_a_query_that_waits_counts_among_the_subscriptions(desk: Desk) -> None:
    two = f'{WAIT.removesuffix("}")} other: deliberation(id: "dlb_1", wait: 60) {{ id }} }}'
    asked = asyncio.create_task(desk.ask(two))
    await until(lambda: bool(desk.house.office.followers))
    desk.house.state.told_to_end.set()

    answered = await asked

    assert codes(answered) == ["LIMIT"]
    assert answered.data == {"one": {"id": "dlb_1"}, "other": None}
    assert desk.clients.under_way == {}


async def test_a_subscription_is_counted_until_it_is_left(desk: Desk) -> None:
    first = await SCHEMA.subscribe(FOLLOW, context_value=desk.context)
    event = asyncio.ensure_future(anext(first))
    await until(lambda: bool(desk.house.office.followers))
    assert desk.clients.under_way == {("ada", Kind.SUBSCRIPTION): 1}

    second = await SCHEMA.subscribe(FOLLOW, context_value=desk.context)
    refused = [result async for result in second]
    event.cancel()
    await asyncio.wait([event])
    await first.aclose()

    assert [codes(one) for one in refused] == [["LIMIT"]]
    assert desk.clients.under_way == {}


async def test_what_is_refused_before_is_not_counted(desk: Desk) -> None:
    desk.house.state.waiting_for = "Neo4j"
    with desk.client.one_more(Kind.REQUEST, "an-id"):
        unready = await desk.ask('mutation { retireAgent(input: { id: "x" }) { __typename } }')
        invalid = await desk.ask("{ nothing }")

    assert codes(unready) == ["UNAVAILABLE"]
    assert codes(invalid) == ["INVALID_INPUT"]
