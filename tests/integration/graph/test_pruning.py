"""What is pruned goes whole, what is needed stays, and the graph is sound at every moment of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from neo4j import AsyncDriver
from typing_extensions import override

from orchestrator.domain.deliberations import Deliberation, StopReason
from orchestrator.domain.drafts import Idempotency
from orchestrator.domain.errors import NotFound, RefusedError
from orchestrator.domain.filters import DeliberationFilter
from orchestrator.domain.ids import turn_id
from orchestrator.domain.pages import PageRequest
from orchestrator.domain.pruning import Keep, Pruned, Pruning
from orchestrator.engine.ports import Held, Retry
from orchestrator.graph import pruning
from orchestrator.graph.councils import Councils
from orchestrator.graph.deliberations import GraphDeliberations
from orchestrator.graph.doctor import examine
from orchestrator.graph.driver import Graph
from orchestrator.graph.migrations import UnknownMigrationError
from orchestrator.graph.records import GraphRecords
from orchestrator.graph.statements import statement
from tests.integration.graph.conftest import Run
from tests.support.deliberating import (
    LEASE,
    Rival,
    a_rival,
    a_verdict,
    all_turns,
    an_order,
    recordings,
)
from tests.support.ended import make_ended
from tests.support.lists import page_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.neo4j

ONE = Pruned(deliberations=1, turns=12, seats=3, claims=1, verdicts=1, tasks=1)
"""What goes with one deliberation that was decided."""

Rivalry = Callable[[str], AbstractAsyncContextManager[Rival]]
WholeGraph = Callable[[], Awaitable[list[Any]]]


@dataclass
class Pruner:
    """Prunes a graph, and keeps what it was told."""

    graph: Graph
    told: list[Pruned] = field(default_factory=list)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    stop_after: int = 10**6

    def tell(self, pruned: Pruned) -> None:
        self.told.append(pruned)
        if len(self.told) == self.stop_after:
            self.stop.set()

    async def prune(self, order: Pruning) -> Pruned:
        await pruning.prune(self.graph, order, stop=self.stop, tell=self.tell)
        return self.told[-1] if self.told else Pruned()

    async def count(self, order: Pruning) -> Pruned:
        await pruning.count(self.graph, order, stop=self.stop, tell=self.tell)
        return self.told[-1] if self.told else Pruned()


def old(keep: Keep | None = None) -> Pruning:
    """An order for all that has ended by now; the clock of the database may be a little ahead."""
    return Pruning(before=datetime.now(UTC) + timedelta(minutes=1), keep=keep)


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else works on the graph, so nobody has to be given time."""
    monkeypatch.setattr(pruning, "WRITING", 1.0)
    monkeypatch.setattr(pruning, "READING", 1.0)


@pytest.fixture
def pruner(seeded: Councils) -> Pruner:
    return Pruner(seeded.graph)


@pytest.fixture
async def deliberations(seeded: Councils) -> GraphDeliberations:
    found = GraphDeliberations(seeded.graph)
    await found.enter("prc_one", "host", LEASE)
    return found


@pytest.fixture
def rivalry(driver: AsyncDriver, seeded: Councils) -> Rivalry:
    return lambda deliberation: a_rival(driver, seeded.graph.database, deliberation)


async def claimed(deliberations: GraphDeliberations, **order: Any) -> Held:
    """One that runs, with all its turns."""
    await deliberations.accept(an_order(**order))
    (held,) = await deliberations.claim("prc_one", 1, (), ())
    await deliberations.record(recordings(held, all_turns(held.deliberation)))
    return held


async def decided(deliberations: GraphDeliberations, **order: Any) -> str:
    held = await claimed(deliberations, **order)
    verdict = a_verdict(all_turns(held.deliberation))
    assert await deliberations.decide(held, 13, verdict, StopReason.COMPLETED)
    return held.deliberation


async def failed(deliberations: GraphDeliberations) -> str:
    held = await claimed(deliberations)
    assert await deliberations.fail(held, 13, StopReason.QUORUM_LOST, "nobody is left")
    return held.deliberation


async def ids_of(graph: Graph) -> set[str]:
    page = await page_of(GraphRecords(graph), PageRequest(limit=100), DeliberationFilter())
    return {one.id for one in page.items}


# ---------------------------------------------------------------- what is old


