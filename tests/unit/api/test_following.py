"""The events of a deliberation: recorded ones, then live ones, without a gap and without a double."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from typing_extensions import override

from orchestrator.api.context import Context
from orchestrator.api.schema import SCHEMA
from orchestrator.domain.deliberations import Deliberation, Status
from orchestrator.domain.errors import UnavailableError
from orchestrator.domain.transcripts import Claimed, Transcript
from orchestrator.domain.values import replace
from orchestrator.engine.events import Moved, TokensSpoken, TurnBegan
from tests.support.samples import ANYBODY, NOW, a_deliberation, play
from tests.support.waiting import until
from tests.unit.api.doubles import Archive, House

EVENTS = """subscription ($id: ID!, $after: Int) { deliberationEvents(id: $id, after: $after) {
  __typename sequence at deliberation { id status progress { turnsTaken } }
  ... on DeliberationClaimed { resumed }
  ... on TurnBegan { turnId kind round attempt seat { number agent { name } } }
  ... on TurnTaken { turn { id kind content } }
  ... on TokensSpoken { turnId attempt offset text } } }"""

NAMES = """subscription ($id: ID!, $after: Int) { deliberationEvents(id: $id, after: $after) {
  ... on TurnBegan { seat { agent { id name } } } ... on TurnTaken { turn { agent { id name } seat { agent { name } } } } } }"""


MOVED = Moved(deliberation="dlb_1")


def come(sequence: int) -> Moved:
    """What the lookout tells: that it has come so far."""
    return Moved(deliberation="dlb_1", sequence=sequence)


@asynccontextmanager
async def following(
    house: House, document: str = EVENTS, *, after: int | None = None, id: str = "dlb_1"
) -> AsyncGenerator[AsyncIterator[Any]]:
    results = await SCHEMA.stream(
        document,
        variable_values={"id": id, "after": after},
        context_value=Context(house.ports(), ANYBODY),
    )
    async with aclosing(results):
        yield results


async def next_result(results: AsyncIterator[Any]) -> Any:
    async with asyncio.timeout(40):
        return await anext(results)


async def next_event(results: AsyncIterator[Any]) -> dict[str, Any]:
    result = await next_result(results)
    assert result.errors is None, result.errors
    return result.data["deliberationEvents"]


async def rest(results: AsyncIterator[Any]) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    while True:
        try:
            events.append(await next_event(results))
        except StopAsyncIteration:
            return events


def told(events: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(event["__typename"], event["sequence"]) for event in events]


async def test_deliberation_that_has_ended_is_replayed_and_that_is_all(house: House) -> None:
    decided, transcript = play(a_deliberation())
    house.archive.keep(decided, transcript)

    async with following(house) as results:
        events = await rest(results)

    assert told(events) == [
        ("DeliberationClaimed", 1),
        *[("TurnTaken", turn.sequence) for turn in transcript.turns],
        ("DeliberationEnded", transcript.ended),
    ]
    assert events[0]["resumed"] is False
    assert events[1]["turn"] == {
        "id": "trn_1-p0-s1",
        "kind": "PROPOSAL",
        "content": "PROPOSAL of seat 1",
    }
    assert events[-1]["deliberation"] == {
        "id": "dlb_1",
        "status": "DECIDED",
        "progress": {"turnsTaken": 12},
    }
    assert events[-1]["at"] == "2026-01-31T12:01:00+00:00"
    # Read once, however many events there are.
    assert house.archive.names == ["deliberation", "followed"]


async def test_deliberation_that_is_removed_is_followed_no_longer(house: House) -> None:
    house.archive.keep(*play(a_deliberation(), turns=1))
    async with following(house) as results:
        first = [await next_event(results), await next_event(results)]
        house.archive.kept.clear()
        house.archive.said.clear()
        house.office.post("dlb_1", MOVED)
        assert await rest(results) == []

    assert told(first) == [("DeliberationClaimed", 1), ("TurnTaken", 2)]


@pytest.mark.parametrize("after", range(15))
async def test_replay_goes_on_where_it_was_left(house: House, after: int) -> None:
    decided, transcript = play(a_deliberation())
    house.archive.keep(decided, transcript)
    assert transcript.ended == 14

    async with following(house, after=after) as results:
        events = await rest(results)

    assert [event["sequence"] for event in events] == list(range(after + 1, 15))


@pytest.mark.parametrize("ends", ["before he comes", "while he follows"])
async def test_who_says_that_he_was_told_of_more_than_the_end_is_refused_and_told_where_it_is(
    house: House, ends: str
) -> None:
    house.archive.keep(*play(a_deliberation(), turns=1))
    if ends == "before he comes":
        house.archive.keep(*play(a_deliberation()))
    async with following(house, after=15) as results:
        waiting = asyncio.create_task(next_result(results))
        await until(lambda: bool(house.office.followers))
        house.archive.keep(*play(a_deliberation()))
        house.office.post("dlb_1", come(14))
        result = await waiting
        assert await rest(results) == []

    [error] = result.errors
    assert error.message == "after must be 14 at most, the sequence of its end, and is 15"
    assert (error.extensions["code"], error.extensions["path"]) == ("INVALID_INPUT", ["after"])


@pytest.mark.parametrize("lacks", [{"status": Status.RUNNING}, {"finished_at": None}])
async def test_who_was_told_of_an_end_that_is_half_read_is_not_refused(
    house: House, lacks: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.api.following._AGAIN_SECONDS", 0.01)
    decided, transcript = play(a_deliberation())
    house.archive.keep(replace(decided, **lacks), transcript)
    async with following(house, after=14) as results:
        waiting = asyncio.create_task(rest(results))
        await until(lambda: "followed" in house.archive.names)
        house.archive.keep(decided, transcript)
        assert await waiting == []


async def test_what_was_recorded_and_what_is_spoken_come_in_order_without_a_double(
    house: House,
) -> None:
    house.archive.keep(*play(a_deliberation(), turns=1))
    async with following(house) as results:
        first = [await next_event(results), await next_event(results)]
        began = TurnBegan(deliberation="dlb_1", at=NOW, turn="trn_1-c1-s3-t1", attempt=1)
        spoken = TokensSpoken(
            deliberation="dlb_1", at=NOW, turn="trn_1-c1-s3-t1", attempt=1, offset=0, text="Well"
        )
        house.office.post("dlb_1", began, spoken)
        live = [await next_event(results), await next_event(results)]
        house.archive.keep(*play(a_deliberation(), turns=2))
        # What this process says of a turn that was told already is old news; so is nothing new.
        house.office.post("dlb_1", MOVED, spoken, come(3))
        second = await next_event(results)
        house.archive.keep(*play(a_deliberation()))
        house.office.post("dlb_1", MOVED, MOVED)
        last = await rest(results)

    assert told(first) == [("DeliberationClaimed", 1), ("TurnTaken", 2)]
    assert told(live) == [("TurnBegan", 2), ("TokensSpoken", 2)]
    assert live[0] | {"at": "", "deliberation": None} == {
        "__typename": "TurnBegan",
        "sequence": 2,
        "at": "",
        "deliberation": None,
        "turnId": "trn_1-c1-s3-t1",
        "kind": "CRITIQUE",
        "round": 1,
        "attempt": 1,
        "seat": {"number": 3, "agent": {"name": "dev-agent-3"}},
    }
    assert (live[1]["turnId"], live[1]["offset"], live[1]["text"]) == ("trn_1-c1-s3-t1", 0, "Well")
    assert told([second]) == [("TurnTaken", 3)]
    assert second["deliberation"]["progress"] == {"turnsTaken": 2}
    assert [event["sequence"] for event in last] == list(range(4, 15))
    assert last[-1]["deliberation"]["status"] == "DECIDED"


async def test_deliberation_that_another_process_runs_is_seen_where_it_moved(house: House) -> None:
    house.archive.keep(a_deliberation(status=Status.QUEUED))
    async with following(house) as results:
        waiting = asyncio.create_task(rest(results))
        await until(lambda: bool(house.office.followers))
        house.office.post("dlb_1", come(0))
        running, transcript = play(a_deliberation(), turns=2)
        taken_over = Claimed(sequence=4, at=NOW, resumed=True)
        house.archive.keep(
            replace(running, sequence=4),
            replace(transcript, claims=(*transcript.claims, taken_over)),
        )
        house.office.post("dlb_1", come(4))
        await until(lambda: house.archive.names.count("followed") > 1)
        house.archive.keep(*play(a_deliberation()))
        house.office.post("dlb_1", come(14))
        events = await waiting

    assert [event["sequence"] for event in events] == list(range(1, 15))
    assert events[3]["resumed"] is True


async def test_graph_is_read_only_where_it_has_moved(house: House) -> None:
    house.archive.keep(*play(a_deliberation(), turns=1))
    async with following(house, after=2) as results:
        waiting = asyncio.create_task(rest(results))
        await until(lambda: bool(house.office.followers))
        house.office.post("dlb_1", come(2), come(1))
        await until(house.office.idle)
        house.archive.keep(*play(a_deliberation()))
        house.office.post("dlb_1", come(14))
        await waiting

    assert house.archive.names == ["deliberation", "followed", "followed"]


async def test_who_takes_turns_is_named_without_being_read_for_each(house: House) -> None:
    house.archive.keep(*play(a_deliberation()))

    async with following(house, NAMES) as results:
        events = await rest(results)

    assert {event["turn"]["agent"]["name"] for event in events if "turn" in event} == {
        "dev-agent-1",
        "dev-agent-2",
        "dev-agent-3",
    }
    assert "agents_by_id" not in house.registry.names


async def test_however_many_follow_all_else_has_its_turn_between_two_events(house: House) -> None:
    house.archive.keep(*play(a_deliberation()))
    ports = house.ports()
    told = most = 0

    async def follow() -> None:
        nonlocal told
        results = await SCHEMA.stream(
            EVENTS, variable_values={"id": "dlb_1"}, context_value=Context(ports, ANYBODY)
        )
        async for _ in results:
            told += 1

    followers = asyncio.gather(*(follow() for _ in range(20)))
    while not followers.done():
        before = told
        await asyncio.sleep(0)
        most = max(most, told - before)

    assert (told, most) == (20 * 14, 1)


async def test_what_is_being_said_is_told_at_once_however_many_follow(house: House) -> None:
    house.archive.keep(*play(a_deliberation(), turns=1))
    ports = house.ports()
    results = await SCHEMA.stream(
        EVENTS, variable_values={"id": "dlb_1"}, context_value=Context(ports, ANYBODY)
    )
    async with aclosing(results):
        for _ in range(2):
            await next_event(results)
        # As while others are told of what was recorded: it would pile up behind them, and the end behind that.
        async with ports.telling:
            for offset in range(3):
                turn = "trn_1-c1-s3-t1"
                spoken = TokensSpoken(
                    deliberation="dlb_1", at=NOW, turn=turn, attempt=1, offset=offset, text="."
                )
                house.office.post("dlb_1", spoken)
                assert (await next_event(results))["offset"] == offset


async def test_what_this_process_moved_is_looked_at_and_told_once(house: House) -> None:
    house.archive.keep(*play(a_deliberation(), turns=1))
    async with following(house, after=2) as results:
        waiting = asyncio.create_task(rest(results))
        await until(lambda: bool(house.office.followers))
        house.office.post("dlb_1", MOVED)
        await until(lambda: house.archive.names.count("followed") == 2)
        house.archive.keep(*play(a_deliberation()))
        house.office.post("dlb_1", MOVED)
        events = await waiting

    assert house.archive.names == ["deliberation", *["followed"] * 3]
    assert [event["sequence"] for event in events] == list(range(3, 15))


async def test_what_was_told_of_and_could_not_be_read_yet_is_read_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a cluster, the server that was read from may be behind the one that told."""
    monkeypatch.setattr("orchestrator.api.following._AGAIN_SECONDS", 0.01)
    house.archive.keep(*play(a_deliberation(), turns=1))
    async with following(house, after=2) as results:
        waiting = asyncio.create_task(rest(results))
        await until(lambda: bool(house.office.followers))
        house.office.post("dlb_1", come(14))
        await until(lambda: len(house.archive.calls) > 4)
        house.archive.keep(*play(a_deliberation()))
        events = await waiting

    assert [event["sequence"] for event in events] == list(range(3, 15))


