"""The recorder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from structlog.testing import capture_logs
from typing_extensions import override

from orchestrator.domain.deliberations import (
    RankedProposal,
    StopReason,
    Turn,
    TurnOutcome,
    Verdict,
)
from orchestrator.domain.errors import (
    ClaimLostError,
    GivenUpError,
    UnavailableError,
    UnrecordableError,
)
from orchestrator.domain.values import replace
from orchestrator.engine.ports import Conclusion, Recorded, Recording
from orchestrator.engine.recorder import Recorder
from tests.support.waiting import until
from tests.unit.engine.doubles import DELIBERATION, OneDeliberation, proposal

A_VERDICT = Verdict(
    ranking=(RankedProposal(rank=1, score=1.0, votes=1, proposal=proposal(1).id),),
    ballots=(),
    dissent=(),
    margin=1.0,
    agreement=None,
    partial=False,
)


def recording(turn: Turn, epoch: int = 1) -> Recording:
    return Recording(deliberation=DELIBERATION, epoch=epoch, turn=turn, after=1)


@asynccontextmanager
async def recorder_on(graph: OneDeliberation) -> AsyncGenerator[Recorder]:
    recorder = Recorder(graph)
    running = asyncio.create_task(recorder.run())
    try:
        yield recorder
    finally:
        running.cancel()
        await asyncio.wait([running])


async def settle() -> None:
    """Let everybody go on as far as they can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_turn_comes_back_with_its_sequence() -> None:
    graph = OneDeliberation()
    async with recorder_on(graph) as recorder:
        recorded = (await recorder.record(recording(proposal(1)))).turn
    assert recorded == graph.turns[proposal(1).id]


async def test_turns_that_end_during_a_write_go_together_in_the_next() -> None:
    graph = OneDeliberation(gate=asyncio.Event())
    async with recorder_on(graph) as recorder, asyncio.TaskGroup() as turns:
        turns.create_task(recorder.record(recording(proposal(1))))
        await settle()
        turns.create_task(recorder.record(recording(proposal(2))))
        turns.create_task(recorder.record(recording(proposal(3))))
        await asyncio.sleep(0)
        assert graph.gate is not None
        graph.gate.set()
    assert graph.batches == [(proposal(1).id,), (proposal(2).id, proposal(3).id)]


def turns_of_others(count: int) -> list[Recording]:
    """One turn each of so many deliberations."""
    return [
        replace(recording(replace(proposal(1), id=f"trn_{n}")), deliberation=f"dlb_{n}")
        for n in range(count)
    ]


async def test_where_many_wait_a_second_write_goes_beside_the_first() -> None:
    graph = OneDeliberation(gate=asyncio.Event())
    async with recorder_on(graph) as recorder, asyncio.TaskGroup() as turns:
        turns.create_task(recorder.record(recording(proposal(1))))
        await settle()
        for one in turns_of_others(48):
            turns.create_task(recorder.record(one))
        turns.create_task(recorder.record(recording(proposal(2))))
        await settle()
        assert graph.writing == 2
        for one in turns_of_others(200)[48:]:
            turns.create_task(recorder.record(one))
        await settle()
        assert graph.writing == 2
        assert graph.gate is not None
        graph.gate.set()
    assert [len(batch) for batch in graph.batches] == [1, 48, 128, 25]
    assert proposal(2).id in graph.batches[2], "one deliberation is in one write at a time"


async def test_a_few_wait_for_the_write_that_is_under_way() -> None:
    graph = OneDeliberation(gate=asyncio.Event())
    async with recorder_on(graph) as recorder, asyncio.TaskGroup() as turns:
        turns.create_task(recorder.record(recording(proposal(1))))
        await settle()
        for one in turns_of_others(47):
            turns.create_task(recorder.record(one))
        await settle()
        assert graph.writing == 1
        assert graph.gate is not None
        graph.gate.set()
    assert [len(batch) for batch in graph.batches] == [1, 47]


