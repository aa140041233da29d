"""The runner, with its recorder and dispatcher."""

from __future__ import annotations

import asyncio
import gc
import threading
import tracemalloc
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs
from typing_extensions import override

from orchestrator.domain.deliberations import Status, StopReason, Task, TurnKey, TurnKind
from orchestrator.domain.errors import (
    ClaimLostError,
    ModelError,
    UnavailableError,
    UnrecordableError,
)
from orchestrator.domain.ids import turn_id
from orchestrator.domain.protocols.steps import Ask
from orchestrator.domain.values import replace
from orchestrator.engine import prompting
from orchestrator.engine.dispatching import Dispatcher
from orchestrator.engine.events import Moved
from orchestrator.engine.following import Board
from orchestrator.engine.lease import Lease
from orchestrator.engine.patience import Patience
from orchestrator.engine.ports import Answer, Call, Case, Held, Recorded, Recording
from orchestrator.engine.prompting import Prompt, Prompts
from orchestrator.engine.recorder import Recorder
from orchestrator.engine.runner import Runner
from tests.support.waiting import until
from tests.unit.engine.conftest import PutForward, all_that_can_happen
from tests.unit.engine.doubles import (
    DELIBERATION,
    NOW,
    OneDeliberation,
    ScriptedModels,
    a_deliberation,
    ballot_for,
    proposal,
)

HELD = Held(deliberation=DELIBERATION, epoch=1)
NO_WAITING = Patience(attempts=3, first_wait=0.0, longest_wait=0.0, jitter=0.0)

HOUR = 3600.0
HOURS_OF_WAITING = Patience(attempts=3, first_wait=HOUR, longest_wait=HOUR, jitter=0.0)
DUE_IN_AN_HOUR = replace(HELD, time_left=timedelta(seconds=HOUR))


class Bench:
    """A runner and all that it needs, in one place."""

    def __init__(
        self,
        graph: OneDeliberation,
        models: ScriptedModels,
        held: Held = HELD,
        patience: Patience = NO_WAITING,
    ) -> None:
        self.graph = graph
        self.models = models
        self.board = Board()
        self.lease = Lease(timedelta(seconds=60))
        self.recorder = Recorder(graph)
        self.dispatcher = Dispatcher(models, self.board, self.lease, patience)
        self.runner = Runner(
            held,
            deliberations=graph,
            dispatcher=self.dispatcher,
            recorder=self.recorder,
            board=self.board,
        )

    async def run(self) -> None:
        recording = asyncio.create_task(self.recorder.run())
        try:
            await self.lease.renew(self.lease.now())
            await self.runner.run()
        finally:
            recording.cancel()
            await asyncio.wait([recording])


async def test_three_seats_and_one_round_are_twelve_calls_and_a_verdict() -> None:
    graph, models = OneDeliberation(), ScriptedModels()
    await Bench(graph, models).run()
    assert len(models.asked) == len(set(models.asked)) == 12
    assert graph.deliberation.status is Status.DECIDED


async def test_turns_that_are_recorded_are_never_asked_for_again() -> None:
    graph, models = OneDeliberation(), ScriptedModels()
    await Bench(graph, models).run()
    whole = dict(graph.turns)
    some = dict(list(whole.items())[:7])
    resumed = OneDeliberation(deliberation=replace(a_deliberation(), sequence=8), turns=dict(some))
    again = ScriptedModels()
    await Bench(resumed, again).run()
    assert set(again.asked) == set(whole) - set(some)
    assert resumed.verdicts == graph.verdicts


async def test_what_was_recorded_and_is_not_there_any_more_is_asked_for_again() -> None:
    slow = asyncio.Event()
    graph, models = OneDeliberation(), ScriptedModels(gates={"-t1": slow, "-t2": slow, "-t3": slow})
    running = asyncio.create_task(Bench(graph, models).run())
    await until(lambda: len(graph.turns) == 3)
    await until(lambda: any("-c1-" in turn for turn in models.asked))
    # An older copy of the graph, in which the same claim holds.
    first = dict(list(graph.turns.items())[:1])
    graph.turns, graph.deliberation = dict(first), replace(graph.deliberation, sequence=2)
    slow.set()
    with pytest.raises(ClaimLostError):
        await running
    assert graph.turns == first
    again = ScriptedModels()
    await Bench(graph, again).run()
    assert len(again.asked) == 11
    assert (len(graph.turns), graph.deliberation.status) == (12, Status.DECIDED)


