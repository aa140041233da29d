"""The subscriptions to changes: filters, what is shown, and how they end."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from graphql.execution.collect_fields import CollectedFields

from orchestrator.api import loaders
from orchestrator.api.context import Context
from orchestrator.api.ports import Ports
from orchestrator.api.schema import SCHEMA
from orchestrator.domain.callers import Authors
from orchestrator.domain.councils import Council
from orchestrator.domain.deliberations import Deliberation, Status
from orchestrator.domain.health import EndpointHealth, EndpointStatus
from orchestrator.domain.transitions import Course, transitions
from orchestrator.domain.values import replace
from orchestrator.engine.changes import DeliberationChange
from tests.support.samples import ANYBODY, ENDPOINT, a_council, a_deliberation, play
from tests.support.waiting import until
from tests.unit.api.conftest import Api
from tests.unit.api.doubles import House

DELIBERATIONS = """subscription ($filter: DeliberationFilter) { deliberationChanges(filter: $filter) {
  at previous status deliberation { id status verdict { margin } } } }"""


class Results:
    """What a subscription has brought, whether it was asked for or not."""

    def __init__(self) -> None:
        self.waiting: asyncio.Queue[Any] = asyncio.Queue()

    async def pump(self, results: AsyncIterator[Any]) -> None:
        async for result in results:
            self.waiting.put_nowait(result)
        self.waiting.put_nowait(None)

    async def __call__(self) -> Any:
        async with asyncio.timeout(10):
            return await self.waiting.get()

    async def next_of(self, field: str) -> Any:
        result = await self()
        assert result.errors is None, result.errors
        return result.data[field]


@asynccontextmanager
async def listening(
    house: House, document: str, *, ports: Ports | None = None, **variables: Any
) -> AsyncGenerator[Results]:
    """Subscribe, and wait until that is heard or refused; those with the same `ports` do so at one service."""
    stream = await SCHEMA.stream(
        document, variable_values=variables, context_value=Context(ports or house.ports(), ANYBODY)
    )
    results = Results()
    others = ever_listened(house)
    pumping = asyncio.create_task(results.pump(stream))
    await until(lambda: ever_listened(house) > others or not results.waiting.empty())
    yield results
    pumping.cancel()
    await asyncio.wait([pumping])


def ever_listened(house: House) -> int:
    return house.town.ever_listened + house.doctor.ever_listened


def change(house: House, deliberation: Deliberation) -> None:
    """Have a deliberation come to the status that it has."""
    course = Course(
        deliberation=deliberation.id,
        role=deliberation.role,
        council_id=deliberation.council_id,
        external_id=deliberation.task.external_id,
        status=deliberation.status,
        accepted_at=deliberation.accepted_at,
        started_at=deliberation.started_at,
        finished_at=deliberation.finished_at,
    )
    last = transitions(course)[-1]
    told = DeliberationChange(transition=last, deliberation=deliberation)
    house.town.of_deliberations.tell(last, told)


async def test_change_shows_both_statuses_and_the_deliberation_as_it_is(house: House) -> None:
    decided, transcript = play(a_deliberation())
    house.archive.keep(decided, transcript)
    async with listening(house, DELIBERATIONS) as results:
        change(house, decided)
        told = await results.next_of("deliberationChanges")

    assert decided.finished_at is not None
    assert told == {
        "at": decided.finished_at.isoformat(),
        "previous": "RUNNING",
        "status": "DECIDED",
        "deliberation": {
            "id": "dlb_1",
            "status": "DECIDED",
            "verdict": {"margin": transcript.outcome and transcript.outcome.verdict.margin},
        },
    }
    # What was told is not read again.
    assert house.archive.names == ["transcripts"]


async def test_accepted_one_had_no_status_before(house: House) -> None:
    queued = replace(a_deliberation(status=Status.QUEUED), started_at=None)
    async with listening(house, DELIBERATIONS) as results:
        change(house, queued)
        told = await results.next_of("deliberationChanges")

    assert (told["previous"], told["status"]) == (None, "QUEUED")


async def test_whoever_listens_for_weeks_costs_no_more_for_each_event(house: House) -> None:
    deliberation = a_deliberation()

    async def collected_after(events: int) -> int:
        for _ in range(events):
            change(house, deliberation)
            await results.next_of("deliberationChanges")
        gc.collect()
        return sum(isinstance(one, CollectedFields) for one in gc.get_objects())

    async with listening(house, DELIBERATIONS) as results:
        assert await collected_after(2) == await collected_after(20)


async def test_what_many_are_told_at_once_is_read_once_for_all_of_them(house: House) -> None:
    document = "subscription { deliberationChanges { deliberation { council { name } } } }"
    house.registry.add(a_council("dev"))
    ports = house.ports()
    async with AsyncExitStack() as stack:
        all_of_them = [
            await stack.enter_async_context(listening(house, document, ports=ports))
            for _ in range(20)
        ]
        for _ in range(2):
            change(house, a_deliberation())
            for results in all_of_them:
                told = await results.next_of("deliberationChanges")
                assert told["deliberation"]["council"] == {"name": "dev-council-1"}

    # Once for each of the two, since the council may be another by the second.
    assert house.registry.names == ["councils_by_id", "councils_by_id"]


async def test_who_leaves_takes_nothing_from_others_who_are_told_the_same(house: House) -> None:
    document = "subscription { deliberationChanges { deliberation { council { name } } } }"
    house.registry.add(a_council("dev"))
    read = asyncio.Event()
    may_answer = asyncio.Event()
    find = house.registry.councils_by_id

    async def slowly(ids: Collection[str], *, seated: bool) -> Mapping[str, Council]:
        read.set()
        await may_answer.wait()
        return await find(ids, seated=seated)

    house.registry.councils_by_id = slowly
    ports = house.ports()
    async with listening(house, document, ports=ports) as stays:
        async with listening(house, document, ports=ports):
            change(house, a_deliberation())
            await read.wait()
        may_answer.set()
        told = await stays.next_of("deliberationChanges")

    assert told["deliberation"]["council"] == {"name": "dev-council-1"}


async def test_what_is_read_for_those_who_have_all_left_is_ended(house: House) -> None:
    document = "subscription { deliberationChanges { deliberation { council { name } } } }"
    house.registry.add(a_council("dev"))
    reading, ended = asyncio.Event(), asyncio.Event()

    async def for_ever(ids: Collection[str], *, seated: bool) -> Mapping[str, Council]:
        del ids, seated
        reading.set()
        try:
            return await asyncio.Future[Mapping[str, Council]]()
        finally:
            ended.set()

    house.registry.councils_by_id = for_ever
    ports = house.ports()
    async with listening(house, document, ports=ports), listening(house, document, ports=ports):
        change(house, a_deliberation())
        await reading.wait()
        assert not ended.is_set()

    async with asyncio.timeout(10):
        await ended.wait()


async def test_who_comes_late_to_what_he_is_told_is_told_how_it_is_then(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loaders, "_TOGETHER_SECONDS", 0.0)
    document = "subscription { deliberationChanges { deliberation { council { name } } } }"
    council = a_council("dev")
    house.registry.add(council)
    ports = house.ports()
    names: list[str] = []
    async with listening(house, document, ports=ports) as early:
        stream = await SCHEMA.stream(document, context_value=Context(ports, ANYBODY))
        late = aiter(stream)
        first = asyncio.ensure_future(anext(late))
        await until(lambda: ever_listened(house) == 2)
        for _ in range(2):
            change(house, a_deliberation())
        await first
        for _ in range(2):
            told = await early.next_of("deliberationChanges")
            names.append(told["deliberation"]["council"]["name"])
        house.registry.add(replace(council, name="renamed"))
        result: Any = await anext(late)
        names.append(result.data["deliberationChanges"]["deliberation"]["council"]["name"])
        await stream.aclose()

    assert names == ["dev-council-1", "dev-council-1", "renamed"]


async def test_however_many_are_told_all_else_has_its_turn_between_two_of_them(
    house: House,
) -> None:
    told = most = 0
    ports = house.ports()

    async def listen() -> None:
        nonlocal told
        results = await SCHEMA.stream(
            "subscription { deliberationChanges { status } }",
            context_value=Context(ports, ANYBODY),
        )
        async for _ in results:
            told += 1

    everybody = [asyncio.create_task(listen()) for _ in range(20)]
    await until(lambda: ever_listened(house) == 20)
    for _ in range(3):
        change(house, a_deliberation())
    while told < 60:
        before = told
        await asyncio.sleep(0)
        most = max(most, told - before)
    for one in everybody:
        one.cancel()
    await asyncio.wait(everybody)

    assert most == 1


async def test_filter_is_passed_on_and_a_wrong_one_is_refused(house: House) -> None:
    async with listening(house, DELIBERATIONS, filter={"role": "QA"}) as results:
        change(house, a_deliberation())
        change(house, replace(a_deliberation("dlb_2"), role="QA"))
        told = await results.next_of("deliberationChanges")
    async with listening(house, DELIBERATIONS, filter={"role": ""}) as results:
        refused = await results()

    assert told["deliberation"]["id"] == "dlb_2"
    assert refused.errors[0].extensions["code"] == "INVALID_INPUT"


async def test_councils_are_shown_as_they_are_after_their_change(house: House) -> None:
    document = "subscription { councilChanges { id version seats { number } } }"
    async with listening(house, document) as results:
        council = replace(a_council("qa"), version=9)
        house.town.of_councils.tell(council, council)
        told = await results.next_of("councilChanges")

    assert told == {"id": "cou_qa", "version": 9, "seats": [{"number": n} for n in (1, 2, 3)]}


async def test_endpoints_are_shown_with_their_health(house: House) -> None:
    async with listening(house, "subscription { endpointChanges { name status } }") as results:
        house.doctor.seen[ENDPOINT.name] = EndpointHealth(status=EndpointStatus.DOWN)
        house.doctor.of_endpoints.tell(ENDPOINT, ENDPOINT)
        told = await results.next_of("endpointChanges")

    assert told == {"name": "gpu", "status": "DOWN"}


async def test_who_changed_what_is_told_is_read_anew_each_time(house: House) -> None:
    document = "subscription { endpointChanges { createdBy updatedBy } }"
    async with listening(house, document) as results:
        told: list[Any] = []
        for changer in ("bob", "cleo"):
            house.archive.known_authors[ENDPOINT.id] = Authors(created_by="ada", updated_by=changer)
            house.doctor.of_endpoints.tell(ENDPOINT, ENDPOINT)
            told.append(await results.next_of("endpointChanges"))

    assert told == [
        {"createdBy": "ada", "updatedBy": "bob"},
        {"createdBy": "ada", "updatedBy": "cleo"},
    ]


async def test_who_reads_too_slowly_is_told_so_and_that_is_all(house: House) -> None:
    async with listening(house, DELIBERATIONS) as results:
        for _ in range(1_025):
            change(house, a_deliberation())
        result = await results()
        assert await results() is None

    [error] = result.errors
    assert error.extensions["code"] == "LIMIT"
    assert "more than 1024 changes waited" in error.message


@pytest.mark.parametrize("document", [DELIBERATIONS, "subscription { councilChanges { id } }"])
async def test_nobody_listens_to_a_graph_that_cannot_be_read(house: House, document: str) -> None:
    house.state.waiting_for = "migrations"
    async with listening(house, document) as results:
        result = await results()

    [error] = result.errors
    assert error.extensions["code"] == "UNAVAILABLE"
    assert "migrations" in error.message


@pytest.mark.parametrize(
    ("mutation", "councils", "endpoints"),
    [
        ('updateCouncil(input: {id: "cou_dev", name: "x"})', 1, 0),
        ('updateAgent(input: {id: "agt_dev1", persona: "x"})', 1, 0),
        ('updateEndpoint(input: {id: "end_1", url: "http://a/v1"})', 1, 1),
        ('removeEndpoint(input: {id: "end_1"})', 1, 1),
        ('updateCouncil(input: {id: "cou_dev", name: ""})', 0, 0),
    ],
)
async def test_what_this_process_changes_is_looked_at_at_once(
    api: Api, house: House, mutation: str, councils: int, endpoints: int
) -> None:
    await api.ask(f"mutation {{ {mutation} {{ errors {{ code }} }} }}")

    assert (house.town.looks, house.doctor.looks) == (councils, endpoints)
