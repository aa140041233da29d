"""What was deliberated, as the API reads it: whole, by filters, and page by page in both directions."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from neo4j import Record
from typing_extensions import override

from orchestrator.domain.availability import Holding
from orchestrator.domain.deliberations import Deliberation, Status, StopReason, TurnKind
from orchestrator.domain.drafts import AgentChange
from orchestrator.domain.errors import UnreadableError
from orchestrator.domain.filters import DeliberationFilter
from orchestrator.domain.ids import verdict_id
from orchestrator.domain.pages import Page, PageRequest
from orchestrator.domain.protocols.peer_review import next_step
from orchestrator.domain.protocols.steps import Decide, Rules
from orchestrator.domain.statistics import Period
from orchestrator.domain.transcripts import Claimed, Transcript
from orchestrator.domain.values import replace
from orchestrator.engine.ports import Deliberations, Held, Order
from orchestrator.graph.councils import Councils
from orchestrator.graph.deliberations import GraphDeliberations
from orchestrator.graph.driver import Graph
from orchestrator.graph.records import GraphRecords
from tests.integration.graph.conftest import Run
from tests.support.deliberating import (
    LEASE,
    a_verdict,
    all_turns,
    an_order,
    one_more,
    proposals,
    recordings,
)
from tests.support.lists import count_of, page_of

pytestmark = pytest.mark.neo4j

EVERYTHING = DeliberationFilter()


@pytest.fixture
async def deliberations(seeded: Councils) -> Deliberations:
    found = GraphDeliberations(seeded.graph)
    await found.enter("prc_one", "host", LEASE)
    return found


@pytest.fixture
def records(seeded: Councils) -> GraphRecords:
    return GraphRecords(seeded.graph)


async def claimed(deliberations: Deliberations, order: Order | None = None) -> Held:
    await deliberations.accept(order or an_order())
    return await one_more(deliberations)


async def test_deliberations_are_read_as_their_holder_loads_them(
    deliberations: Deliberations, records: GraphRecords
) -> None:
    held = [await claimed(deliberations, an_order(role)) for role in ("DEV", "QA")]
    await deliberations.record(recordings(held[0], proposals(held[0].deliberation)))
    ids = [one.deliberation for one in held]
    found = await records.deliberations_by_id([*ids, "dlb_none"])
    assert found == {id_: (await deliberations.load(id_)).deliberation for id_ in ids}


async def test_one_is_read_as_it_is_among_many(
    deliberations: Deliberations, records: GraphRecords
) -> None:
    held = await claimed(deliberations)
    id_ = held.deliberation
    await deliberations.record(recordings(held, proposals(id_)))
    assert await records.deliberation(id_) == (await records.deliberations_by_id([id_]))[id_]
    assert await records.deliberation("dlb_none") is None


async def test_who_follows_one_is_told_of_it_and_all_that_was_recorded_of_it(
    deliberations: Deliberations, records: GraphRecords
) -> None:
    held = await claimed(deliberations)
    id_ = held.deliberation
    for recorded in (0, 3, 12):
        turns = all_turns(id_)[:recorded]
        await deliberations.record(recordings(held, turns))
        followed = await records.followed(id_)
        whole = (await records.deliberations_by_id([id_]))[id_]
        assert followed == (
            replace(whole, seats=()),
            (await records.transcripts([id_]))[id_],
        )
    assert await deliberations.decide(held, 13, a_verdict(turns), StopReason.COMPLETED)
    followed = await records.followed(id_)
    assert followed is not None
    assert (followed[0].status, followed[1].ended) == (Status.DECIDED, 14)
    assert followed[1] == (await records.transcripts([id_]))[id_]
    assert await records.followed("dlb_none") is None


async def test_who_sits_on_several_that_are_read_together_is_kept_once(
    seeded: Councils, deliberations: Deliberations, records: GraphRecords
) -> None:
    council = await seeded.council_by_role("DEV")
    assert council is not None
    await seeded.update_agent(council.seats[0].agent.id, AgentChange(persona="Be brief."))
    one, other = await claimed(deliberations), await claimed(deliberations)

    found = await records.deliberations_by_id([one.deliberation, other.deliberation])

    of_one, of_other = found[one.deliberation].seats, found[other.deliberation].seats
    assert of_one[0].persona == "Be brief."
    assert all(here.agent is there.agent for here, there in zip(of_one, of_other, strict=True))
    assert of_one[0].persona is of_other[0].persona


async def test_of_several_that_are_read_together_it_is_said_which_cannot_be_read(
    deliberations: Deliberations, records: GraphRecords, run: Run
) -> None:
    unreadable = (await claimed(deliberations)).deliberation
    await claimed(deliberations)
    await run("change_protocol", deliberation=unreadable, protocol="ONE_OF_A_LATER_VERSION")

    with pytest.raises(UnreadableError, match=unreadable) as raised:
        await page_of(records, PageRequest(), EVERYTHING)

    assert "ONE_OF_A_LATER_VERSION" in str(raised.value.__cause__)


async def test_nothing_is_read_of_what_is_not_there(records: GraphRecords) -> None:
    assert await records.deliberations_by_id(["dlb_none"]) == {}
    assert await records.deliberations_by_id([]) == {}
    assert await records.tasks_by_id(["tsk_none"]) == {}
    assert await records.transcripts(["dlb_none"]) == {}
    assert await page_of(records, PageRequest(), EVERYTHING) == Page(items=())
    assert await count_of(records, DeliberationFilter(council_id="cou_none")) == 0
    assert await count_of(records, DeliberationFilter(role="POET")) == 0


async def test_a_transcript_holds_turns_claims_and_the_verdict_with_its_dissent(
    deliberations: Deliberations, records: GraphRecords, run: Run
) -> None:
    first = await claimed(deliberations)
    id_ = first.deliberation
    turns = all_turns(id_)
    await deliberations.record(recordings(first, turns[:6]))
    await run("expire_lease", process="prc_one")
    await deliberations.enter("prc_two", "host", LEASE)
    (held,) = await deliberations.claim("prc_two", 1, (), ())
    # Seat 2 votes against what the others elect.
    ballot = turns[10]
    turns[10] = replace(ballot, choices=ballot.choices[::-1])
    await deliberations.record(recordings(held, turns[6:]))
    case = await deliberations.load(id_)
    step = next_step(Rules(deliberation=id_, seats=(1, 2, 3), rounds=1, quorum=2), case.turns)
    assert isinstance(step, Decide)
    assert step.verdict.dissent
    assert await deliberations.decide(held, 14, step.verdict, StopReason.COMPLETED)

    (transcript,) = (await records.transcripts([id_, id_, "dlb_none"])).values()
    assert transcript.turns == case.turns
    assert [(claim.sequence, claim.resumed) for claim in transcript.claims] == [
        (1, False),
        (8, True),
    ]
    assert all(isinstance(claim, Claimed) for claim in transcript.claims)
    assert transcript.outcome is not None
    assert transcript.outcome.verdict == step.verdict
    assert transcript.outcome.id == verdict_id(id_)
    assert transcript.ended == 15
    found = (await records.deliberations_by_id([id_]))[id_]
    assert transcript.outcome.decided_at == found.finished_at


async def test_a_transcript_of_what_is_under_way_has_no_end(
    deliberations: Deliberations, records: GraphRecords
) -> None:
    one, two = await claimed(deliberations), await claimed(deliberations)
    await deliberations.record(recordings(one, proposals(one.deliberation)))
    await deliberations.fail(two, 1, StopReason.ERROR, "it broke")
    found = await records.transcripts([one.deliberation, two.deliberation])
    running, failed = found[one.deliberation], found[two.deliberation]
    assert (len(running.turns), running.outcome, running.ended) == (3, None, None)
    assert failed == Transcript(
        deliberation=two.deliberation, turns=(), claims=failed.claims, outcome=None, ended=2
    )


class _Ending(Graph):
    """Shows the first look at transcripts as it is while Neo4j writes an end into its store: no sequence of it yet."""

    looks = 0

    @override
    async def read(self, name: str, /, **parameters: Any) -> list[Record]:
        rows = await super().read(name, **parameters)
        self.looks += 1
        if self.looks == 1:
            for row in rows:
                row["transcript"][1] = None
        return rows


async def test_end_that_was_seen_already_is_looked_for_again(
    deliberations: Deliberations, seeded: Councils
) -> None:
    held = await claimed(deliberations)
    await deliberations.fail(held, 1, StopReason.ERROR, "it broke")
    graph = seeded.graph
    unknown, known = (
        _Ending(graph.driver, graph.address, graph.database, graph.bounds) for _ in range(2)
    )

    before = await GraphRecords(unknown).transcripts([held.deliberation])
    after = await GraphRecords(known).transcripts([held.deliberation], ended=[held.deliberation])

    assert (before[held.deliberation].ended, unknown.looks) == (None, 1)
    assert (after[held.deliberation].ended, known.looks) == (2, 2)


async def test_a_seat_keeps_its_endpoint_after_that_was_removed(
    seeded: Councils, deliberations: Deliberations, records: GraphRecords, run: Run
) -> None:
    endpoint = await seeded.register_endpoint("lab", "http://127.0.0.1:9/v1", None, None)
    order = an_order()
    await deliberations.accept(order)
    await run("bind_seats", deliberation=order.deliberation, endpoint=endpoint)
    await seeded.remove_endpoint(endpoint)
    found = (await records.deliberations_by_id([order.deliberation]))[order.deliberation]
    assert {seat.endpoint and seat.endpoint.name for seat in found.seats} == {"lab"}


async def some_of_each(deliberations: Deliberations, records: GraphRecords) -> list[Deliberation]:
    """Twelve, newest first: of three roles, two external ids and four statuses."""
    for number in range(12):
        role = ("DEV", "QA", "DATA")[number % 3]
        await deliberations.accept(an_order(role, external_id=(None, "a", "b")[number % 2 + 1]))
    running = await deliberations.claim("prc_one", 7, (), ())
    for held in running[:3]:
        await deliberations.fail(held, 1, StopReason.ERROR, "it broke")
    turns = all_turns(running[3].deliberation)
    await deliberations.record(recordings(running[3], turns))
    assert await deliberations.decide(running[3], 13, a_verdict(turns), StopReason.COMPLETED)
    page = await page_of(records, PageRequest(limit=100), EVERYTHING)
    assert [one.id for one in page.items] == sorted((d.id for d in page.items), reverse=True)
    assert {one.status for one in page.items} == {
        Status.QUEUED,
        Status.RUNNING,
        Status.DECIDED,
        Status.FAILED,
    }
    return list(page.items)


def matches(one: Deliberation, where: DeliberationFilter) -> bool:
    return (
        (where.statuses is None or one.status in where.statuses)
        and (where.role is None or one.role == where.role)
        and (where.council_id is None or one.council_id == where.council_id)
        and (where.task is None or one.task.id == where.task)
        and (where.accepted_since is None or one.accepted_at >= where.accepted_since)
        and (where.accepted_before is None or one.accepted_at < where.accepted_before)
        and (where.external_id is None or one.task.external_id == where.external_id)
    )


class _Pruning(GraphRecords):
    """Between a list and what is read of it, some of it is gone."""

    gone: frozenset[str] = frozenset()

    @override
    async def deliberations_by_id(
        self, ids: Collection[str], *, seated: bool = True, brief: bool = False
    ) -> Mapping[str, Deliberation]:
        left = [id_ for id_ in ids if id_ not in self.gone]
        return await super().deliberations_by_id(left, seated=seated, brief=brief)


@pytest.mark.parametrize("gone", [(0, 1), (1,), ()])
async def test_a_page_of_which_some_was_pruned_meanwhile_says_where_it_goes_on(
    seeded: Councils, deliberations: Deliberations, gone: tuple[int, ...]
) -> None:
    old, new, newest = [(await deliberations.accept(an_order())).deliberation for _ in range(3)]
    records = _Pruning(seeded.graph)
    records.gone = frozenset([newest, new][number] for number in gone)

    page = await page_of(records, PageRequest(limit=2), EVERYTHING)

    assert [one.id for one in page.items] == [
        id_ for id_ in (newest, new) if id_ not in records.gone
    ]
    assert page.ends == ((newest, new) if gone else None)
    after = await page_of(records, PageRequest(limit=2, key=new), EVERYTHING)
    assert [one.id for one in after.items] == [old]


class _Cancelling(GraphRecords):
    """Between a list and what is read of it, some of it is cancelled."""

    cancelled: frozenset[str] = frozenset()

    @override
    async def deliberations_by_id(
        self, ids: Collection[str], *, seated: bool = True, brief: bool = False
    ) -> Mapping[str, Deliberation]:
        found = await super().deliberations_by_id(ids, seated=seated, brief=brief)
        return {
            id_: replace(one, status=Status.CANCELLED) if id_ in self.cancelled else one
            for id_, one in found.items()
        }


@pytest.mark.parametrize("cancelled", [(0, 1), (1,), ()])
async def test_a_page_shows_none_that_came_meanwhile_to_a_status_that_was_not_asked_for(
    seeded: Councils, deliberations: Deliberations, cancelled: tuple[int, ...]
) -> None:
    _, new, newest = [(await deliberations.accept(an_order())).deliberation for _ in range(3)]
    records = _Cancelling(seeded.graph)
    records.cancelled = frozenset([newest, new][number] for number in cancelled)

    async def listed(*statuses: Status) -> tuple[list[str], tuple[str, str] | None, bool]:
        where = DeliberationFilter(statuses=statuses)
        page = await page_of(records, PageRequest(limit=2), where)
        return [one.id for one in page.items], page.ends, page.has_next

    left = [id_ for id_ in (newest, new) if id_ not in records.cancelled]
    assert await listed(Status.QUEUED) == (left, (newest, new) if cancelled else None, True)
    assert await listed(Status.QUEUED, Status.CANCELLED) == ([newest, new], None, True)


@pytest.mark.timeout(180)
async def test_every_combination_of_filters_lists_and_counts_the_same_in_both_directions(
    deliberations: Deliberations, records: GraphRecords
) -> None:
    everything = await some_of_each(deliberations, records)
    some = everything[4]
    since, before = everything[9].accepted_at, everything[2].accepted_at
    for statuses, role, council, task, bounds, external in itertools.product(
        (None, (Status.FAILED, Status.QUEUED, Status.FAILED), (Status.DECIDED, Status.RUNNING)),
        (None, some.role),
        (None, some.council_id),
        (None, some.task.id),
        (None, (since, before)),
        (None, some.task.external_id),
    ):
        where = DeliberationFilter(
            statuses=statuses,
            role=role,
            council_id=council,
            task=task,
            accepted_since=None if bounds is None else bounds[0],
            accepted_before=None if bounds is None else bounds[1],
            external_id=external,
        )
        expected = tuple(one for one in everything if matches(one, where))
        older, newer, count = await asyncio.gather(
            page_of(records, PageRequest(limit=50), where),
            page_of(records, PageRequest(limit=50, backward=True), where),
            count_of(records, where),
        )
        assert older == newer == Page(items=expected), where
        assert count == len(expected), where


@pytest.mark.parametrize(
    "where",
    [
        EVERYTHING,
        DeliberationFilter(role="DEV"),
        DeliberationFilter(statuses=(Status.QUEUED, Status.FAILED, Status.RUNNING)),
        DeliberationFilter(external_id="a"),
    ],
)
async def test_pages_follow_one_another_in_both_directions_without_gap_or_double(
    deliberations: Deliberations, records: GraphRecords, where: DeliberationFilter
) -> None:
    expected = [one for one in await some_of_each(deliberations, records) if matches(one, where)]
    forward: list[Deliberation] = []
    key = None
    while True:
        page = await page_of(records, PageRequest(limit=3, key=key), where)
        assert page.has_previous == (key is not None)
        forward += page.items
        if not page.has_next:
            break
        key = page.items[-1].id
    assert forward == expected

    backward: list[Deliberation] = []
    key = None
    while True:
        page = await page_of(records, PageRequest(limit=3, key=key, backward=True), where)
        assert page.has_next == (key is not None)
        backward = [*page.items, *backward]
        if not page.has_previous:
            break
        key = page.items[0].id
    assert backward == expected


class _Moving(Graph):
    """Has statements find what they list in each status twice, as what moves on while they read is found in two of them."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph.driver, graph.address, graph.database, graph.bounds)
        self.read_in_order: list[list[Status]] = []

    @override
    async def read(self, name: str, /, **parameters: Any) -> list[Record]:
        if "statuses" not in parameters:
            return await super().read(name, **parameters)
        statuses: list[Status] = parameters.pop("statuses")
        self.read_in_order.append(statuses)
        return await super().read(name, **parameters, statuses=[*statuses, *statuses])