async def test_what_only_wants_its_verdict_is_decided_without_a_call() -> None:
    graph = OneDeliberation()
    await Bench(graph, ScriptedModels()).run()
    complete = replace(a_deliberation(), sequence=13)
    resumed, models = OneDeliberation(deliberation=complete, turns=graph.turns), ScriptedModels()
    await Bench(resumed, models).run()
    assert models.asked == []
    assert (resumed.verdicts, resumed.decided_apart) == (graph.verdicts, 1)


async def test_a_deliberation_that_has_ended_is_left_alone() -> None:
    graph = OneDeliberation(deliberation=replace(a_deliberation(), status=Status.DECIDED))
    models = ScriptedModels()
    await Bench(graph, models).run()
    assert models.asked == []


async def test_a_critique_does_not_wait_for_the_slowest_proposal() -> None:
    slow = asyncio.Event()
    graph, models = OneDeliberation(), ScriptedModels(gates={"p0-s3": slow})
    running = asyncio.create_task(Bench(graph, models).run())
    await until(lambda: any("-c1-" in turn for turn in models.asked))
    assert not any("-p0-s3" in turn for turn in graph.turns)
    slow.set()
    await running


async def test_the_quorum_lost_ends_it_at_once_and_closes_the_calls() -> None:
    def script(call: Call, _times: int) -> Answer | ModelError | None:
        gone = ModelError("the model is gone", retryable=False)
        return None if call.turn.endswith("s3") else gone

    graph = OneDeliberation()
    models = ScriptedModels(script=script, gates={"p0-s3": asyncio.Event()})
    await Bench(graph, models).run()
    assert [reason for reason, _ in graph.failures] == [StopReason.QUORUM_LOST]
    assert [turn.rpartition("-")[2] for turn in models.cancelled] == ["s3"]


async def test_what_can_help_is_tried_again_and_then_the_agent_is_absent_with_the_reason() -> None:
    def script(call: Call, _times: int) -> ModelError | None:
        busy = ModelError("503: the queue is full", retryable=True)
        return busy if call.turn.endswith("p0-s1") else None

    graph, models = OneDeliberation(), ScriptedModels(script=script)
    await Bench(graph, models).run()
    (absent,) = [turn for turn in graph.turns.values() if not turn.taken]
    assert (absent.absence, absent.attempts) == ("503: the queue is full", 3)


async def test_the_log_names_the_model_of_an_absence_and_says_nothing_of_what_its_server_said() -> (
    None
):
    def script(call: Call, _times: int) -> ModelError | None:
        unknown = ModelError("endpoint lab answered 404 Not Found: no such model", retryable=False)
        return unknown if call.turn.endswith("p0-s1") else None

    models = ScriptedModels(script=script)
    with capture_logs() as log:
        await Bench(OneDeliberation(), models).run()
    (absence,) = [line for line in log if line["event"] == "agent_absent"]
    assert absence["model"] == a_deliberation().seats[0].model.name
    assert absence["reason"] == "endpoint lab answered 404 Not Found"


async def test_what_cannot_help_is_not_tried_again() -> None:
    def script(call: Call, _times: int) -> ModelError | None:
        unknown = ModelError("404: no such model", retryable=False)
        return unknown if call.turn.endswith("p0-s1") else None

    graph, models = OneDeliberation(), ScriptedModels(script=script)
    await Bench(graph, models).run()
    assert sum(turn.endswith("p0-s1") for turn in models.asked) == 1


@pytest.mark.parametrize(
    "ballot", ["not JSON", "{}", '{"ranking": "A > A", "reason": ""}', '{"ranking": "A"}', "[1]"]
)
async def test_an_invalid_ballot_is_asked_for_again(ballot: str) -> None:
    def script(call: Call, times: int) -> Answer | None:
        return Answer(content=ballot) if call.answer_schema and times == 1 else None

    graph, models = OneDeliberation(), ScriptedModels(script=script)
    await Bench(graph, models).run()
    ballots = [turn for turn in graph.turns.values() if turn.key.kind is TurnKind.BALLOT]
    assert [(ballot.taken, ballot.attempts) for ballot in ballots] == [(True, 2)] * 3


