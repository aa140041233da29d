"""What the hot statements cost on a graph with a long history: bounds on db hits, since a LIMIT hides a bad plan on a small one."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime

import pytest
from neo4j import AsyncDriver, Query

from orchestrator.domain.deliberations import Priority, Status, StopReason
from orchestrator.domain.filters import DeliberationFilter
from orchestrator.domain.pages import PageRequest
from orchestrator.domain.statistics import Period
from orchestrator.engine.ports import Held
from orchestrator.graph import pruning
from orchestrator.graph.deliberations import GraphDeliberations
from orchestrator.graph.driver import Graph
from orchestrator.graph.news import GraphNews
from orchestrator.graph.records import GraphRecords
from orchestrator.graph.seeding import read_seed, seed, settle_defaults
from tests.support.deliberating import (
    LEASE,
    a_verdict,
    all_turns,
    an_order,
    recordings,
)
from tests.support.lists import count_of, page_of
from tests.support.neo4j import statement, wipe
from tests.support.profiling import ProfiledGraph

# The first of these makes the history.
pytestmark = [pytest.mark.neo4j, pytest.mark.timeout(300)]

HISTORY = 60_000
QUEUED = 10_000
RUNNING = 200

_PATIENCE = 250.0
"""Seconds."""


@pytest.fixture(scope="module")
async def profiled(migrated_graph: Graph, driver: AsyncDriver) -> AsyncGenerator[ProfiledGraph]:
    """Sixty thousand deliberations: 10,000 wait, 200 run, the others have ended."""
    database = migrated_graph.database
    await wipe(driver, database)
    await settle_defaults(migrated_graph, None, "a/model")
    await seed(migrated_graph, read_seed(None))
    await GraphDeliberations(migrated_graph).enter("prc_busy", "host", LEASE)
    async with driver.session(database=database) as session:
        for name, parameters in (
            ("make_tasks", {"count": 60}),
            ("make_history", {"count": HISTORY, "process": "prc_busy"}),
            ("seat_history", {"after": f"dlb_0190{HISTORY - 11_200:08}"}),
        ):
            # The history commits in batches, and so runs outside a managed transaction.
            # The server ends what takes a minute, which this can on a machine that has much else to do.
            query = Query(statement(f"graph/{name}"), timeout=_PATIENCE)
            await (await session.run(query, parameters)).consume()
        yield ProfiledGraph(migrated_graph)
        query = Query(statement("graph/forget_deliberations"), timeout=_PATIENCE)
        await (await session.run(query)).consume()
    await wipe(driver, database)


@pytest.fixture
def deliberations(profiled: ProfiledGraph) -> GraphDeliberations:
    return GraphDeliberations(profiled)


@pytest.fixture
def records(profiled: ProfiledGraph) -> GraphRecords:
    return GraphRecords(profiled)


async def claimed(deliberations: GraphDeliberations, room: int = 1) -> tuple[Held, ...]:
    await deliberations.enter("prc_one", "host", LEASE)
    holds = await deliberations.renew("prc_one", LEASE, {}) or ()
    known = [held.deliberation for held in holds]
    return await deliberations.claim("prc_one", room, (), known)


async def test_the_history_is_as_long_as_it_says(records: GraphRecords) -> None:
    assert await count_of(records, DeliberationFilter()) >= HISTORY
    queued = DeliberationFilter(statuses=(Status.QUEUED,))
    assert abs(await count_of(records, queued) - QUEUED) < 100


async def test_an_acceptance_costs_what_its_council_costs(
    profiled: ProfiledGraph, deliberations: GraphDeliberations
) -> None:
    await deliberations.accept(an_order())
    assert profiled.hits["deliberation/accept"] < 200


async def test_a_claim_costs_what_it_has_room_for_and_what_runs(
    profiled: ProfiledGraph, deliberations: GraphDeliberations
) -> None:
    (held,) = await claimed(deliberations)
    # Each of what runs is counted in its index; of each role, one is looked at for the room of one. It is 344 on a server of its own,
    # and a few more where tests of other files came before: how relationships lie in the store is part of it.
    assert profiled.hits["claim/claim"] < RUNNING + 200
    others = await claimed(deliberations, 64)
    assert len(others) == 64
    # With each goes all that it begins with: some forty properties of its own and of its task.
    assert profiled.hits["claim/claim"] < RUNNING + 5 * 64 + 64 * 90
    known = {one.deliberation: one.epoch for one in (held, *others)}
    # What is due is looked for in its own index, however much waits that is not.
    assert await deliberations.claim("prc_one", 0, (), known, due=64) == ()
    assert profiled.hits["claim/claim"] < RUNNING + 150
    await deliberations.renew("prc_one", LEASE, known)
    assert profiled.hits["claim/renew"] < 65 * 8
    # Of each that it does not know also whose its epoch is.
    await deliberations.renew("prc_one", LEASE, {})
    assert profiled.hits["claim/renew"] < 65 * 15
    assert held.epoch == 1
    await deliberations.release("prc_one")
    assert profiled.hits["claim/release"] < 65 * 18


async def test_a_takeover_costs_what_was_held(
    profiled: ProfiledGraph, deliberations: GraphDeliberations
) -> None:
    await deliberations.enter("prc_two", "host", LEASE)
    assert len(await deliberations.claim("prc_two", 10, ("prc_busy",), ())) == 10
    assert profiled.hits["claim/claim"] < RUNNING * 4 + 50 * 5 + 10 * 40
    await deliberations.release("prc_two")


async def test_recording_loading_and_deciding_cost_what_they_touch(
    profiled: ProfiledGraph, deliberations: GraphDeliberations
) -> None:
    # Before all that waits in the history, which has no seats.
    await deliberations.accept(an_order(priority=Priority.HIGH))
    (held,) = await claimed(deliberations)
    turns = all_turns(held.deliberation)
    await deliberations.record(recordings(held, turns))
    assert profiled.hits["turn/record"] < 12 * 60
    await deliberations.load(held.deliberation)
    assert profiled.hits["deliberation/load"] < 1500
    assert await deliberations.decide(held, 13, a_verdict(turns), StopReason.COMPLETED)
    assert profiled.hits["turn/record"] < 70


async def test_following_and_reserving_cost_what_they_touch(
    profiled: ProfiledGraph, deliberations: GraphDeliberations, records: GraphRecords
) -> None:
    await deliberations.accept(an_order(priority=Priority.HIGH, token_budget=100_000))
    (held,) = await claimed(deliberations)
    assert await deliberations.reserve(held, 100)
    assert profiled.hits["deliberation/reserve"] < 20
    await deliberations.record(recordings(held, all_turns(held.deliberation)))
    (transcript,) = (await records.transcripts([held.deliberation])).values()
    assert len(transcript.turns) == 12
    assert profiled.hits["turn/read_transcripts"] < 12 * 80
    assert await records.followed(held.deliberation) is not None
    assert profiled.hits["deliberation/follow"] < 12 * 90
    assert await deliberations.fail(held, None, StopReason.ERROR, "it was only looked at")


async def test_rehydrating_costs_what_councils_cost_whatever_they_held(
    profiled: ProfiledGraph,
) -> None:
    await profiled.read("council/rehydrate", together=1000)
    assert profiled.hits["council/rehydrate"] < 15 * 40


async def test_looking_for_what_is_old_costs_what_is_looked_at(profiled: ProfiledGraph) -> None:
    (row,) = await profiled.read(
        "pruning/list", above="", below="~", before=datetime(2027, 1, 1, tzinfo=UTC), limit=500
    )
    assert len(row["looked"]) == 500
    assert profiled.hits["pruning/list"] < 500 * 20


@pytest.mark.parametrize("statement", ["pruning/empty", "pruning/remove"])
async def test_pruning_costs_what_is_pruned(
    profiled: ProfiledGraph, deliberations: GraphDeliberations, statement: str
) -> None:
    """Its council, its agents and their model have sixty thousand others, which are not looked at."""
    await deliberations.accept(an_order(priority=Priority.HIGH))
    (held,) = await claimed(deliberations)
    turns = all_turns(held.deliberation)
    await deliberations.record(recordings(held, turns))
    assert await deliberations.decide(held, 13, a_verdict(turns), StopReason.COMPLETED)
    more = {"together": 32} if statement == "pruning/empty" else {}
    assert await profiled.write(
        statement, deliberation=held.deliberation, before=datetime(2100, 1, 1, tzinfo=UTC), **more
    )
    assert profiled.hits[statement] < 1000


async def test_counting_what_would_be_pruned_costs_what_is_counted(
    profiled: ProfiledGraph, deliberations: GraphDeliberations
) -> None:
    accepted = await deliberations.accept(an_order(priority=Priority.HIGH))
    ids = [accepted.deliberation]
    await profiled.read("pruning/count_removed", ids=ids, before=datetime(2027, 1, 1, tzinfo=UTC))
    await profiled.read("pruning/count_emptied", ids=ids)
    assert profiled.hits["pruning/count_removed"] < 100
    assert profiled.hits["pruning/count_emptied"] < 100
    # Claimed and ended, so that nobody after this one claims it.
    (held,) = await claimed(deliberations)
    assert await deliberations.fail(held, None, StopReason.ERROR, "it was only counted")


async def test_the_size_of_the_graph_is_looked_up(profiled: ProfiledGraph) -> None:
    size = await pruning.measure(profiled)
    assert size.deliberations >= HISTORY
    assert size.relationships > 2 * HISTORY
    assert profiled.hits["graph/measure"] < 60
    assert "NodeCountFromCountStore" in profiled.operators["graph/measure"]


LISTS: list[tuple[str, DeliberationFilter]] = [
    ("", DeliberationFilter()),
    ("_of_council", DeliberationFilter(council_id="")),
    ("_of_role", DeliberationFilter(role="DEV")),
    ("_of_external_id", DeliberationFilter(external_id="T-7")),
    ("_in_status", DeliberationFilter(statuses=(Status.FAILED, Status.QUEUED))),
    ("_in_status", DeliberationFilter(statuses=(Status.DECIDED,))),
]


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize(("suffix", "where"), LISTS)
async def test_a_page_costs_what_it_shows(
    profiled: ProfiledGraph,
    records: GraphRecords,
    *,
    suffix: str,
    where: DeliberationFilter,
    backward: bool,
) -> None:
    if where.council_id is not None:
        some = (await page_of(records, PageRequest(limit=1), DeliberationFilter())).items[0]
        where = DeliberationFilter(council_id=some.council_id)
    first = await page_of(records, PageRequest(limit=50, backward=backward), where)
    assert len(first.items) == 50
    name = ("deliberation/list_newer" if backward else "deliberation/list_older") + suffix
    key = first.items[0 if backward else -1].id
    cost = profiled.hits[name]
    await page_of(records, PageRequest(limit=50, backward=backward, key=key), where)
    for hits in (cost, profiled.hits[name]):
        assert hits < 51 * 3 * len(where.statuses or ("",))
    assert profiled.operators[name] & {
        "NodeIndexSeek",
        "NodeUniqueIndexSeekByRange",
        "NodeIndexSeekByRange",
    }


@pytest.mark.parametrize("backward", [False, True])
async def test_a_bound_in_time_does_not_walk_what_lies_beyond_it(
    profiled: ProfiledGraph, records: GraphRecords, *, backward: bool
) -> None:
    """By its time-ordered ids the history was made long before, so all of it is left out unread."""
    where = DeliberationFilter(accepted_since=datetime(2026, 2, 1, tzinfo=UTC))
    await page_of(records, PageRequest(limit=50, backward=backward), where)
    await count_of(records, where)
    name = "deliberation/list_newer" if backward else "deliberation/list_older"
    assert profiled.hits[name] < 500
    assert profiled.hits["deliberation/count_between"] < 500


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("deliberation/count", DeliberationFilter()),
        ("deliberation/count_of_role", DeliberationFilter(role="DEV")),
        ("deliberation/count_by_status", DeliberationFilter(statuses=(Status.DECIDED,))),
    ],
)
async def test_a_count_is_looked_up(
    profiled: ProfiledGraph, records: GraphRecords, name: str, where: DeliberationFilter
) -> None:
    assert await count_of(records, where) > 10_000
    assert profiled.hits[name] < 60


async def test_the_count_of_a_council_is_looked_up(
    profiled: ProfiledGraph, records: GraphRecords
) -> None:
    some = (await page_of(records, PageRequest(limit=1), DeliberationFilter())).items[0]
    where = DeliberationFilter(council_id=some.council_id)
    assert await count_of(records, where) > 10_000
    assert profiled.hits["deliberation/count_of_council"] < 10


async def test_reading_a_page_costs_what_it_shows(
    profiled: ProfiledGraph, records: GraphRecords
) -> None:
    """An agent's past seats are many and are not looked at."""
    await page_of(records, PageRequest(limit=20), DeliberationFilter(statuses=(Status.RUNNING,)))
    # Three seats each, at some sixty.
    assert profiled.hits["deliberation/read"] < 20 * 250