async def test_an_age_is_counted_by_the_clock_that_said_when_what_ended(
    deliberations: GraphDeliberations, pruner: Pruner, run: Run
) -> None:
    ended = await decided(deliberations)
    (shown,) = await run("show_deliberation", deliberation=ended)
    order = await pruning.older_than(pruner.graph, timedelta(0), Keep.WINNERS)
    assert order.keep is Keep.WINNERS
    assert order.before >= shown["properties"]["finishedAt"].to_native()
    earlier = await pruning.older_than(pruner.graph, timedelta(days=90), None)
    assert timedelta(days=90) - timedelta(minutes=1) < order.before - earlier.before
    with pytest.raises(OverflowError):
        await pruning.older_than(pruner.graph, timedelta(days=10**6), None)


# ---------------------------------------------------------------- processes


async def test_a_process_that_ended_long_ago_goes_with_the_last_of_its_claims(
    deliberations: GraphDeliberations, pruner: Pruner, run: Run
) -> None:
    for process in ("prc_idle", "prc_late"):
        await deliberations.enter(process, "host", LEASE)
    await decided(deliberations)
    await run("age_process", process="prc_one", days=100)
    await run("age_process", process="prc_idle", days=100)
    await run("age_process", process="prc_late", days=0)
    kept = await pruning.older_than(pruner.graph, timedelta(days=90), None)
    assert await pruner.count(kept) == Pruned(processes=1)
    assert await pruner.prune(kept) == Pruned(processes=1)
    assert await processes(run) == ["prc_late", "prc_one"]
    pruner.told.clear()
    assert await pruner.count(old()) == ONE + Pruned(processes=1)
    assert await pruner.prune(old()) == ONE + Pruned(processes=1)
    assert await processes(run) == ["prc_late"]


async def test_where_winners_are_kept_no_process_goes(
    deliberations: GraphDeliberations, pruner: Pruner, run: Run
) -> None:
    await deliberations.enter("prc_idle", "host", LEASE)
    await run("age_process", process="prc_idle", days=100)
    assert await pruner.count(old(Keep.WINNERS)) == Pruned()
    assert await pruner.prune(old(Keep.WINNERS)) == Pruned()
    assert await processes(run) == ["prc_idle", "prc_one"]


async def processes(run: Run) -> list[str]:
    return [row["id"] for row in await run("list_processes")]


# ---------------------------------------------------------------- removing


async def test_of_what_is_removed_nothing_is_left(
    deliberations: GraphDeliberations, pruner: Pruner, whole_graph: WholeGraph
) -> None:
    before = await whole_graph()
    await decided(deliberations, external_id="T-1")

    assert await pruner.prune(old()) == ONE
    assert await whole_graph() == before


async def test_what_failed_is_removed_too(
    deliberations: GraphDeliberations, pruner: Pruner
) -> None:
    await failed(deliberations)

    assert await pruner.prune(old()) == Pruned(
        deliberations=1, turns=12, seats=3, claims=1, verdicts=0, tasks=1
    )


async def test_what_has_not_ended_stays(
    deliberations: GraphDeliberations, pruner: Pruner, whole_graph: WholeGraph
) -> None:
    await claimed(deliberations)
    await deliberations.accept(an_order("QA"))
    before = await whole_graph()

    assert await pruner.prune(old()) == Pruned()
    assert await whole_graph() == before


async def test_what_ended_later_stays_and_the_oldest_goes_first(
    deliberations: GraphDeliberations, pruner: Pruner
) -> None:
    await make_ended(pruner.graph.driver, pruner.graph.database, first=1, last=5)
    recent = await decided(deliberations)
    pruner.stop_after = 2

    order = Pruning(before=datetime.now(UTC) - timedelta(days=90))
    assert (await pruner.prune(order)).deliberations == 2
    assert await ids_of(pruner.graph) == {recent, *(f"dlb_01900000000{n}" for n in (3, 4, 5))}

    pruner.stop.clear()
    assert (await pruner.prune(order)).deliberations == 3
    assert await ids_of(pruner.graph) == {recent}


async def test_the_graph_is_sound_after_some_were_removed(
    deliberations: GraphDeliberations, pruner: Pruner
) -> None:
    await make_ended(pruner.graph.driver, pruner.graph.database, first=1, last=4)
    await decided(deliberations)
    pruner.stop_after = 3
    await pruner.prune(old())

    assert len(await ids_of(pruner.graph)) == 2
    assert await examine(pruner.graph) == ()


async def test_pages_are_followed_to_the_last(
    pruner: Pruner, deliberations: GraphDeliberations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "_PAGE", 2)
    running = await claimed(deliberations)
    await make_ended(pruner.graph.driver, pruner.graph.database, first=1, last=7)

    assert (await pruner.prune(old())).deliberations == 7
    assert await ids_of(pruner.graph) == {running.deliberation}