@pytest.mark.parametrize("blank", ["", " \n\N{NO-BREAK SPACE}", "\u200b\u200b\ufeff\u202e"])
async def test_an_answer_of_which_nothing_is_seen_is_no_proposal(blank: str) -> None:
    def script(call: Call, _times: int) -> Answer | None:
        return Answer(content=blank) if call.turn.endswith("p0-s1") else None

    graph = OneDeliberation()
    await Bench(graph, ScriptedModels(script=script)).run()
    (absent,) = [turn for turn in graph.turns.values() if not turn.taken]
    assert absent.absence == "the answer was empty (finish reason: None)"


async def test_an_answer_whose_reasoning_used_up_its_tokens_is_not_paid_for_again() -> None:
    def script(call: Call, _times: int) -> Answer | None:
        thought = Answer(content="", reasoning="Well…", finish_reason="length")
        return thought if call.turn.endswith("p0-s1") else None

    graph = OneDeliberation()
    await Bench(graph, ScriptedModels(script=script)).run()
    (absent,) = [turn for turn in graph.turns.values() if not turn.taken]
    assert absent.attempts == 1
    assert absent.absence is not None
    assert "raise the agent's maxTokens" in absent.absence


async def test_the_deadline_ends_it_with_what_was_recorded(put_forward: PutForward) -> None:
    graph = OneDeliberation()
    models = ScriptedModels(gates={"b1-s3": asyncio.Event()})
    running = asyncio.create_task(Bench(graph, models, DUE_IN_AN_HOUR).run())
    await until(lambda: len(graph.turns) == 11)
    put_forward(HOUR)
    await running
    ((verdict, reason),) = graph.verdicts
    assert (verdict.partial, len(verdict.ballots), reason) == (True, 2, StopReason.DEADLINE)


async def test_a_deadline_without_a_ballot_is_a_failure(put_forward: PutForward) -> None:
    graph = OneDeliberation()
    models = ScriptedModels(gates={"-s3": asyncio.Event()})
    running = asyncio.create_task(Bench(graph, models, DUE_IN_AN_HOUR).run())
    await until(lambda: len(graph.turns) >= 2)
    put_forward(HOUR)
    await running
    assert [reason for reason, _ in graph.failures] == [StopReason.DEADLINE]


async def test_a_failure_at_the_deadline_says_what_was_waited_for(
    put_forward: PutForward,
) -> None:
    waiting = turn_id(DELIBERATION, TurnKey(kind=TurnKind.PROPOSAL, round=0, seat=3))
    graph = OneDeliberation()
    models = ScriptedModels(in_the_way={waiting: ("endpoint e1 is down since noon",)})
    bench = Bench(graph, models, DUE_IN_AN_HOUR)
    running = asyncio.create_task(bench.run())
    await until(lambda: bool(bench.dispatcher.obstacles(DELIBERATION)))
    put_forward(HOUR)
    await running
    [(reason, failure)] = graph.failures
    assert reason is StopReason.DEADLINE
    assert failure.endswith("; what it waited for: endpoint e1 is down since noon")


async def test_a_deadline_that_has_passed_is_met_without_a_call() -> None:
    graph, models = OneDeliberation(), ScriptedModels()
    await Bench(graph, models, replace(HELD, time_left=timedelta(seconds=-1))).run()
    assert models.asked == []


async def test_a_deadline_that_passes_while_turns_of_an_earlier_runner_are_recorded_is_met_without_a_call(
    put_forward: PutForward,
) -> None:
    gate = asyncio.Event()
    graph, models = OneDeliberation(gate=gate), ScriptedModels()
    bench = Bench(graph, models, DUE_IN_AN_HOUR)
    on_its_way = Recording(deliberation=DELIBERATION, epoch=1, turn=proposal(1), after=1)
    earlier = asyncio.create_task(bench.recorder.record(on_its_way))
    await asyncio.sleep(0)
    running = asyncio.create_task(bench.run())
    await until(lambda: graph.writing == 1)
    put_forward(HOUR)
    # Or a call would wait for it.
    await bench.lease.renew(bench.lease.now())
    gate.set()
    await running
    await earlier
    assert (models.asked, list(graph.turns)) == ([], [proposal(1).id])
    assert [reason for reason, _ in graph.failures] == [StopReason.DEADLINE]


async def test_a_claim_that_is_lost_ends_the_runner_and_writes_nothing() -> None:
    graph = OneDeliberation(epoch=2)
    with pytest.raises(ClaimLostError):
        await Bench(graph, ScriptedModels()).run()
    assert graph.turns == {}