@dataclass
class Moving(Archive):
    """Gives transcripts that are newer than the deliberation that was read before, and lacks what a test says."""

    newer: tuple[Deliberation, Transcript] | None = None
    unseen: frozenset[int] = frozenset()

    @override
    async def followed(self, deliberation: str) -> tuple[Deliberation, Transcript] | None:
        before = await super().followed(deliberation)
        if self.newer is not None:
            self.keep(*self.newer)
        after = await super().followed(deliberation)
        if before is None or after is None:
            return None
        (now, _), (_, found) = before, after
        seen = tuple(turn for turn in found.turns if turn.sequence not in self.unseen)
        return now, replace(found, turns=seen)


async def test_what_is_committed_between_two_reads_is_told_with_the_next_look(house: House) -> None:
    house.archive = moving = Moving()
    moving.keep(*play(a_deliberation(), turns=1))
    moving.newer = play(a_deliberation())

    async with following(house) as results:
        first = [await next_event(results), await next_event(results)]
        waiting = asyncio.create_task(rest(results))
        await until(lambda: bool(house.office.followers))
        house.office.post("dlb_1", MOVED)
        events = await waiting

    assert told(first) == [("DeliberationClaimed", 1), ("TurnTaken", 2)]
    assert first[1]["deliberation"] == {
        "id": "dlb_1",
        "status": "RUNNING",
        "progress": {"turnsTaken": 1},
    }
    assert [event["sequence"] for event in events] == list(range(3, 15))
    assert events[-1]["__typename"] == "DeliberationEnded"
    assert events[-1]["deliberation"]["status"] == "DECIDED"


