"""Councils and history go from one graph to another and are there what they were here."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from neo4j import AsyncDriver, Record
from typing_extensions import override

from orchestrator.domain.pruning import Keep, Pruning
from orchestrator.graph.councils import Councils
from orchestrator.graph.deliberations import GraphDeliberations
from orchestrator.graph.doctor import examine
from orchestrator.graph.driver import Graph
from orchestrator.graph.moving import batches, exporting
from orchestrator.graph.moving.checking import check
from orchestrator.graph.moving.form import Contents, Kind, Line
from orchestrator.graph.moving.importing import Pass, import_lines
from orchestrator.graph.moving.planning import plan
from orchestrator.graph.moving.writing import write
from orchestrator.graph.pruning import prune
from orchestrator.graph.seeding import read_seed, seed, settle_defaults
from tests.integration.graph.conftest import Run
from tests.support.deliberating import LEASE
from tests.support.moving import (
    Shown,
    imported,
    lines_from,
    lines_of,
    make_everything,
    records_of,
)
from tests.support.neo4j import statement, wipe

pytestmark = [pytest.mark.neo4j]

LONGEST = 50_000_000
"""Characters of all that is said where 15 seats speak in 10 rounds, with 32,768 tokens a turn."""


async def make_and_export(graph: Graph, driver: AsyncDriver) -> list[Line]:
    """The file of a graph that was seeded, with one of everything in it."""
    await make_everything(graph)
    retried = await driver.execute_query(
        statement("graph/retry_last"), role="DATA", database_=graph.database
    )
    assert retried.records
    return await lines_of(graph, Contents.EVERYTHING)


@pytest.fixture
async def everything(seeded: Councils, graph: Graph, driver: AsyncDriver) -> list[Line]:
    """The file of this graph, with one of everything in it."""
    del seeded
    return await make_and_export(graph, driver)


@pytest.fixture(scope="module")
async def exported(migrated_graph: Graph, driver: AsyncDriver) -> list[Line]:
    """The file of another graph."""
    await wipe(driver, migrated_graph.database)
    await settle_defaults(migrated_graph, None, "the model there")
    await seed(migrated_graph, read_seed(None))
    return await make_and_export(migrated_graph, driver)


async def test_a_graph_goes_whole_into_an_empty_one(
    everything: list[Line], graph: Graph, driver: AsyncDriver, shown: Shown
) -> None:
    before = await shown()
    await wipe(driver, graph.database)
    done = await imported(graph, everything, verify=True)
    assert await shown() == before
    assert await examine(graph) == ()
    assert done.comparison is not None
    assert done.comparison.differences == ()
    assert done.comparison.source == done.comparison.graph
    assert [line.text for line in (await lines_of(graph, Contents.EVERYTHING))[1:]] == [
        line.text for line in everything[1:]
    ]


async def test_it_is_told_how_far_each_pass_over_a_file_is(
    everything: list[Line], graph: Graph, driver: AsyncDriver
) -> None:
    await wipe(driver, graph.database)
    gone_through: Counter[Pass] = Counter()

    def told(one: Pass, count: int) -> None:
        gone_through[one] += count

    await import_lines(
        graph,
        lambda: iter(everything),
        seed=read_seed(None),
        allow_link_local=False,
        dry_run=False,
        verify=True,
        told=told,
    )
    whole, records = len(everything), len(everything) - 2
    assert gone_through == {
        Pass.CHECK: whole,
        Pass.PLAN: whole,
        Pass.WRITE: records,
        Pass.COMPARISON: whole,
    }


class CutOffError(Exception):
    """Here the process ended."""


class Pages(Graph):
    """A graph that notes how many deliberations each page of an export brought."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph.driver, graph.address, graph.database, graph.bounds)
        self.sizes: list[int] = []

    @override
    async def read(self, name: str, /, **parameters: Any) -> list[Record]:
        found = await super().read(name, **parameters)
        if name == "moving/list_deliberations":
            self.sizes.append(len(found))
        return found