class WithARival(OneDeliberation):
    """A graph in which another writes an event after each of ours."""

    @override
    async def record(self, batch: Sequence[Recording]) -> Recorded:
        recorded = await super().record(batch)
        self.move()
        return recorded


async def test_a_verdict_is_not_written_over_events_it_did_not_count() -> None:
    graph = WithARival()
    with pytest.raises(ClaimLostError):
        await Bench(graph, ScriptedModels()).run()
    assert (len(graph.turns), graph.verdicts) == (12, [])


async def test_what_follows_is_asked_for_before_those_who_follow_are_told() -> None:
    together = asyncio.Event()
    gates = {f"p0-s{number}": together for number in (1, 2, 3)}
    models = ScriptedModels(gates=gates)
    bench = Bench(OneDeliberation(), models)

    async def asked_when_told() -> int:
        async for event in bench.board.follow(DELIBERATION):
            if isinstance(event, Moved):
                break
        return len(models.asked)

    told = asyncio.create_task(asked_when_told())
    running = asyncio.create_task(bench.run())
    await until(lambda: len(models.asked) == 3)
    together.set()
    await running
    assert await told == 6


async def test_the_verdict_goes_with_the_last_turn() -> None:
    graph, models = OneDeliberation(), ScriptedModels()
    bench = Bench(graph, models)
    followed = bench.board.follow(DELIBERATION)
    models.gates["b1-s3"] = asyncio.Event()
    running = asyncio.create_task(bench.run())
    await until(lambda: len(graph.turns) == 11)
    graph.gate = asyncio.Event()
    models.gates["b1-s3"].set()
    await until(lambda: graph.writing == 1)
    assert bench.runner.ending
    graph.gate.set()
    await running
    assert len(graph.batches[-1]) == 1
    ((verdict, reason),) = graph.verdicts
    assert (len(verdict.ballots), verdict.partial, reason) == (3, False, StopReason.COMPLETED)
    assert graph.decided_apart == 0
    while not isinstance(told := await anext(followed), Moved):
        pass
    assert told.changed


class LosingAnswers(OneDeliberation):
    """A graph whose answer to the last write is lost once."""

    lost = False

    @override
    async def record(self, batch: Sequence[Recording]) -> Recorded:
        recorded = await super().record(batch)
        if recorded.decided and not self.lost:
            self.lost = True
            raise UnavailableError("cut off")
        return recorded


async def test_a_verdict_whose_answer_was_lost_is_its_own() -> None:
    graph = LosingAnswers()
    await Bench(graph, ScriptedModels()).run()
    assert graph.lost
    assert (len(graph.verdicts), graph.decided_apart) == (1, 0)


async def test_turns_that_are_fenced_together_are_told_once() -> None:
    forgotten: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: forgotten.append(context["message"]))
    together = asyncio.Event()
    models = ScriptedModels(gates={f"p0-s{number}": together for number in (1, 2, 3)})
    bench = Bench(OneDeliberation(epoch=2), models)
    running = asyncio.create_task(bench.run())
    await until(lambda: len(models.asked) == 3)
    together.set()
    with pytest.raises(ClaimLostError):
        await running
    del running, bench
    gc.collect()
    await asyncio.sleep(0)
    gc.collect()
    assert forgotten == []


async def test_a_quorum_that_is_lost_waits_for_what_is_on_its_way() -> None:
    def script(call: Call, _times: int) -> Answer | ModelError | None:
        return None if call.turn.endswith("s3") else ModelError("it is gone", retryable=False)

    graph = OneDeliberation(gate=asyncio.Event())
    models = ScriptedModels(script=script, gates={"p0-s3": asyncio.Event()})
    running = asyncio.create_task(Bench(graph, models).run())
    await until(lambda: graph.writing == 1)
    models.gates["p0-s3"].set()
    await until(lambda: len(models.asked) == 3)
    for _ in range(10):
        await asyncio.sleep(0)
    gate, graph.gate = graph.gate, asyncio.Event()
    assert gate is not None
    gate.set()
    await until(lambda: graph.writing == 1)
    graph.gate.set()
    await running
    assert [reason for reason, _ in graph.failures] == [StopReason.QUORUM_LOST]
    assert any(turn.endswith("p0-s3") for turn in graph.turns)


def last_two_ballots(say: str) -> ScriptedModels:
    """The last two ballots come together, and the first of them says so."""

    def script(call: Call, _times: int) -> Answer | None:
        if not call.turn.endswith("b1-s2"):
            return None
        return Answer(content=ballot_for(call), reasoning=say)

    together = asyncio.Event()
    return ScriptedModels(script=script, gates={"b1-s2": together, "b1-s3": together})