@pytest.mark.parametrize("backward", [False, True])
async def test_what_moves_from_status_to_status_while_a_page_is_read_is_there_once(
    seeded: Councils, deliberations: Deliberations, records: GraphRecords, *, backward: bool
) -> None:
    everything = await some_of_each(deliberations, records)
    where = DeliberationFilter(statuses=(Status.FAILED, Status.RUNNING, Status.QUEUED))
    expected = [one for one in everything if matches(one, where)]
    moving = _Moving(seeded.graph)

    page = await page_of(GraphRecords(moving), PageRequest(limit=3, backward=backward), where)

    assert list(page.items) == (expected[-3:] if backward else expected[:3])
    # Read in any other order, what moves on in between would be in none of them.
    assert moving.read_in_order == [[Status.QUEUED, Status.RUNNING, Status.FAILED]]


async def test_a_council_lists_only_what_it_held(
    seeded: Councils, deliberations: Deliberations, records: GraphRecords
) -> None:
    everything = await some_of_each(deliberations, records)
    council = await seeded.council_by_role("QA")
    assert council is not None
    where = DeliberationFilter(council_id=council.id)
    page = await page_of(records, PageRequest(), where)
    assert [one.id for one in page.items] == [d.id for d in everything if d.role == "QA"]


async def test_a_bound_far_in_the_past_or_future_leaves_nothing_or_everything(
    deliberations: Deliberations, records: GraphRecords
) -> None:
    everything = await some_of_each(deliberations, records)
    week = timedelta(days=7)
    long_ago = everything[-1].accepted_at - week
    hence = everything[0].accepted_at + week
    for where, count in (
        (DeliberationFilter(accepted_since=long_ago), 12),
        (DeliberationFilter(accepted_since=hence), 0),
        (DeliberationFilter(accepted_before=long_ago), 0),
        (DeliberationFilter(accepted_before=hence), 12),
    ):
        page = await page_of(records, PageRequest(limit=50), where)
        assert (len(page.items), await count_of(records, where)) == (count, count)