async def test_nothing_is_acknowledged_before_its_commit() -> None:
    graph = OneDeliberation(gate=asyncio.Event())
    async with recorder_on(graph) as recorder:
        turn = asyncio.create_task(recorder.record(recording(proposal(1))))
        for _ in range(5):
            await asyncio.sleep(0)
        assert not turn.done()
        assert recorder.obstacles(DELIBERATION) == ()
        assert graph.gate is not None
        graph.gate.set()
        await turn


async def test_what_was_received_is_held_while_the_graph_is_away() -> None:
    graph = OneDeliberation(errors=[UnavailableError("away"), UnavailableError("away")])
    async with recorder_on(graph) as recorder:
        recorded = (await recorder.record(recording(proposal(1)))).turn
    assert recorded.taken


async def test_a_turn_of_a_lost_claim_is_not_recorded_and_says_so() -> None:
    graph = OneDeliberation(epoch=2)
    async with recorder_on(graph) as recorder:
        with pytest.raises(ClaimLostError):
            await recorder.record(recording(proposal(1), epoch=1))
    assert graph.turns == {}


def unstorable(turn: Turn) -> UnrecordableError | None:
    return UnrecordableError("no room") if turn.content == "unstorable" else None


async def test_one_turn_that_cannot_be_stored_does_not_stop_the_others() -> None:
    graph = OneDeliberation(gate=asyncio.Event(), refuses=unstorable)
    turns = [proposal(n, "unstorable" if n == 3 else "fine") for n in range(1, 6)]
    async with recorder_on(graph) as recorder, asyncio.TaskGroup() as group:
        tasks = [group.create_task(recorder.record(recording(turn))) for turn in turns]
        await asyncio.sleep(0)
        assert graph.gate is not None
        graph.gate.set()
    assert [task.result().turn.outcome for task in tasks] == [
        TurnOutcome.ABSENT if turn.content == "unstorable" else TurnOutcome.TAKEN for turn in turns
    ]


async def test_a_deliberation_that_cannot_be_written_now_holds_up_no_other() -> None:
    locked = True

    def lock(turn: Turn) -> GivenUpError | None:
        return (
            GivenUpError("the lock was not had in time") if turn.id == "trn_0" and locked else None
        )

    graph = OneDeliberation(refuses=lock)
    first, *others = turns_of_others(20)
    async with recorder_on(graph) as recorder:
        stuck = asyncio.create_task(recorder.record(first))
        # Together with it, and after it.
        await asyncio.gather(*(recorder.record(one) for one in others[:10]))
        await asyncio.gather(*(recorder.record(one) for one in others[10:]))
        assert not stuck.done()
        assert not await recorder.emptied(timedelta(0))
        locked = False
        assert (await stuck).turn.id == "trn_0"
        assert await recorder.emptied(timedelta(seconds=1))


async def test_what_comes_of_a_deliberation_that_cannot_be_written_now_waits_behind_it() -> None:
    locked = True

    def lock(_: Turn) -> GivenUpError | None:
        return GivenUpError("the lock was not had in time") if locked else None

    graph = OneDeliberation(refuses=lock)
    async with recorder_on(graph) as recorder, asyncio.TaskGroup() as turns:
        turns.create_task(recorder.record(recording(proposal(1))))
        await settle()
        turns.create_task(recorder.record(recording(proposal(2))))
        await settle()
        locked = False
    assert graph.batches == [(proposal(1).id,), (proposal(2).id,)]


async def test_what_waits_already_goes_on_when_the_write_before_it_is_held_up() -> None:
    locked = True

    def lock(turn: Turn) -> GivenUpError | None:
        return (
            GivenUpError("the lock was not had in time") if turn.id == "trn_0" and locked else None
        )

    graph = OneDeliberation(gate=asyncio.Event(), refuses=lock)
    first, other = turns_of_others(2)
    async with recorder_on(graph) as recorder:
        stuck = asyncio.create_task(recorder.record(first))
        await settle()
        waiting = asyncio.create_task(recorder.record(other))
        await settle()
        assert graph.writing == 1
        assert graph.gate is not None
        graph.gate.set()
        await asyncio.wait_for(waiting, 10)
        assert not stuck.done()
        locked = False
        await stuck