async def test_a_task_stays_until_the_last_deliberation_on_it_is_removed(
    deliberations: GraphDeliberations, pruner: Pruner, run: Run
) -> None:
    """A retry stands on the task of what it retries, and outlives it without a word about it."""
    first = await decided(deliberations)
    await run("retry_deliberation", deliberation=first, retry="dlb_ff")
    records = GraphRecords(pruner.graph)
    (task,) = (await records.tasks(PageRequest(limit=5), None)).items

    pruner.stop_after = 1
    assert await pruner.prune(old()) == Pruned(
        deliberations=1, turns=12, seats=3, claims=1, verdicts=1, tasks=0
    )
    assert await records.tasks_by_id([task.id]) == {task.id: task}
    (left,) = (await page_of(records, PageRequest(limit=5), DeliberationFilter())).items
    assert (left.id, left.task) == ("dlb_ff", task)

    # By its id it was made long after all others.
    rows = await pruner.graph.write("pruning/remove", deliberation="dlb_ff", before=old().before)
    assert [row["tasks"] for row in rows] == [1]
    assert await records.tasks_by_id([task.id]) == {}


async def test_a_long_deliberation_is_emptied_in_parts_before_it_is_removed(
    deliberations: GraphDeliberations,
    pruner: Pruner,
    whole_graph: WholeGraph,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pruning, "TOGETHER", 5)
    written: list[str] = []

    class Noting(Graph):
        @override
        async def write(self, name: str, /, **parameters: Any) -> Any:
            written.append(name)
            return await super().write(name, **parameters)

    graph = pruner.graph
    pruner.graph = Noting(graph.driver, graph.address, graph.database, graph.bounds)
    before = await whole_graph()
    await decided(deliberations)

    assert await pruner.prune(old()) == ONE
    # Eleven turns but the winner's.
    removing = [name for name in written if name != "pruning/remove_processes"]
    assert removing == ["pruning/empty"] * 3 + ["pruning/remove"]
    assert await whole_graph() == before


async def test_a_key_is_forgotten_with_what_it_made(
    deliberations: GraphDeliberations, pruner: Pruner
) -> None:
    key = Idempotency(key="me/deliberate/1", input_digest="one")
    first = await decided(deliberations, idempotency=key)
    await pruner.prune(old())

    again = await deliberations.accept(an_order(idempotency=key))
    assert again.new
    assert again.deliberation != first


# ---------------------------------------------------------------- keeping winners


async def test_where_winners_are_kept_no_node_goes_and_no_other_text_stays(
    deliberations: GraphDeliberations, pruner: Pruner, run: Run
) -> None:
    first = await decided(deliberations)
    await failed(deliberations)
    nodes = await run("count_labels")
    contents = await run("list_contents")

    emptied = await pruner.prune(old(Keep.WINNERS))

    assert emptied == Pruned(deliberations=2, turns=23)
    assert await run("count_labels") == nodes
    left = [row for row in await run("list_contents") if row["content"] or row["reasoning"]]
    assert left == [row for row in contents if row["chosen"]]
    assert [row["id"] for row in left] == [
        turn_id(first, turn.key) for turn in all_turns(first) if turn.id == left[0]["id"]
    ]
    assert await examine(pruner.graph) == ()


async def test_a_reader_sees_since_when_it_is_pruned_and_a_second_time_changes_nothing(
    deliberations: GraphDeliberations, pruner: Pruner, whole_graph: WholeGraph
) -> None:
    first = await decided(deliberations, token_budget=5_000)
    records = GraphRecords(pruner.graph)
    assert (await records.deliberations_by_id([first]))[first].pruned_at is None
    began = datetime.now(UTC) - timedelta(minutes=1)

    assert await pruner.prune(old(Keep.WINNERS)) == Pruned(deliberations=1, turns=11)
    read = (await records.deliberations_by_id([first]))[first]
    assert read.pruned_at is not None
    assert began < read.pruned_at < old().before
    # Twelve turns of 120 tokens.
    assert (read.token_budget, read.tokens_spent) == (5_000, 1_440)
    assert (await deliberations.load(first)).deliberation.pruned_at == read.pruned_at

    after = await whole_graph()
    again = Pruner(pruner.graph)
    assert await again.prune(old(Keep.WINNERS)) == Pruned()
    assert await whole_graph() == after