async def test_tasks_are_read_listed_and_counted(
    deliberations: Deliberations, records: GraphRecords
) -> None:
    orders = [an_order(external_id=("a", "b")[number % 2]) for number in range(5)]
    for order in orders:
        await deliberations.accept(order)
    newest = [order.task for order in reversed(orders)]
    of_a = [task for task in newest if task.external_id == "a"]

    assert await records.tasks_by_id([task.id for task in newest]) == {
        task.id: task for task in newest
    }
    assert await records.tasks(PageRequest(limit=2), None) == Page(
        items=tuple(newest[:2]), has_next=True
    )
    assert await records.tasks(PageRequest(limit=2, key=newest[1].id), None) == Page(
        items=tuple(newest[2:4]), has_next=True, has_previous=True
    )
    assert await records.tasks(PageRequest(limit=2, backward=True), None) == Page(
        items=tuple(newest[3:]), has_previous=True
    )
    assert await records.tasks(PageRequest(limit=2), "a") == Page(
        items=tuple(of_a[:2]), has_next=True
    )
    assert await records.tasks(PageRequest(limit=2, backward=True), "a") == Page(
        items=tuple(of_a[1:]), has_previous=True
    )
    assert (await records.count_tasks(None), await records.count_tasks("a")) == (5, 3)
    assert await records.count_tasks("none") == 0