async def test_it_says_what_holds_up_the_turns_of_a_deliberation_until_they_are_recorded() -> None:
    said = "the lock was not had in time"

    def lock(turn: Turn) -> GivenUpError | None:
        return GivenUpError(said) if turn.id == "trn_0" and said else None

    graph = OneDeliberation(refuses=lock)
    first, other = turns_of_others(2)
    async with recorder_on(graph) as recorder:
        stuck = asyncio.create_task(recorder.record(first))
        await recorder.record(other)
        await until(lambda: bool(recorder.obstacles("dlb_0")))
        assert recorder.obstacles("dlb_0") == (f"its turns to be recorded, since {said}",)
        assert recorder.obstacles("dlb_1") == ()
        said = "it was ended by an operator"
        await until(lambda: said in recorder.obstacles("dlb_0")[0])
        said = ""
        await stuck
        assert await recorder.emptied(timedelta(seconds=1))
        assert recorder.obstacles("dlb_0") == ()


@pytest.mark.parametrize("times", [1, 2])
async def test_turns_that_are_held_up_are_told_once_in_a_line_of_each_deliberation(
    times: int,
) -> None:
    graph = OneDeliberation(errors=[UnavailableError("away")] * times)
    with capture_logs() as log:
        async with recorder_on(graph) as recorder:
            await asyncio.gather(*(recorder.record(one) for one in turns_of_others(3)))
    told = [line for line in log if line["event"] == "turns_held_up"]
    assert [(line["deliberation"], line["epoch"], line["turns"]) for line in told] == [
        (f"dlb_{number}", 1, [f"trn_{number}"]) for number in range(3)
    ]


async def test_while_the_graph_is_away_nothing_else_is_tried_beside() -> None:
    graph = OneDeliberation(refuses=lambda _: UnavailableError("Neo4j is away"))
    async with recorder_on(graph) as recorder:
        waiting = [asyncio.create_task(recorder.record(one)) for one in turns_of_others(3)]
        await settle()
        waiting += [asyncio.create_task(recorder.record(recording(proposal(1))))]
        await settle()
        graph.refuses = lambda _: None
        await asyncio.gather(*waiting)
    assert graph.batches == [("trn_0", "trn_1", "trn_2"), (proposal(1).id,)]


async def test_a_turn_that_cannot_be_stored_is_recorded_as_absent_with_the_reason() -> None:
    graph = OneDeliberation(refuses=unstorable)
    async with recorder_on(graph) as recorder:
        recorded = (await recorder.record(recording(proposal(1, "unstorable")))).turn
    assert (recorded.content, recorded.absence) == (None, "could not be recorded: no room")


async def test_a_turn_is_recorded_without_a_conclusion_that_cannot_be_stored() -> None:
    class Refusing(OneDeliberation):
        @override
        async def record(self, batch: Sequence[Recording]) -> Recorded:
            if any(one.conclusion is not None for one in batch):
                raise UnrecordableError("there is such a verdict")
            return await super().record(batch)

    conclusion = Conclusion(sequence=2, verdict=A_VERDICT, stop_reason=StopReason.COMPLETED)
    async with recorder_on(Refusing()) as recorder:
        written = await recorder.record(replace(recording(proposal(1)), conclusion=conclusion))
    assert (written.turn.content, written.decided) == ("a proposal", False)


@pytest.mark.parametrize("written", [True, False])
async def test_only_the_turn_that_brings_a_conclusion_decides_and_only_where_it_was_written(
    written: bool,
) -> None:
    class Deciding(OneDeliberation):
        @override
        async def record(self, batch: Sequence[Recording]) -> Recorded:
            sequences = (await super().record(batch)).sequences
            decided = frozenset({(DELIBERATION, 1)} if written else ())
            return Recorded(sequences=sequences, decided=decided)

    conclusion = Conclusion(sequence=2, verdict=A_VERDICT, stop_reason=StopReason.COMPLETED)
    last = replace(recording(proposal(2)), conclusion=conclusion)
    async with recorder_on(Deciding()) as recorder:
        both = await asyncio.gather(recorder.record(recording(proposal(1))), recorder.record(last))
    assert [one.decided for one in both] == [False, written]