async def test_what_was_interrupted_while_it_was_emptied_is_sound_and_goes_on(
    deliberations: GraphDeliberations, pruner: Pruner, run: Run
) -> None:
    first = await decided(deliberations)
    (row,) = await pruner.graph.write(
        "pruning/empty", deliberation=first, before=old().before, together=5
    )
    assert (row["emptied"], row["more"]) == (5, True)
    assert await examine(pruner.graph) == ()

    assert await pruner.prune(old(Keep.WINNERS)) == Pruned(deliberations=1, turns=6)
    assert sum(row["content"] is not None for row in await run("list_contents")) == 1
    assert await examine(pruner.graph) == ()


async def test_what_was_emptied_can_be_removed_later(
    deliberations: GraphDeliberations, pruner: Pruner, whole_graph: WholeGraph
) -> None:
    before = await whole_graph()
    await decided(deliberations)
    await pruner.prune(old(Keep.WINNERS))

    assert await Pruner(pruner.graph).prune(old()) == ONE
    assert await whole_graph() == before


async def test_a_key_is_remembered_where_winners_are_kept(
    deliberations: GraphDeliberations, pruner: Pruner
) -> None:
    key = Idempotency(key="me/deliberate/1", input_digest="one")
    first = await decided(deliberations, idempotency=key)
    await pruner.prune(old(Keep.WINNERS))

    again = await deliberations.accept(an_order(idempotency=key))
    assert (again.deliberation, again.new) == (first, False)
    other = Idempotency(key="me/deliberate/1", input_digest="two")
    with pytest.raises(RefusedError):
        await deliberations.accept(an_order(idempotency=other))


# ---------------------------------------------------------------- counting beforehand


@pytest.mark.parametrize("keep", [None, Keep.WINNERS])
async def test_what_is_counted_beforehand_is_what_goes_and_nothing_is_written(
    deliberations: GraphDeliberations,
    pruner: Pruner,
    run: Run,
    whole_graph: WholeGraph,
    keep: Keep | None,
) -> None:
    await make_ended(pruner.graph.driver, pruner.graph.database, first=1, last=3)
    await failed(deliberations)
    await claimed(deliberations)
    # One task that two of these stand on, and one that is needed by what runs.
    await run("retry_deliberation", deliberation="dlb_019000000001", retry="dlb_019000000009")
    await run("retry_deliberation", deliberation="dlb_019000000002", retry="dlb_019000000008")
    await run("take_up_ended", deliberation="dlb_019000000008")
    before = await whole_graph()

    counted = await pruner.count(old(keep))
    assert await whole_graph() == before
    assert counted == await Pruner(pruner.graph).prune(old(keep))
    assert counted.deliberations == 5
    assert counted.tasks == (3 if keep is None else 0)


# ---------------------------------------------------------------- beside others


@pytest.mark.parametrize("keep", [None, Keep.WINNERS])
async def test_what_is_under_way_once_the_lock_is_had_stays_as_it_is(
    deliberations: GraphDeliberations, pruner: Pruner, rivalry: Rivalry, run: Run, keep: Keep | None
) -> None:
    first = await decided(deliberations)
    async with rivalry(first) as rival:
        await rival.does("take_up_ended", deliberation=first)
        pruned = await rival.commits_while(pruner.prune(old(keep)))
    assert pruned == Pruned()
    assert all(row["content"] for row in await run("list_contents"))


async def test_what_ends_while_it_is_looked_at_goes_only_where_that_was_long_ago(
    deliberations: GraphDeliberations, pruner: Pruner, rivalry: Rivalry
) -> None:
    held = await claimed(deliberations)
    before = datetime.now(UTC) - timedelta(minutes=1)
    async with rivalry(held.deliberation) as rival:
        await rival.does("end_now", deliberation=held.deliberation)
        rows = await rival.commits_while(
            pruner.graph.write("pruning/remove", deliberation=held.deliberation, before=before)
        )
    assert rows == []
    assert await ids_of(pruner.graph) == {held.deliberation}


async def test_a_task_that_another_needs_once_the_lock_is_had_stays(
    deliberations: GraphDeliberations, pruner: Pruner, rivalry: Rivalry
) -> None:
    first = await decided(deliberations)
    async with rivalry(first) as rival:
        await rival.does("retry_deliberation", deliberation=first, retry="dlb_ff")
        pruned = await rival.commits_while(pruner.prune(old()))
    assert (pruned.deliberations, pruned.tasks) == (1, 0)
    (left,) = (
        await page_of(GraphRecords(pruner.graph), PageRequest(limit=5), DeliberationFilter())
    ).items
    assert left.task.description