async def test_what_a_turn_answers_comes_back(
    deliberations: Deliberations, records: GraphRecords
) -> None:
    held = await claimed(deliberations)
    await deliberations.record(recordings(held, all_turns(held.deliberation)))
    (transcript,) = (await records.transcripts([held.deliberation])).values()
    revisions = [turn for turn in transcript.turns if turn.key.kind is TurnKind.REVISION]
    assert all(turn.revises and turn.answers for turn in revisions)


# ---------------------------------------------------------------- who holds them


async def test_who_holds_a_deliberation_is_told_and_since_when_he_does_not_renew(
    deliberations: Deliberations, records: GraphRecords, run: Run
) -> None:
    queued = (await deliberations.accept(an_order())).deliberation
    (held,) = await deliberations.claim("prc_one", 1, (), ())
    assert held.deliberation == queued
    found = await records.holdings([queued, "dlb_none"])
    assert found == {queued: Holding(process="prc_one", host="host")}

    await run("expire_lease", process="prc_one")
    (holding,) = (await records.holdings([queued])).values()
    assert holding.process == "prc_one"
    assert holding.lapsed is not None
    assert holding.lapsed < datetime.now(UTC)

    await deliberations.release("prc_one")
    assert await records.holdings([queued]) == {queued: Holding()}