@pytest.mark.parametrize("decided_with_the_last", [True, False])
async def test_a_verdict_does_not_count_a_ballot_that_could_not_be_recorded(
    decided_with_the_last: bool,
) -> None:
    graph = OneDeliberation()
    models = last_two_ballots("fine" if decided_with_the_last else "unstorable")
    graph.refuses = lambda turn: (
        UnrecordableError("no room") if turn.reasoning == "unstorable" else None
    )
    running = asyncio.create_task(Bench(graph, models).run())
    await until(lambda: len(graph.turns) == 10)
    models.gates["b1-s2"].set()
    await running
    ((verdict, _),) = graph.verdicts
    assert len(verdict.ballots) == (3 if decided_with_the_last else 2)
    assert verdict.partial is not decided_with_the_last
    assert graph.decided_apart == (0 if decided_with_the_last else 1)


async def test_what_is_complete_once_its_last_turn_is_recorded_was_not_cut_short(
    put_forward: PutForward,
) -> None:
    graph, models = OneDeliberation(), ScriptedModels(gates={"b1-s3": asyncio.Event()})
    running = asyncio.create_task(Bench(graph, models, DUE_IN_AN_HOUR).run())
    await until(lambda: len(graph.turns) == 11)
    graph.gate = asyncio.Event()
    models.gates["b1-s3"].set()
    await until(lambda: graph.writing == 1)
    put_forward(HOUR)
    await all_that_can_happen()
    graph.gate.set()
    await running
    ((verdict, reason),) = graph.verdicts
    assert (verdict.partial, reason) == (False, StopReason.COMPLETED)


async def test_the_verdict_waits_for_a_graph_that_is_away() -> None:
    graph, models = OneDeliberation(), ScriptedModels(gates={"b1-s3": asyncio.Event()})
    running = asyncio.create_task(Bench(graph, models).run())
    await until(lambda: len(graph.turns) == 11)
    graph.errors = [UnavailableError("away"), UnavailableError("away")]
    models.gates["b1-s3"].set()
    await running
    assert graph.deliberation.status is Status.DECIDED


async def test_nothing_is_asked_while_the_lease_has_run_out() -> None:
    graph, models = OneDeliberation(), ScriptedModels()
    bench = Bench(graph, models)
    recording = asyncio.create_task(bench.recorder.run())
    running = asyncio.create_task(bench.runner.run())
    await all_that_can_happen()
    assert models.asked == []
    await bench.lease.renew(bench.lease.now())
    await running
    recording.cancel()
    assert len(models.asked) == 12


async def test_wound_down_it_lets_calls_end_and_begins_none() -> None:
    slow = asyncio.Event()
    gates = {f"p0-s{number}": slow for number in (1, 2, 3)}
    graph, models = OneDeliberation(), ScriptedModels(gates=gates)
    bench = Bench(graph, models)
    running = asyncio.create_task(bench.run())
    await until(lambda: len(models.asked) == 3)
    bench.runner.wind_down()
    slow.set()
    await running
    assert len(graph.turns) == len(models.asked) == 3