async def test_of_two_that_remove_the_last_on_a_task_the_second_removes_the_task(
    deliberations: GraphDeliberations, pruner: Pruner, driver: AsyncDriver, run: Run
) -> None:
    first = await decided(deliberations)
    await run("retry_deliberation", deliberation=first, retry="dlb_ff")
    before = old().before

    async def blocked() -> int:
        return (await run("count_blocked"))[0]["count"]

    async with driver.session(database=pruner.graph.database) as session:
        transaction = await session.begin_transaction()
        async with transaction:
            other = await transaction.run(
                statement("pruning/remove"), deliberation=first, before=before
            )
            assert [row["tasks"] async for row in other] == [0]
            ours = asyncio.create_task(
                pruner.graph.write("pruning/remove", deliberation="dlb_ff", before=before)
            )
            await eventually(blocked, lambda count: count > 0)
            await transaction.commit()
            assert [row["tasks"] for row in await ours] == [1]
    assert [row["labels"] for row in await run("count_labels") if "Task" in row["labels"]] == []


@pytest.mark.parametrize("what", ["cancel", "retry"])
async def test_what_was_pruned_once_the_lock_is_had_is_not_there(
    deliberations: GraphDeliberations, rivalry: Rivalry, what: str
) -> None:
    ended = await decided(deliberations)
    asked = (
        deliberations.cancel(ended, None)
        if what == "cancel"
        else deliberations.retry(
            Retry(deliberation="dlb_ff", of=ended, idempotency=None, rehearsal=False)
        )
    )
    async with rivalry(ended) as rival:
        await rival.graph.write("pruning/remove", deliberation=ended, before=old().before)
        with pytest.raises(RefusedError) as refused:
            await rival.commits_while(asked)
    assert isinstance(refused.value.mistakes[0], NotFound)


async def test_two_at_once_prune_each_deliberation_once(
    deliberations: GraphDeliberations, pruner: Pruner, whole_graph: WholeGraph
) -> None:
    before = await whole_graph()
    await make_ended(pruner.graph.driver, pruner.graph.database, first=1, last=40)
    await deliberations.renew("prc_one", LEASE, {})
    other = Pruner(pruner.graph)

    first, second = await asyncio.gather(pruner.prune(old()), other.prune(old()))

    assert first + second == Pruned(
        deliberations=40, turns=480, seats=120, claims=40, verdicts=40, tasks=40
    )
    after = await whole_graph()
    assert [row["nodes"] for row in after] == [row["nodes"] for row in before]


async def test_what_is_accepted_recorded_and_decided_meanwhile_is_not_disturbed(
    deliberations: GraphDeliberations, pruner: Pruner
) -> None:
    await make_ended(pruner.graph.driver, pruner.graph.database, first=1, last=30)
    order = Pruning(before=datetime.now(UTC) - timedelta(days=90))

    async def work() -> list[str]:
        return [await decided(deliberations) for _ in range(15)]

    pruned, ours = await asyncio.gather(pruner.prune(order), work())

    assert pruned.deliberations == 30
    assert await ids_of(pruner.graph) == set(ours)
    assert await examine(pruner.graph) == ()


async def test_a_page_leaves_out_what_is_pruned_while_it_is_read(
    deliberations: GraphDeliberations, pruner: Pruner
) -> None:
    first = await decided(deliberations)
    running = await claimed(deliberations)

    class Slow(GraphRecords):
        @override
        async def deliberations_by_id(
            self, ids: Collection[str], *, seated: bool = True, brief: bool = False
        ) -> Mapping[str, Deliberation]:
            assert first in ids
            await pruner.prune(old())
            return await super().deliberations_by_id(ids, seated=seated, brief=brief)

    page = await page_of(Slow(pruner.graph), PageRequest(limit=5), DeliberationFilter())
    assert [one.id for one in page.items] == [running.deliberation]


async def test_a_graph_of_a_later_version_is_left_alone(
    deliberations: GraphDeliberations, pruner: Pruner, run: Run
) -> None:
    first = await decided(deliberations)
    await run("record_unknown_migration", name="V999__add_something")
    try:
        for work in (pruner.prune, pruner.count):
            with pytest.raises(UnknownMigrationError):
                await work(old())
    finally:
        await run("forget_migration", name="V999__add_something")
    assert await ids_of(pruner.graph) == {first}


async def test_the_graph_says_how_much_is_in_it(
    deliberations: GraphDeliberations, pruner: Pruner, whole_graph: WholeGraph
) -> None:
    await decided(deliberations)
    size = await pruning.measure(pruner.graph)
    assert (size.councils, size.agents, size.tasks, size.deliberations, size.turns) == (
        5,
        15,
        1,
        1,
        12,
    )
    # Beside what is compared there are the marks of the migrations.
    assert size.nodes + size.relationships > len(await whole_graph())
