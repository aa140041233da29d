"""Calls that go together: each gets its own answer, and no one suffers for another."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from orchestrator.domain.errors import GivenUpError, UnavailableError
from orchestrator.graph.errors import StatementRefusedError
from orchestrator.graph.gathering import Gathering
from tests.support.waiting import until


class Work:
    """Doubles what it is given, in batches that it remembers, when it is let."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.let = asyncio.Event()
        self.let.set()
        self.error: Exception | None = None
        self.refused = ""
        self.slow = ""

    async def __call__(self, items: Mapping[str, int]) -> Mapping[str, int]:
        self.batches.append(list(items))
        await self.let.wait()
        if self.error is not None:
            raise self.error
        if self.refused in items:
            raise StatementRefusedError("code", "reason")
        if self.slow in items:
            raise GivenUpError("Neo4j cannot do it now: the lock was not had in time")
        return {key: 2 * item for key, item in items.items() if item}


async def test_what_is_asked_while_one_is_under_way_goes_together_in_the_next_in_order() -> None:
    work = Work()
    gathering = Gathering(work, absent=-1)
    work.let.clear()
    first = asyncio.create_task(gathering("a", 1))
    await until(lambda: bool(work.batches))
    others = [asyncio.create_task(gathering(key, 2)) for key in ("d", "c", "b")]
    await asyncio.sleep(0)
    work.let.set()
    assert [await first, *await asyncio.gather(*others)] == [2, 4, 4, 4]
    assert work.batches == [["a"], ["b", "c", "d"]]


async def test_one_that_has_no_answer_is_told_so() -> None:
    gathering = Gathering(Work(), absent=-1)
    assert await asyncio.gather(gathering("a", 0), gathering("b", 1)) == [-1, 2]


async def test_two_calls_for_the_same_are_done_one_after_the_other() -> None:
    work = Work()
    gathering = Gathering(work, absent=-1)
    assert await asyncio.gather(gathering("a", 1), gathering("a", 2)) == [2, 4]
    assert work.batches == [["a"], ["a"]]


async def test_calls_that_are_alike_share_an_answer_that_is_no_older_than_any_of_them() -> None:
    work = Work()
    gathering = Gathering(work, absent=-1, alike=True)
    work.let.clear()
    first = asyncio.create_task(gathering("a", 1))
    await until(lambda: bool(work.batches))
    others = [asyncio.create_task(gathering(key, 1)) for key in ("a", "b", "a")]
    await asyncio.sleep(0)
    work.let.set()
    assert await asyncio.gather(first, *others) == [2, 2, 2, 2]
    assert work.batches == [["a"], ["a", "b"]]


async def test_one_of_those_alike_who_is_gone_takes_nothing_from_the_others() -> None:
    work = Work()
    work.slow = "c"
    gathering = Gathering(work, absent=-1, alike=True)
    work.let.clear()
    asked = [asyncio.create_task(gathering(key, 1)) for key in ("a", "a", "b", "b", "c")]
    await until(lambda: bool(work.batches))
    for gone in (asked[0], asked[2], asked[3]):
        gone.cancel()
    await asyncio.wait([asked[0], asked[2], asked[3]])
    work.let.set()
    assert await asked[1] == 2
    with pytest.raises(GivenUpError):
        await asked[4]
    assert work.batches == [["a", "b", "c"], ["a"], ["c"]]


async def test_what_is_refused_is_told_to_all_of_those_alike() -> None:
    work = Work()
    work.refused = "a"
    gathering = Gathering(work, absent=-1, alike=True)
    answers = await asyncio.gather(
        *(gathering(key, 1) for key in ("a", "b", "a")), return_exceptions=True
    )
    assert isinstance(answers[0], StatementRefusedError)
    assert answers[1:] == [2, answers[0]]


async def test_one_that_is_refused_does_not_stop_the_others() -> None:
    work = Work()
    work.refused = "b"
    gathering = Gathering(work, absent=-1)
    answers = await asyncio.gather(
        *(gathering(key, 1) for key in ("a", "b", "c")), return_exceptions=True
    )
    assert answers[0] == answers[2] == 2
    assert isinstance(answers[1], StatementRefusedError)


async def test_one_that_takes_too_long_does_not_stop_the_others() -> None:
    work = Work()
    work.slow = "b"
    gathering = Gathering(work, absent=-1)
    answers = await asyncio.gather(
        *(gathering(key, 1) for key in ("a", "b", "c")), return_exceptions=True
    )
    assert answers[0] == answers[2] == 2
    assert isinstance(answers[1], GivenUpError)


async def test_one_whose_answer_cannot_be_made_does_not_stop_the_others() -> None:
    async def read(items: Mapping[str, int]) -> Mapping[str, int]:
        return {key: 6 // item for key, item in items.items()}

    gathering = Gathering(read, absent=-1)
    answers = await asyncio.gather(
        *(gathering(key, item) for key, item in (("a", 2), ("b", 0), ("c", 3))),
        return_exceptions=True,
    )
    assert (answers[0], answers[2]) == (3, 2)
    assert isinstance(answers[1], ZeroDivisionError)


async def test_one_whose_caller_is_gone_is_not_tried_another_time() -> None:
    work = Work()
    work.slow = "b"
    gathering = Gathering(work, absent=-1)
    work.let.clear()
    asked = [asyncio.create_task(gathering(key, 1)) for key in ("a", "b", "c")]
    await until(lambda: bool(work.batches))
    asked[1].cancel()
    await asyncio.wait(asked[1:2])
    work.let.set()
    assert await asyncio.gather(asked[0], asked[2]) == [2, 2]
    assert work.batches == [["a", "b", "c"], ["a"], ["c"]]


async def test_what_fails_for_all_is_told_to_all_and_the_next_is_tried_anew() -> None:
    work = Work()
    work.error = UnavailableError("Neo4j cannot be reached")
    gathering = Gathering(work, absent=-1)
    answers = await asyncio.gather(gathering("a", 1), gathering("b", 1), return_exceptions=True)
    assert answers == [work.error, work.error]
    work.error = None
    assert await gathering("a", 1) == 2


async def test_a_caller_who_is_cancelled_stops_no_one_elses_call() -> None:
    work = Work()
    gathering = Gathering(work, absent=-1)
    work.let.clear()
    one, other = asyncio.create_task(gathering("a", 1)), asyncio.create_task(gathering("b", 1))
    await until(lambda: bool(work.batches))
    one.cancel()
    with pytest.raises(asyncio.CancelledError):
        await one
    work.let.set()
    assert await other == 2
    assert await gathering("c", 3) == 6


async def test_more_than_fit_into_one_go_in_several() -> None:
    work = Work()
    gathering = Gathering(work, absent=-1)
    await asyncio.gather(*(gathering(f"{n:02}", n + 1) for n in range(70)))
    assert [len(batch) for batch in work.batches] == [32, 32, 6]