async def test_wound_down_it_makes_no_call_whose_prompt_is_still_built(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(prompting, "_LONG", 1)
    building, may_go_on = threading.Event(), threading.Event()
    build = Prompts.build

    def slowly(self: Prompts, ask: Ask, contents: Mapping[str, str]) -> Prompt:
        if ask.key.kind is TurnKind.BALLOT:
            building.set()
            may_go_on.wait(10)
        return build(self, ask, contents)

    monkeypatch.setattr(Prompts, "build", slowly)
    graph, models = OneDeliberation(), ScriptedModels()
    bench = Bench(graph, models)
    running = asyncio.create_task(bench.run())
    # The loop goes on meanwhile: it is built beside it.
    await until(building.is_set)
    await until(lambda: len(graph.turns) == 9)
    bench.runner.wind_down()
    await asyncio.wait_for(running, 5)
    may_go_on.set()
    assert len(graph.turns) == len(models.asked) == 9


async def test_wound_down_it_does_not_wait_for_calls_that_wait_themselves() -> None:
    graph = OneDeliberation()
    waiting = turn_id(DELIBERATION, TurnKey(kind=TurnKind.PROPOSAL, round=0, seat=1))
    models = ScriptedModels(in_the_way={waiting: ("endpoint default is down",)})
    models.gates["p0-s2"] = asyncio.Event()
    bench = Bench(graph, models)
    running = asyncio.create_task(bench.run())
    await until(lambda: len(models.asked) > 1)
    bench.runner.wind_down()
    models.gates["p0-s2"].set()
    await asyncio.wait_for(running, 5)
    assert waiting not in models.asked
    assert any(turn.endswith("p0-s2") for turn in graph.turns)


async def test_wound_down_it_does_not_wait_for_calls_that_the_graph_does_not_let_be_sent() -> None:
    models = ScriptedModels()
    bench = Bench(OneDeliberation(), models)
    # Without a lease, and so of no use to wait for.
    running = asyncio.create_task(bench.runner.run())
    await all_that_can_happen()
    bench.runner.wind_down()
    await asyncio.wait_for(running, 5)
    assert models.asked == []


async def test_wound_down_it_does_not_wait_for_a_call_that_begins_to_wait_only_then() -> None:
    graph, models = OneDeliberation(), ScriptedModels(gates={"p0-s1": asyncio.Event()})
    bench = Bench(graph, models)
    running = asyncio.create_task(bench.run())
    await until(lambda: len(models.asked) > 1)
    bench.runner.wind_down()
    await asyncio.sleep(0)
    first = turn_id(DELIBERATION, TurnKey(kind=TurnKind.PROPOSAL, round=0, seat=1))
    models.in_the_way[first] = ("endpoint default is down",)
    await asyncio.wait_for(running, 5)
    assert first in models.cancelled


async def test_what_seats_wait_for_is_told_once_each_and_no_longer_than_they_wait() -> None:
    keys = [TurnKey(kind=TurnKind.PROPOSAL, round=0, seat=seat) for seat in (1, 2, 3)]
    words = "endpoint default is down since noon"
    models = ScriptedModels(
        in_the_way=dict.fromkeys((turn_id(DELIBERATION, k) for k in keys), (words,))
    )
    bench = Bench(OneDeliberation(), models)
    assert bench.dispatcher.obstacles(DELIBERATION) == ()
    running = asyncio.create_task(bench.run())
    await until(lambda: bench.dispatcher.obstacles(DELIBERATION) == (words,))
    running.cancel()
    await asyncio.wait([running])
    assert bench.dispatcher.obstacles(DELIBERATION) == ()


async def test_an_absence_after_a_wait_in_vain_counts_the_calls_that_were_sent() -> None:
    class Vain(ScriptedModels):
        @override
        async def ask(
            self,
            call: Call,
            on_token: Callable[[str], None],
            on_begin: Callable[[], Awaitable[None]],
            may_send: Callable[[], bool],
        ) -> Answer:
            if not call.turn.endswith("p0-s1"):
                return await super().ask(call, on_token, on_begin, may_send)
            for _ in range(2):
                await on_begin()
            raise ModelError("endpoint default is down since noon", retryable=False)

    graph = OneDeliberation()
    await Bench(graph, Vain()).run()
    (absent,) = [turn for turn in graph.turns.values() if not turn.taken]
    assert (absent.absence, absent.attempts) == ("endpoint default is down since noon", 2)


@pytest.mark.parametrize(
    ("deadline", "wait"), [(None, timedelta(minutes=15)), (NOW, None)], ids=["none", "one"]
)
async def test_an_endpoint_is_waited_for_until_the_deadline_or_for_a_while_where_there_is_none(
    deadline: datetime | None, wait: timedelta | None
) -> None:
    waits: list[timedelta | None] = []

    def script(call: Call, _times: int) -> None:
        waits.append(call.wait)

    started = replace(a_deliberation(), deadline=deadline, started_at=NOW)
    await Bench(OneDeliberation(deliberation=started), ScriptedModels(script=script)).run()
    assert set(waits) == {wait}


async def test_since_when_it_is_under_way_is_told_as_the_graph_has_it_and_not_by_our_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("orchestrator.engine.runner.time.monotonic", lambda: 5000.0)
    began: list[float | None] = []

    def script(call: Call, _times: int) -> None:
        began.append(call.began)

    # By the clock of this process, which goes before the graph's, it began long ago.
    started = replace(a_deliberation(), started_at=NOW)
    case = Case(deliberation=started, turns=(), under_way=timedelta(seconds=60))
    held = replace(HELD, case=case)
    await Bench(OneDeliberation(deliberation=started), ScriptedModels(script=script), held).run()
    assert set(began) == {4940.0}


async def test_an_attempt_after_the_lease_ran_out_waits_for_its_renewal(
    put_forward: PutForward,
) -> None:
    def script(call: Call, times: int) -> ModelError | None:
        first = "-p0-" in call.turn and times == 1
        return ModelError("cut off", retryable=True) if first else None

    graph, models = OneDeliberation(), ScriptedModels(script=script)
    bench = Bench(graph, models, patience=HOURS_OF_WAITING)
    recording = asyncio.create_task(bench.recorder.run())
    await bench.lease.renew(bench.lease.now())
    running = asyncio.create_task(bench.runner.run())
    resting = ("its next attempt, since cut off",)
    await until(
        lambda: (len(models.asked), bench.dispatcher.obstacles(DELIBERATION)) == (3, resting)
    )
    put_forward(HOUR)
    # The next attempts have begun, as far as the lease lets them.
    await until(lambda: bench.dispatcher.obstacles(DELIBERATION) == ())
    await all_that_can_happen()
    assert len(models.asked) == 3
    await bench.lease.renew(bench.lease.now())
    await running
    recording.cancel()
    assert graph.deliberation.status is Status.DECIDED


def refused_once(call: Call, times: int) -> ModelError | None:
    """Fail the first attempt of the first seat."""
    first = call.turn.endswith("p0-s1") and times == 1
    return ModelError("endpoint default answered 500", retryable=True) if first else None


async def test_a_turn_between_two_attempts_says_what_it_waits_for(put_forward: PutForward) -> None:
    models = ScriptedModels(script=refused_once)
    bench = Bench(OneDeliberation(), models, patience=HOURS_OF_WAITING)
    running = asyncio.create_task(bench.run())
    words = ("its next attempt, since endpoint default answered 500",)
    await until(lambda: bench.dispatcher.obstacles(DELIBERATION) == words)
    put_forward(HOUR)
    # The lease has run out as well, and the next attempt waits for it.
    await bench.lease.renew(bench.lease.now())
    await running
    assert bench.dispatcher.obstacles(DELIBERATION) == ()


async def test_wound_down_it_does_not_wait_for_another_attempt() -> None:
    graph, models = OneDeliberation(), ScriptedModels(script=refused_once)
    bench = Bench(graph, models, patience=HOURS_OF_WAITING)
    running = asyncio.create_task(bench.run())
    await until(lambda: any(turn.endswith("p0-s1") for turn in models.asked))
    bench.runner.wind_down()
    await asyncio.wait_for(running, 5)
    assert not any(turn.endswith("p0-s1") for turn in graph.turns)


async def test_calls_are_closed_however_often_the_runner_is_cancelled_meanwhile() -> None:
    models = SlowToClose()
    running = asyncio.create_task(Bench(OneDeliberation(), models).run())
    await until(lambda: len(models.asked) == 3)
    running.cancel()
    await until(lambda: models.closing == 3)
    for _ in range(3):
        running.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert not running.done()
    models.go_on.set()
    await asyncio.wait([running])
    assert (running.cancelled(), models.closed) == (True, 3)


class SlowToClose(ScriptedModels):
    """Models whose calls take their time to be closed."""

    def __init__(self) -> None:
        super().__init__()
        self.closing = 0
        self.closed = 0
        self.go_on = asyncio.Event()

    @override
    async def ask(
        self,
        call: Call,
        on_token: Callable[[str], None],
        on_begin: Callable[[], Awaitable[None]],
        may_send: Callable[[], bool],
    ) -> Answer:
        self.asked.append(call.turn)
        try:
            await asyncio.Event().wait()
        finally:
            self.closing += 1
            await self.go_on.wait()
            self.closed += 1
        raise AssertionError("unreachable")


async def test_nothing_of_a_task_stays_in_memory_once_its_deliberation_has_ended() -> None:
    length = 100_000

    async def deliberate(number: int) -> None:
        task = Task(id=f"tsk_{number}", description=str(number) * length)
        await Bench(
            OneDeliberation(deliberation=replace(a_deliberation(), task=task)), ScriptedModels()
        ).run()

    await deliberate(0)  # what is made once
    tracemalloc.start()
    try:
        for number in range(1, 6):
            await deliberate(number)
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] < length
    finally:
        tracemalloc.stop()
