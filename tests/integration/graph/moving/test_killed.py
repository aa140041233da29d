"""An import that was cut off between any two of its transactions leaves whole things behind, and goes on when it is run again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from neo4j import AsyncDriver

from orchestrator.graph.councils import Councils
from orchestrator.graph.doctor import examine
from orchestrator.graph.driver import Graph
from orchestrator.graph.moving import batches
from orchestrator.graph.moving.checking import check
from orchestrator.graph.moving.form import Contents, Kind, Line
from orchestrator.graph.moving.planning import plan
from orchestrator.graph.moving.writing import write
from orchestrator.graph.seeding import read_seed
from tests.support.moving import Shown, imported, lines_of, make_everything
from tests.support.neo4j import wipe

pytestmark = [pytest.mark.neo4j]


class CutOffError(Exception):
    """Here the process ended."""


@pytest.fixture(autouse=True)
def small_transactions(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(batches, "MOST", 2)
    yield
    monkeypatch.undo()


async def test_wherever_it_was_cut_off_it_goes_on(
    seeded: Councils, graph: Graph, driver: AsyncDriver, shown: Shown
) -> None:
    del seeded
    await make_everything(graph)
    file = await lines_of(graph, Contents.EVERYTHING)
    whole = await shown()
    await wipe(driver, graph.database)
    written = 0
    while written < len(file) - 2:
        before, written = written, await _cut_off(graph, file, beyond=written)
        assert written > before
        assert await examine(graph) == ()
    assert await shown() == whole


async def _cut_off(graph: Graph, file: list[Line], *, beyond: int) -> int:
    """Import until more lines than these are in the graph, as if the process then ended; says how many are."""
    looked = check(iter(file), allow_link_local=False)
    made = await plan(graph, lambda: iter(file), looked, read_seed(None))
    assert made.there.total() == beyond
    done = 0

    def told(_: Kind, count: int) -> None:
        nonlocal done
        done += count
        if done > beyond:
            raise CutOffError

    with pytest.raises(CutOffError):
        await write(graph, lambda: iter(file), made, read_seed(None), told)
    return done


async def test_a_file_is_read_in_bounded_portions(
    seeded: Councils, graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    del seeded
    await make_everything(graph)
    file = await lines_of(graph, Contents.EVERYTHING)
    assert max(len(batch.items) for batch in batches.batches(lambda: iter(file))) == 2
    monkeypatch.setattr(batches, "MOST_CHARACTERS", 1)
    assert {len(batch.items) for batch in batches.batches(lambda: iter(file))} == {1}


async def test_pages_and_portions_change_nothing(
    seeded: Councils, graph: Graph, driver: AsyncDriver
) -> None:
    del seeded
    await make_everything(graph)
    file = await lines_of(graph, Contents.EVERYTHING)
    await wipe(driver, graph.database)
    await imported(graph, file)
    assert [line.text for line in await lines_of(graph, Contents.EVERYTHING)][1:] == [
        line.text for line in file
    ][1:]