async def test_a_turn_whose_absence_cannot_be_stored_either_is_an_error() -> None:
    graph = OneDeliberation(refuses=lambda _: UnrecordableError("no room at all"))
    async with recorder_on(graph) as recorder:
        with pytest.raises(UnrecordableError, match="no room at all"):
            await recorder.record(recording(proposal(1)))


async def test_what_was_answered_is_recorded_though_nobody_waits_for_it_any_more() -> None:
    graph = OneDeliberation(gate=asyncio.Event())
    async with recorder_on(graph) as recorder:
        turn = asyncio.create_task(recorder.record(recording(proposal(1))))
        await asyncio.sleep(0)
        turn.cancel()
        await asyncio.wait([turn])
        assert graph.gate is not None
        graph.gate.set()
        assert await recorder.emptied(timedelta(seconds=5))
    assert list(graph.turns) == [proposal(1).id]


async def test_with_nothing_to_write_there_is_nothing_to_wait_for() -> None:
    assert await Recorder(OneDeliberation()).emptied(timedelta(0))


@pytest.mark.parametrize("together", [True, False])
async def test_nothing_is_left_out_of_what_is_waited_for(together: bool) -> None:
    """What waits behind a write, and the parts of one that the graph did not take whole."""
    gate = asyncio.Event()
    graph = OneDeliberation(gate=gate, refuses=unstorable)
    async with recorder_on(graph) as recorder, asyncio.TaskGroup() as turns:
        turns.create_task(recorder.record(recording(proposal(1))))
        if not together:
            await settle()
        turns.create_task(
            recorder.record(recording(proposal(2, "unstorable" if together else "fine")))
        )
        await settle()
        graph.gate = asyncio.Event()
        gate.set()
        await settle()
        assert not await recorder.emptied(timedelta(0))
        graph.gate.set()
        assert await recorder.emptied(timedelta(seconds=5))
    assert len(graph.turns) == 2


async def test_it_says_when_turns_could_not_be_written_in_time() -> None:
    graph = OneDeliberation(gate=asyncio.Event())
    async with recorder_on(graph) as recorder:
        turn = asyncio.create_task(recorder.record(recording(proposal(1))))
        await asyncio.sleep(0)
        assert not await recorder.emptied(timedelta(milliseconds=10))
        turn.cancel()
        await asyncio.wait([turn])


@pytest.mark.parametrize("field", ["content", "reasoning"])
async def test_a_batch_holds_no_more_text_than_a_transaction_can_take(field: str) -> None:
    graph = OneDeliberation(gate=asyncio.Event())
    async with recorder_on(graph) as recorder, asyncio.TaskGroup() as turns:
        for number in (1, 2, 3):
            turn = replace(proposal(number), **{field: "x" * 1_500_000})
            turns.create_task(recorder.record(recording(turn)))
        await asyncio.sleep(0)
        assert graph.gate is not None
        graph.gate.set()
    assert [len(batch) for batch in graph.batches] == [2, 1]


async def test_a_turn_with_more_text_than_a_batch_may_hold_is_written_alone() -> None:
    graph = OneDeliberation()
    async with recorder_on(graph) as recorder:
        written = recorder.record(recording(proposal(1, "x" * 4_000_001)))
        assert (await asyncio.wait_for(written, 10)).turn.taken


async def test_one_who_reads_a_deliberation_can_wait_for_turns_on_their_way() -> None:
    graph = OneDeliberation(gate=asyncio.Event())
    async with recorder_on(graph) as recorder, asyncio.TaskGroup() as tasks:
        tasks.create_task(recorder.record(recording(proposal(1))))
        await asyncio.sleep(0)
        settled = tasks.create_task(recorder.settled(DELIBERATION))
        await asyncio.wait_for(recorder.settled("dlb_other"), 1)
        assert not settled.done()
        assert graph.gate is not None
        graph.gate.set()