async def test_a_lease_that_a_clock_wrote_that_was_set_back_since_is_none(
    deliberations: Deliberations, records: GraphRecords, run: Run
) -> None:
    queued = (await deliberations.accept(an_order())).deliberation
    await deliberations.claim("prc_one", 1, (), ())
    await run("set_clock_back", process="prc_one")
    (holding,) = (await records.holdings([queued])).values()
    assert holding.lapsed is not None


class _Tearing(Graph):
    """Shows the first looks at deliberations as they are while Neo4j writes one property after the other into its store."""

    missing: tuple[str, int] = ("DECIDED", 6)
    """A status, and how far from it stands what is not there yet."""
    looks = 0

    @override
    async def read(self, name: str, /, **parameters: Any) -> list[Record]:
        rows = await super().read(name, **parameters)
        self.looks += 1
        status, offset = self.missing
        if self.looks <= 2:
            for row in rows:
                columns = row[0]
                columns[columns.index(status) + offset] = None
        return rows


class _Removing(Graph):
    """Shows nodes as they are while Neo4j removes them from its store: the first looks without all but the id, later ones without that too."""

    looks = 0

    @override
    async def read(self, name: str, /, **parameters: Any) -> list[Record]:
        rows = await super().read(name, **parameters)
        self.looks += 1
        left = 1 if self.looks <= 2 else 0
        for row in rows:
            row[0][left:] = [None] * len(row[0][left:])
        return rows


