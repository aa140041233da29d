"""What changed is told once to each who listens, however late it was committed, and nothing is read for nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from orchestrator.domain.errors import GivenUpError, TooSlowError, UnavailableError
from orchestrator.engine.audience import Audience, Listener
from orchestrator.engine.feed import Feed
from orchestrator.engine.ports import Change, Look
from tests.support.waiting import until

THEN = datetime(2026, 1, 1, tzinfo=UTC)
LATE = timedelta(seconds=16)


@dataclass
class Graph:
    """Names that were written, each with when; a look sees what was committed, and passes a second."""

    now: datetime = THEN
    written: dict[str, datetime] = field(default_factory=dict)
    looks: list[datetime | None] = field(default_factory=list)
    filled: list[tuple[str, ...]] = field(default_factory=list)
    error: Exception | None = None
    no_room_for: str | None = None
    """What cannot be read with others or alone, for now."""
    most: timedelta = timedelta(days=1)
    """How far a look goes from where the last one went."""
    seconds_a_look: float = 0.0
    """By its clock and by ours; where it is none, by its own alone, a second passes."""

    async def look(self, since: datetime | None) -> Look[str]:
        self.looks.append(since)
        self.now += timedelta(seconds=self.seconds_a_look or 1)
        await asyncio.sleep(self.seconds_a_look)
        if self.error is not None:
            raise self.error
        last = since or self.now
        after, until = last - LATE, min(self.now, last + self.most)
        found = [Change(name, at, name) for name, at in self.written.items() if after < at <= until]
        return Look(until, sorted(found, key=lambda change: change.at), until < self.now)

    async def fill(self, names: Sequence[str]) -> Sequence[tuple[str, str]]:
        if self.no_room_for in names:
            raise GivenUpError("Neo4j has no room for it")
        self.filled.append(tuple(names))
        return [(name, name.upper()) for name in names if not name.startswith("gone")]

    def write(self, *names: str, ago: float = 0.0) -> None:
        self.written |= dict.fromkeys(names, self.now - timedelta(seconds=ago))

    async def looked(self, times: int = 2) -> None:
        wanted = len(self.looks) + times
        await until(lambda: len(self.looks) >= wanted)


@pytest.fixture
def graph() -> Graph:
    return Graph()


@pytest.fixture
async def feed(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Feed[str, str]]:
    monkeypatch.setattr("orchestrator.engine.feed._EVERY_SECONDS", 0.01)
    monkeypatch.setattr("orchestrator.engine.feed._LEAST_PAUSE", 0.001)
    feed = Feed(graph.look, graph.fill)
    running = asyncio.create_task(feed.run())
    yield feed
    assert not running.done()
    running.cancel()
    await asyncio.wait([running])


async def told(listener: Listener[str, str], count: int) -> list[str]:
    async with asyncio.timeout(5):
        return [await anext(listener) for _ in range(count)]


async def test_nothing_is_read_while_nobody_listens(graph: Graph, feed: Feed[str, str]) -> None:
    await asyncio.sleep(0.05)
    assert graph.looks == []
    listener = feed.listen()
    await graph.looked()
    del listener
    await asyncio.sleep(0.05)
    before = len(graph.looks)
    await asyncio.sleep(0.05)
    assert len(graph.looks) == before


async def test_change_is_told_once_to_each_and_read_once_for_all(
    graph: Graph, feed: Feed[str, str]
) -> None:
    listeners = [feed.listen(), feed.listen(), feed.listen(lambda name: name != "a")]
    await graph.looked()
    graph.write("a")
    await graph.looked(20)
    graph.write("b", "c")
    assert [await told(one, 3) for one in listeners[:2]] == [["A", "B", "C"]] * 2
    assert await told(listeners[2], 2) == ["B", "C"]
    assert graph.filled == [("a",), ("b", "c")]


async def test_what_was_written_long_ago_and_committed_late_is_told_once(
    graph: Graph, feed: Feed[str, str]
) -> None:
    listener = feed.listen()
    await graph.looked()
    graph.write("late", ago=14)
    assert await told(listener, 1) == ["LATE"]
    await graph.looked(20)
    graph.write("last")
    assert await told(listener, 1) == ["LAST"]


async def test_who_comes_is_told_of_what_happened_just_now_and_of_nothing_older(
    graph: Graph, feed: Feed[str, str]
) -> None:
    graph.write("old", ago=3)
    graph.now += timedelta(seconds=1)
    graph.write("just now", ago=-0.5)
    assert await told(feed.listen(), 1) == ["JUST NOW"]


async def test_who_comes_after_all_had_gone_is_not_told_of_what_happened_meanwhile(
    graph: Graph, feed: Feed[str, str]
) -> None:
    listener = feed.listen()
    await graph.looked()
    del listener
    await asyncio.sleep(0.05)
    graph.write("meanwhile")
    graph.now += timedelta(seconds=5)
    listener = feed.listen()
    await graph.looked()
    assert graph.looks[-2] is None
    graph.write("now")
    assert await told(listener, 1) == ["NOW"]


async def test_what_is_not_there_any_more_is_left_out(graph: Graph, feed: Feed[str, str]) -> None:
    listener = feed.listen()
    await graph.looked()
    graph.write("gone", "here")
    assert await told(listener, 1) == ["HERE"]


async def test_what_happened_before_the_graph_was_away_is_told_when_it_is_back(
    graph: Graph, feed: Feed[str, str]
) -> None:
    listener = feed.listen()
    await graph.looked()
    graph.error = UnavailableError("Neo4j cannot be reached")
    await graph.looked(1)
    graph.write("a")
    await graph.looked(40)
    graph.error = None
    assert await told(listener, 1) == ["A"]


async def test_what_is_left_to_looks_to_come_is_looked_for_at_once_and_told_once(
    graph: Graph, feed: Feed[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.engine.feed._EVERY_SECONDS", 3600)
    graph.most = timedelta(seconds=60)
    listener = feed.listen()
    await graph.looked(1)
    for name in ("a", "b", "c"):
        graph.now += timedelta(seconds=50)
        graph.write(name)
    feed.look()
    assert await told(listener, 3) == ["A", "B", "C"]
    assert graph.filled == [("a",), ("b",), ("c",)]


async def test_who_reads_at_his_own_pace_is_told_all_that_looks_find_one_after_the_other(
    graph: Graph, feed: Feed[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.engine.feed._EVERY_SECONDS", 3600)
    graph.most = timedelta(seconds=60)
    reading = feed.listen()
    await graph.looked(1)
    names = [f"change {number}" for number in range(1_250)]
    for start in range(0, len(names), 50):
        graph.now += timedelta(seconds=50)
        graph.write(*names[start : start + 50])
    feed.look()

    for name in names:
        assert await told(reading, 1) == [name.upper()]
        await asyncio.sleep(0.0005)


async def test_what_happens_before_the_first_look_has_come_is_told(
    graph: Graph, feed: Feed[str, str]
) -> None:
    graph.seconds_a_look = 0.2
    graph.error = UnavailableError("Neo4j cannot be reached")
    listener = feed.listen()
    await graph.looked(1)
    graph.write("a")
    await graph.looked(6)
    graph.error = None
    assert await told(listener, 1) == ["A"]


async def test_feed_that_breaks_tells_those_who_listen_and_serves_the_next(
    graph: Graph, feed: Feed[str, str]
) -> None:
    listener = feed.listen()
    await graph.looked()
    graph.error = LookupError("it is broken")
    with pytest.raises(LookupError):
        await told(listener, 1)
    graph.error = None
    listener = feed.listen()
    await graph.looked()
    graph.write("a")
    assert await told(listener, 1) == ["A"]


async def test_who_reads_is_told_all_that_one_look_finds_and_who_does_not_is_let_go_of(
    graph: Graph, feed: Feed[str, str]
) -> None:
    reading, idle = feed.listen(), feed.listen()
    await graph.looked()
    names = [f"change {number}" for number in range(3_000)]
    graph.write(*names)

    assert await told(reading, 3_000) == [name.upper() for name in names]
    assert max(len(filled) for filled in graph.filled) <= 100
    with pytest.raises(TooSlowError):
        await told(idle, 1)


async def test_what_can_be_read_of_many_is_told_once_and_the_rest_when_it_can_be_read_too(
    graph: Graph, feed: Feed[str, str]
) -> None:
    listener = feed.listen()
    await graph.looked()
    names = [f"change {number}" for number in range(150)]
    graph.no_room_for = names[-1]
    with capture_logs() as logs:
        graph.write(*names)
        first = await told(listener, 100)
        await graph.looked(20)
        graph.no_room_for = None
        rest = await told(listener, 50)
        graph.write("last")
        last = await told(listener, 1)

    assert first + rest == [name.upper() for name in names]
    assert last == ["LAST"]
    assert [line["event"] for line in logs] == ["changes_held_up", "changes_go_on"]


async def test_change_of_this_process_is_told_at_once(
    graph: Graph, feed: Feed[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.engine.feed._EVERY_SECONDS", 3600)
    listener = feed.listen()
    await graph.looked(1)
    graph.write("a")
    feed.look()
    assert await told(listener, 1) == ["A"]


async def test_listener_who_does_not_listen_is_let_go_of_and_told_why() -> None:
    audience: Audience[int, int] = Audience()
    slow, quick = audience.listen(), audience.listen()
    for number in range(2_000):
        audience.tell(number, number)
        assert await anext(quick) == number
    assert len(vars(slow)["_waiting"]) == 0
    with pytest.raises(TooSlowError, match="more than 1024 changes"):
        await anext(slow)