async def test_of_two_turns_committed_together_neither_is_hidden_where_one_is_seen_first(
    house: House,
) -> None:
    house.archive = moving = Moving(unseen=frozenset({3}))
    moving.keep(*play(a_deliberation(), turns=3))

    async with following(house) as results:
        first = [await next_event(results), await next_event(results)]
        waiting = asyncio.create_task(next_event(results))
        await until(lambda: bool(house.office.followers))
        moving.unseen = frozenset()
        house.office.post("dlb_1", MOVED)
        later = [await waiting, await next_event(results)]

    assert told(first) == [("DeliberationClaimed", 1), ("TurnTaken", 2)]
    assert told(later) == [("TurnTaken", 3), ("TurnTaken", 4)]


async def test_number_that_no_event_has_holds_nobody_for_ever(house: House) -> None:
    house.archive = moving = Moving(unseen=frozenset({3, 5}))
    moving.keep(*play(a_deliberation(), turns=5))

    async with following(house, after=2) as results:
        waiting = asyncio.create_task(next_event(results))
        await until(lambda: bool(house.office.followers))
        house.office.post("dlb_1", MOVED)
        later = [await waiting, await next_event(results)]

    assert [event["sequence"] for event in later] == [4, 6]


@pytest.mark.parametrize("lacks", [{"status": Status.RUNNING}, {"finished_at": None}])
async def test_end_is_told_only_with_all_that_belongs_to_it(
    house: House, lacks: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read while Neo4j writes it into its store, one property after the other, a deliberation may have the sequence of an end alone."""
    monkeypatch.setattr("orchestrator.api.following._AGAIN_SECONDS", 0.01)
    decided, transcript = play(a_deliberation())
    house.archive.keep(replace(decided, **lacks), transcript)
    async with following(house, after=12) as results:
        before = await next_event(results)
        waiting = asyncio.create_task(rest(results))
        house.archive.keep(decided, transcript)
        events = await waiting

    assert told([before]) == [("TurnTaken", 13)]
    assert told(events) == [("DeliberationEnded", 14)]
    assert events[0]["at"] == "2026-01-31T12:01:00+00:00"
    assert events[0]["deliberation"]["status"] == "DECIDED"


@pytest.mark.parametrize("id", ["dlb_none", "cou_dev", "", "x"])
async def test_unknown_deliberation_is_not_found_and_not_followed(house: House, id: str) -> None:
    async with following(house, id=id) as results:
        result = await anext(results)

    [error] = result.errors
    assert error.extensions["code"] == "NOT_FOUND"
    assert error.extensions["path"] == ["id"]
    assert house.office.followers == {}


async def test_graph_that_goes_away_ends_the_subscription_with_the_reason(house: House) -> None:
    house.archive.keep(*play(a_deliberation(), turns=1))
    async with following(house) as results:
        await next_event(results)
        await next_event(results)
        house.archive.errors["followed"] = UnavailableError("Neo4j cannot be reached")
        house.office.post("dlb_1", MOVED)
        result = await anext(results)
        with pytest.raises(StopAsyncIteration):
            await anext(results)

    [error] = result.errors
    assert error.extensions["code"] == "UNAVAILABLE"


async def test_what_is_told_is_read_after_the_following_began(house: House) -> None:
    house.archive.keep(*play(a_deliberation(), turns=1))
    house.archive.calls = house.office.calls

    async with following(house) as results:
        await next_event(results)

    assert house.office.names == ["deliberation", "follow", "followed"]