async def test_what_is_removed_while_it_is_read_is_not_there(
    deliberations: Deliberations, seeded: Councils
) -> None:
    held = await claimed(deliberations)
    await deliberations.record(recordings(held, proposals(held.deliberation)))
    id_ = held.deliberation
    task = (await deliberations.load(id_)).deliberation.task.id
    graph = seeded.graph

    def removing() -> GraphRecords:
        return GraphRecords(_Removing(graph.driver, graph.address, graph.database, graph.bounds))

    assert await removing().tasks_by_id([task]) == {}
    assert await removing().deliberations_by_id([id_]) == {}
    assert await removing().deliberations_by_id([id_], seated=False) == {}
    assert await removing().transcripts([id_]) == {}
    assert await removing().followed(id_) is None


class _Going(Graph):
    """Shows the first look at tasks as they are while Neo4j removes them from its store."""

    looks = 0

    @override
    async def read(self, name: str, /, **parameters: Any) -> list[Record]:
        rows = await super().read(name, **parameters)
        self.looks += 1
        if self.looks == 1:
            for row in rows:
                row[0][:] = [None] * len(row[0])
        return rows


async def test_a_page_of_tasks_of_which_some_are_removed_meanwhile_is_read_again(
    deliberations: Deliberations, seeded: Councils, records: GraphRecords
) -> None:
    await claimed(deliberations)
    graph = seeded.graph
    going = _Going(graph.driver, graph.address, graph.database, graph.bounds)

    page = await GraphRecords(going).tasks(PageRequest(limit=5), None)

    assert page == await records.tasks(PageRequest(limit=5), None)
    assert len(page.items) == 1


async def test_of_tasks_that_are_read_in_brief_there_are_their_names_alone(
    deliberations: Deliberations, records: GraphRecords
) -> None:
    await claimed(deliberations)

    (whole,) = (await records.tasks(PageRequest(limit=5), None)).items
    (brief,) = (await records.tasks(PageRequest(limit=5), None, brief=True)).items

    assert (brief.id, brief.external_id) == (whole.id, whole.external_id)
    assert whole.description
    assert not brief.description