@pytest.mark.parametrize("turns", [1, 20, 33])
async def test_a_page_of_an_export_is_bounded_by_the_turns_that_come_with_it(
    everything: list[Line], graph: Graph, monkeypatch: pytest.MonkeyPatch, turns: int
) -> None:
    monkeypatch.setattr(exporting, "TURNS_OF_PAGE", turns)
    pages = Pages(graph)
    lines = await lines_of(pages, Contents.EVERYTHING)
    assert lines[1:] == everything[1:]
    weights = [
        len(record["turns"]) + 4
        for record in records_of(lines)
        if record["kind"] == Kind.DELIBERATION
    ]
    sizes = iter(pages.sizes)
    while weights:
        page, weights = weights[: (size := next(sizes))], weights[size:]
        assert size == 1 or sum(page) <= turns
        assert not weights or sum(page) + weights[0] > turns
    assert list(sizes) == [0]


async def test_the_longest_deliberation_that_can_be_exported_can_be_imported(
    exported: list[Line], graph: Graph, driver: AsyncDriver
) -> None:
    await wipe(driver, graph.database)
    records = records_of(exported)
    decided = next(record for record in records if record.get("status") == "DECIDED")
    for turn in decided["turns"]:
        turn["content"] = "x" * (LONGEST // len(decided["turns"]))
    done = await imported(graph, lines_from(records), verify=True)
    assert done.comparison is not None
    assert done.comparison.differences == ()


async def test_the_file_has_every_kind_and_says_how_many(exported: list[Line]) -> None:
    header, *records, end = records_of(exported)
    assert (header["format"], header["schema"], header["contents"]) == (
        "graph-council",
        1,
        "everything",
    )
    assert {record["kind"] for record in records} == set(Kind)
    assert sum(end["counts"].values()) == len(records)


async def test_imported_twice_is_imported_once(
    exported: list[Line], graph: Graph, driver: AsyncDriver, shown: Shown
) -> None:
    await wipe(driver, graph.database)
    await imported(graph, exported)
    before = await shown()
    done = await imported(graph, exported)
    assert await shown() == before
    assert done.plan is not None
    assert done.plan.new.total() == 0
    assert done.plan.there.total() == len(exported) - 2


async def test_a_dry_run_says_what_would_be_done_and_writes_nothing(
    exported: list[Line], graph: Graph, driver: AsyncDriver, shown: Shown
) -> None:
    await wipe(driver, graph.database)
    done = await imported(graph, exported, dry_run=True)
    assert await shown() == []
    assert done.plan is not None
    assert done.plan.new.total() == len(exported) - 2
    assert done.plan.under_way == 4


async def test_councils_go_without_history(
    everything: list[Line], graph: Graph, driver: AsyncDriver
) -> None:
    del everything
    lines = await lines_of(graph, Contents.COUNCILS)
    await wipe(driver, graph.database)
    await imported(graph, lines)
    assert await lines_of(graph, Contents.COUNCILS) != []
    assert [line.text for line in (await lines_of(graph, Contents.COUNCILS))[1:]] == [
        line.text for line in lines[1:]
    ]
    assert await examine(graph) == ()
    assert {record["kind"] for record in records_of(lines)[1:-1]} == set(Kind) - {
        Kind.PROCESS,
        Kind.DELIBERATION,
    }


async def test_history_follows_councils_that_were_imported_before(
    everything: list[Line], graph: Graph, driver: AsyncDriver, shown: Shown
) -> None:
    before = await shown()
    councils = await lines_of(graph, Contents.COUNCILS)
    await wipe(driver, graph.database)
    await imported(graph, councils)
    await imported(graph, everything)
    assert await shown() == before


async def test_what_was_under_way_is_taken_up_with_the_next_epoch(
    exported: list[Line], graph: Graph, driver: AsyncDriver
) -> None:
    await wipe(driver, graph.database)
    await imported(graph, exported)
    (running,) = (record for record in records_of(exported) if record.get("status") == "RUNNING")
    deliberations = GraphDeliberations(graph)
    await deliberations.enter("prc_new", "the new host", LEASE)
    claimed = {held.deliberation: held for held in await deliberations.claim("prc_new", 64, (), ())}
    assert len(claimed) == 4
    held = claimed[running["id"]]
    assert (held.epoch, held.resumed) == (running["epoch"] + 1, True)
    case = await deliberations.load(running["id"])
    assert [turn.id for turn in case.turns] == [turn["id"] for turn in running["turns"]]
    assert await examine(graph) == ()
    done = await imported(graph, exported, verify=True)
    assert done.plan is not None
    assert (done.plan.gone_on, done.plan.new.total()) == (4, 0)
    assert done.comparison is not None
    assert done.comparison.differences == ()


async def test_what_has_gone_on_and_was_emptied_since_stays_empty(
    exported: list[Line], graph: Graph, driver: AsyncDriver, shown: Shown
) -> None:
    await wipe(driver, graph.database)
    await imported(graph, exported)
    (running,) = (record for record in records_of(exported) if record.get("status") == "RUNNING")
    await GraphDeliberations(graph).cancel(running["id"], None)
    tomorrow = Pruning(before=datetime.now(UTC) + timedelta(days=1), keep=Keep.WINNERS)
    await prune(graph, tomorrow, stop=asyncio.Event(), tell=lambda _: None)
    before = await shown()
    here = records_of(await lines_of(graph, Contents.EVERYTHING))
    there = [running if record.get("id") == running["id"] else record for record in here]
    done = await imported(graph, lines_from(there))
    assert done.plan is not None
    assert done.plan.gone_on == 1
    assert await shown() == before


def with_an_early_retry(lines: list[Line]) -> list[Line]:
    """The same file, had the clock of the process that accepted the retry been behind."""
    records = records_of(lines)
    retry = next(record for record in records if "retries" in record)
    retry["id"] = "dlb_0"
    deliberations = [record for record in records if record["kind"] == "deliberation"]
    others = [record for record in records[:-1] if record["kind"] != "deliberation"]
    deliberations.sort(key=lambda record: record["id"])
    assert deliberations[0] is retry
    return lines_from([*others, *deliberations, records[-1]])


async def test_a_retry_may_have_a_smaller_id_than_what_it_retries(
    exported: list[Line], graph: Graph, driver: AsyncDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    await wipe(driver, graph.database)
    file = with_an_early_retry(exported)
    monkeypatch.setattr(batches, "MOST", 1)
    for _ in range(2):
        done = await imported(graph, file, verify=True)
        assert done.comparison is not None
        assert done.comparison.differences == ()
    assert records_of(await lines_of(graph, Contents.EVERYTHING))[1:] == records_of(file)[1:]
    assert await examine(graph) == ()


async def test_cut_off_before_an_early_retry_is_tied_an_import_goes_on(
    exported: list[Line], graph: Graph, driver: AsyncDriver, run: Run
) -> None:
    await wipe(driver, graph.database)
    file = with_an_early_retry(exported)
    await imported(graph, file)
    await run("untie_retries")
    done = await imported(graph, file, dry_run=True, verify=True)
    assert done.comparison is not None
    (difference,) = done.comparison.differences
    assert difference.startswith("deliberation dlb_0: retries is 'dlb_")
    done = await imported(graph, file, verify=True)
    assert done.comparison is not None
    assert done.comparison.differences == ()
    assert await examine(graph) == ()


async def test_a_new_graph_is_not_seeded_once_councils_are_being_imported(
    exported: list[Line], graph: Graph, driver: AsyncDriver
) -> None:
    await wipe(driver, graph.database)
    looked = check(iter(exported), allow_link_local=False)
    made = await plan(graph, lambda: iter(exported), looked, read_seed(None))

    def cut_off(_kind: Kind, _count: int) -> None:
        raise CutOffError

    with pytest.raises(CutOffError):
        await write(graph, lambda: iter(exported), made, read_seed(None), cut_off)
    await settle_defaults(graph, "http://127.0.0.1:8000/v1", "Qwen/Qwen2.5-0.5B-Instruct")
    assert not await seed(graph, read_seed(None))


async def test_where_no_council_was_in_the_file_a_new_graph_is_seeded_as_ever(
    exported: list[Line], graph: Graph, driver: AsyncDriver
) -> None:
    await wipe(driver, graph.database)
    nothing = Line(place="line 2", text='{"kind":"end","counts":{}}')
    await imported(graph, [exported[0], nothing])
    await settle_defaults(graph, "http://127.0.0.1:8000/v1", "Qwen/Qwen2.5-0.5B-Instruct")
    assert await seed(graph, read_seed(None))