async def test_looking_at_what_is_followed_costs_what_is_followed(
    profiled: ProfiledGraph, records: GraphRecords
) -> None:
    page = await page_of(records, PageRequest(limit=100), DeliberationFilter())
    ids = [deliberation.id for deliberation in page.items]
    assert len(await GraphNews(profiled).places(ids)) == 100
    assert profiled.hits["deliberation/read_places"] < 100 * 8


async def test_looking_for_changes_costs_what_has_changed(
    profiled: ProfiledGraph, deliberations: GraphDeliberations
) -> None:
    await deliberations.accept(an_order(priority=Priority.HIGH))
    (held,) = await claimed(deliberations)
    assert await deliberations.fail(held, None, StopReason.ERROR, "it was only looked for")
    news = GraphNews(profiled)
    look = await news.transitions(None)
    assert held.deliberation in {change.what.course.deliberation for change in look.changes}
    # Three indexes, and each of the few that this module has changed in the last seconds.
    assert profiled.hits["deliberation/list_changed"] < 100 + 20 * len(look.changes)
    assert len(look.changes) < 500
    await news.councils(None)
    assert profiled.hits["council/list_changed"] < 100


async def test_statistics_cost_what_is_counted(
    profiled: ProfiledGraph, records: GraphRecords
) -> None:
    page = await page_of(records, PageRequest(limit=1), DeliberationFilter())
    council = page.items[0].council_id
    (counted,) = (await records.statistics([Period(council=council)])).values()
    assert counted.accepted > 10_000
    assert profiled.hits["council/read_statistics"] < 30 * counted.accepted
    late = Period(council=council, since=datetime(2026, 2, 1, tzinfo=UTC))
    (counted,) = (await records.statistics([late])).values()
    assert profiled.hits["council/read_statistics"] < 100 + 30 * counted.accepted
    assert counted.accepted < 1_000


async def test_tasks_are_listed_by_their_index(
    profiled: ProfiledGraph, records: GraphRecords
) -> None:
    await records.tasks(PageRequest(limit=20), None)
    await records.tasks(PageRequest(limit=20), "T-7")
    assert profiled.hits["task/list_older"] < 21 * 10
    assert profiled.hits["task/list_older_of_external_id"] < 20


async def test_nothing_scans_a_label_of_the_history(profiled: ProfiledGraph) -> None:
    """After all of the above: the scans are that of the roles, in a claim, and of what is read back whole."""
    scanning = {
        name for name, operators in profiled.operators.items() if "NodeByLabelScan" in operators
    }
    assert scanning <= {"claim/claim", "council/rehydrate"}
    assert not any("AllNodesScan" in operators for operators in profiled.operators.values())