@pytest.mark.parametrize("seated", [True, False])
async def test_of_deliberations_that_are_read_in_brief_all_is_there_but_the_texts_of_their_tasks(
    deliberations: Deliberations, records: GraphRecords, *, seated: bool
) -> None:
    await claimed(deliberations)

    def page(*, brief: bool) -> Awaitable[Sequence[Page[Deliberation]]]:
        return records.deliberations_of_each(
            PageRequest(limit=5), (EVERYTHING,), seated=seated, brief=brief
        )

    ((whole,),) = (one.items for one in await page(brief=False))
    ((brief,),) = (one.items for one in await page(brief=True))

    assert whole.task.description
    assert not brief.task.description
    assert (brief.task.id, brief.task.external_id) == (whole.task.id, whole.task.external_id)
    assert replace(brief, task=whole.task) == whole


async def test_of_transcripts_that_are_read_in_brief_all_is_there_but_what_was_said(
    deliberations: Deliberations, records: GraphRecords
) -> None:
    held = [await claimed(deliberations, an_order(role)) for role in ("DEV", "QA")]
    for one in held:
        await deliberations.record(recordings(one, proposals(one.deliberation)))
    told, brief = (one.deliberation for one in held)

    found = await records.transcripts([told, brief], brief=[brief])

    whole = await records.transcripts([told, brief])
    assert found[told] == whole[told]
    assert found[brief].turns == tuple(
        replace(turn, content=None, reasoning=None) for turn in whole[brief].turns
    )
    assert all(turn.content for turn in found[told].turns)


@pytest.mark.parametrize("missing", ["stop_reason", "started_at", "finished_at"])
async def test_what_is_read_while_it_is_written_is_read_again(
    deliberations: Deliberations, seeded: Councils, missing: str
) -> None:
    held = await claimed(deliberations)
    status, offset = "RUNNING", {"stop_reason": 1, "started_at": 5, "finished_at": 6}[missing]
    if missing != "started_at":
        status = "DECIDED"
        turns = all_turns(held.deliberation)
        await deliberations.record(recordings(held, turns))
        assert await deliberations.decide(held, 13, a_verdict(turns), StopReason.COMPLETED)
    graph = seeded.graph
    tearing = [
        _Tearing(graph.driver, graph.address, graph.database, graph.bounds) for _ in range(2)
    ]
    for one in tearing:
        one.missing = status, offset

    found = await GraphRecords(tearing[0]).deliberations_by_id([held.deliberation])
    followed = await GraphRecords(tearing[1]).followed(held.deliberation)

    assert getattr(found[held.deliberation], missing) is not None
    assert followed is not None
    assert getattr(followed[0], missing) is not None
    assert [one.looks for one in tearing] == [3, 3]


async def test_nobody_holds_what_waits_or_has_ended(
    deliberations: Deliberations, records: GraphRecords
) -> None:
    held = await claimed(deliberations)
    await deliberations.fail(held, None, StopReason.ERROR, "over")
    queued = (await deliberations.accept(an_order())).deliberation
    assert await records.holdings([held.deliberation, queued]) == {}


async def test_statistics_count_what_a_council_accepted_in_a_time(
    deliberations: Deliberations, records: GraphRecords
) -> None:
    held = await claimed(deliberations)
    turns = all_turns(held.deliberation)
    await deliberations.record(recordings(held, turns))
    assert await deliberations.decide(held, 13, a_verdict(turns), StopReason.COMPLETED)
    failed = await claimed(deliberations)
    assert await deliberations.fail(failed, None, StopReason.ERROR, "why not")
    cancelled = (await deliberations.accept(an_order())).deliberation
    await deliberations.cancel(cancelled, None)
    queued = (await deliberations.accept(an_order())).deliberation
    found = await records.deliberations_by_id([held.deliberation, failed.deliberation, queued])
    decided, late = found[held.deliberation], found[queued]
    qa = (await deliberations.accept(an_order("QA"))).deliberation
    other = (await records.deliberations_by_id([qa]))[qa].council_id
    periods = [
        Period(council=decided.council_id),
        Period(council=decided.council_id, until=decided.accepted_at),
        Period(council=decided.council_id, since=late.accepted_at),
        Period(council=other),
        Period(council="cou_none"),
    ]

    told = await records.statistics(periods)

    ever, before, since, another, none = (told[period] for period in periods)
    assert (ever.accepted, ever.decided, ever.failed, ever.cancelled) == (4, 1, 1, 1)
    assert ever.usage == decided.usage
    assert decided.finished_at is not None
    took = (decided.finished_at - decided.accepted_at) / timedelta(milliseconds=1)
    assert ever.mean_duration_ms == pytest.approx(took, abs=1.0)
    assert ever.p95_duration_ms == ever.mean_duration_ms
    assert [one.accepted for one in (before, since, another, none)] == [0, 1, 1, 0]
    for one in (before, since, another, none):
        assert (one.mean_duration_ms, one.p95_duration_ms) == (None, None)
    assert await records.statistics([]) == {}


async def test_statistics_count_the_days_of_what_took_longer_than_one(
    deliberations: Deliberations, records: GraphRecords, run: Run
) -> None:
    held = await claimed(deliberations)
    turns = all_turns(held.deliberation)
    await deliberations.record(recordings(held, turns))
    assert await deliberations.decide(held, 13, a_verdict(turns), StopReason.COMPLETED)
    took = timedelta(days=40, hours=2, milliseconds=3) // timedelta(milliseconds=1)
    [decided] = await run("let_have_taken", deliberation=held.deliberation, milliseconds=took)
    period = Period(council=decided["council"])

    told = await records.statistics([period])

    assert (told[period].mean_duration_ms, told[period].p95_duration_ms) == (took, took)


async def test_95_of_100_is_what_one_of_those_decided_took(
    deliberations: Deliberations, records: GraphRecords, run: Run
) -> None:
    for took in (1_000, 3_000):
        held = await claimed(deliberations)
        turns = all_turns(held.deliberation)
        await deliberations.record(recordings(held, turns))
        assert await deliberations.decide(held, 13, a_verdict(turns), StopReason.COMPLETED)
        [decided] = await run("let_have_taken", deliberation=held.deliberation, milliseconds=took)
    period = Period(council=decided["council"])

    told = await records.statistics([period])

    assert (told[period].mean_duration_ms, told[period].p95_duration_ms) == (2_000, 3_000)


async def test_search_finds_tasks_and_last_revisions_by_their_words(
    deliberations: Deliberations, records: GraphRecords, run: Run
) -> None:
    held = await claimed(deliberations)
    turns = all_turns(held.deliberation)
    await deliberations.record(recordings(held, turns))
    assert await deliberations.decide(held, 13, a_verdict(turns), StopReason.COMPLETED)
    task = (await records.deliberations_by_id([held.deliberation]))[held.deliberation].task.id
    revisions = {turn.id for turn in turns if turn.key.kind is TurnKind.REVISION}
    await run("await_full_text")

    assert [hit.id for hit in await records.search("FORGET nowhere-to-be-found")] == [task]
    # All turns say so, and only the last ones are searched.
    answers = await records.search("answer")
    assert {hit.id for hit in answers} == revisions
    assert [hit.id for hit in answers] == sorted(revisions)
    both = await records.search("cache answer")
    assert {hit.id for hit in both} == {task, *revisions}
    assert [hit.score for hit in both] == sorted((hit.score for hit in both), reverse=True)
    assert await records.search("nowhere") == ()


@pytest.mark.parametrize(
    "text",
    [
        '"',
        "\\",
        '\\"',
        '"" " \\" OR',
        "AND OR NOT && || ! + -",
        "description:cache OR *:*",
        "*",
        "?ache c*che",
        "/.*.*.*/",
        "cach~ cach~0.1 xyz^1000000",
        "[b TO z] {* TO *}",
        "((((((((((",
        "}) RETURN 1 //",
        "\u2028\u202e \U0001f9d0",
        "- " * 250,
        "b c " * 125,
    ],
)
async def test_nothing_that_is_searched_for_is_syntax(
    deliberations: Deliberations, records: GraphRecords, run: Run, text: str
) -> None:
    await deliberations.accept(an_order())
    await run("await_full_text")

    # None of its words is among these: as syntax, most of them would lead to it.
    assert await records.search(text) == ()
