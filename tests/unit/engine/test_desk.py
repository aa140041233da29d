"""The desk: accepting, claiming, renewing, winding down."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from typing_extensions import override

from orchestrator.domain.deliberations import (
    Status,
    StopReason,
    Task,
    TurnKey,
    TurnKind,
)
from orchestrator.domain.errors import CouncilError, GivenUpError, UnavailableError, UnreadableError
from orchestrator.domain.ids import turn_id
from orchestrator.domain.values import replace
from orchestrator.engine.desk import Capacity, Desk
from orchestrator.engine.events import Moved
from orchestrator.engine.following import Board
from orchestrator.engine.patience import Patience
from orchestrator.engine.ports import (
    Call,
    Case,
    CouncilByRole,
    Held,
    Models,
    Order,
    Recorded,
    Recording,
)
from orchestrator.engine.presence import Presence
from tests.support.waiting import until
from tests.unit.engine.conftest import PutForward, all_that_can_happen
from tests.unit.engine.doubles import DELIBERATION, OneDeliberation, ScriptedModels

FREE = (Held(deliberation=DELIBERATION, epoch=1),)
ORDER = Order(
    deliberation=DELIBERATION,
    council=CouncilByRole(role="DEV"),
    task=Task(id="tsk_1", description="Write a cache."),
)


@pytest.fixture(autouse=True)
def quick_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a desk does each second it does five times a second here."""
    monkeypatch.setattr("orchestrator.engine.desk._TICK_SECONDS", 0.2)


def desk(
    graph: OneDeliberation,
    models: Models,
    home: Path,
    concurrency: int = 4,
    capacity: Capacity | None = None,
) -> Desk:
    return Desk(
        process="prc_1",
        host="here",
        deliberations=graph,
        models=models,
        presence=Presence(home),
        board=Board(),
        capacity=capacity
        or Capacity(
            concurrency=concurrency,
            patience=Patience(attempts=2, first_wait=0.0, longest_wait=0.0, jitter=0.0),
        ),
    )


async def test_what_was_under_way_is_claimed_before_anything_else(tmp_path: Path) -> None:
    graph = OneDeliberation(free=(replace(FREE[0], resumed=True),))
    at_desk = desk(graph, ScriptedModels(), tmp_path)
    async with at_desk.at_work():
        assert at_desk.resumed == 1
        await until(lambda: graph.deliberation.status is Status.DECIDED)


async def test_it_claims_no_more_than_it_has_room_for(tmp_path: Path) -> None:
    free = (*FREE, Held(deliberation="dlb_0002", epoch=1))
    graph = OneDeliberation(free=free)
    models = ScriptedModels(gates={"": asyncio.Event()})
    async with desk(graph, models, tmp_path, concurrency=1).at_work():
        await until(lambda: len(models.asked) == 3)
        assert graph.free == free[1:]


async def test_what_is_due_is_ended_though_there_is_no_room_and_without_a_call(
    tmp_path: Path,
) -> None:
    models = ScriptedModels(gates={"": asyncio.Event()})
    graph = OneDeliberation(free=FREE)
    async with desk(graph, models, tmp_path, concurrency=1).at_work():
        await until(lambda: len(models.asked) == 3)
        due = Held(deliberation="dlb_0002", epoch=1, time_left=timedelta(0))
        graph.free = (Held(deliberation="dlb_0003", epoch=1), due)
        await until(lambda: bool(graph.failures))
        assert [held.deliberation for held in graph.free] == ["dlb_0003"]
    assert [reason for reason, _ in graph.failures] == [StopReason.DEADLINE]
    assert len(models.asked) == 3


def _proposals_wait(*seats: int) -> dict[str, tuple[str, ...]]:
    keys = [TurnKey(kind=TurnKind.PROPOSAL, round=0, seat=seat) for seat in seats]
    return {turn_id(DELIBERATION, key): ("endpoint lab is down since noon",) for key in keys}


THREE = tuple(Held(deliberation=f"dlb_000{number}", epoch=1) for number in (1, 2, 3))


async def test_what_only_waits_for_endpoints_that_are_down_takes_no_room_up_to_a_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.engine.desk._MOST_STRANDED", 1)
    models = ScriptedModels(in_the_way=_proposals_wait(1, 2, 3), down=True)
    graph = OneDeliberation(free=THREE)
    async with desk(graph, models, tmp_path, concurrency=1).at_work():
        await until(lambda: graph.free == THREE[2:])
        before = graph.renewals
        await until(lambda: graph.renewals >= before + 3)
        assert graph.free == THREE[2:]


@pytest.mark.parametrize(("waiting", "down"), [((1, 2, 3), False), ((1, 2), True)])
async def test_what_waits_its_turn_or_has_a_call_under_way_takes_its_room(
    tmp_path: Path, waiting: tuple[int, ...], *, down: bool
) -> None:
    models = ScriptedModels(
        in_the_way=_proposals_wait(*waiting), down=down, gates={"": asyncio.Event()}
    )
    graph = OneDeliberation(free=THREE)
    async with desk(graph, models, tmp_path, concurrency=1).at_work():
        await until(lambda: graph.renewals >= 3)
        assert graph.free == THREE[1:]


async def test_what_a_lost_acknowledgement_would_have_told_counts_before_anything_more_is_claimed(
    tmp_path: Path,
) -> None:
    free = (*FREE, Held(deliberation="dlb_0002", epoch=1))
    graph = ForgetsToAnswer(free=free)
    models = ScriptedModels(gates={"": asyncio.Event()})
    async with desk(graph, models, tmp_path, concurrency=1).at_work():
        await until(lambda: len(models.asked) == 3)
        assert graph.free == free[1:]


async def test_a_claim_that_another_took_over_is_dropped_and_its_calls_are_closed(
    tmp_path: Path,
) -> None:
    graph = OneDeliberation(free=FREE)
    models = ScriptedModels(gates={"": asyncio.Event()})
    async with desk(graph, models, tmp_path).at_work():
        await until(lambda: len(models.asked) == 3)
        graph.held = ()
        await until(lambda: len(models.cancelled) == 3)


async def test_a_cancel_has_closed_the_calls_of_its_deliberation_when_it_answers(
    tmp_path: Path,
) -> None:
    graph = OneDeliberation(free=FREE)
    models = ScriptedModels(gates={"": asyncio.Event()})
    at_desk = desk(graph, models, tmp_path)
    async with at_desk.at_work():
        await until(lambda: len(models.asked) == 3)
        follower = at_desk.follow(DELIBERATION)
        await at_desk.cancel(DELIBERATION, None)
        assert len(models.cancelled) == 3
        assert await anext(follower) == Moved(deliberation=DELIBERATION, changed=True)
        before = graph.renewals
        await until(lambda: graph.renewals > before)
    assert len(models.asked) == 3
    assert graph.deliberation.status is Status.CANCELLED


async def test_a_cancel_that_was_refused_leaves_the_deliberation_running(tmp_path: Path) -> None:
    graph = OneDeliberation(free=FREE)
    slow = asyncio.Event()
    models = ScriptedModels(gates={"": slow})
    at_desk = desk(graph, models, tmp_path)
    async with at_desk.at_work():
        await until(lambda: len(models.asked) == 3)
        graph.errors = [UnavailableError("away")]
        with pytest.raises(UnavailableError):
            await at_desk.cancel(DELIBERATION, None)
        slow.set()
        await until(lambda: graph.deliberation.status is Status.DECIDED)
    assert models.cancelled == []


async def test_a_renewal_begins_a_tick_after_the_last_one_however_long_that_took(
    tmp_path: Path, put_forward: PutForward, monkeypatch: pytest.MonkeyPatch
) -> None:
    tick = 3600.0
    monkeypatch.setattr("orchestrator.engine.desk._TICK_SECONDS", tick)
    graph = SlowToRenew()
    async with desk(graph, ScriptedModels(), tmp_path).at_work():
        await all_that_can_happen()
        put_forward(tick)
        await until(lambda: graph.began == 1)
        put_forward(tick / 2)
        graph.go_on.set()
        await until(lambda: graph.renewals == 1)
        await all_that_can_happen()
        assert graph.began == 1
        put_forward(tick / 2)
        await until(lambda: graph.began == 2)


async def test_what_the_graph_says_is_ours_is_run_though_nobody_told_us(tmp_path: Path) -> None:
    graph = OneDeliberation()
    async with desk(graph, ScriptedModels(), tmp_path).at_work():
        graph.held = FREE
        await until(lambda: graph.deliberation.status is Status.DECIDED)


async def test_a_process_that_the_graph_does_not_know_any_more_enters_again_and_goes_on(
    tmp_path: Path,
) -> None:
    graph = OneDeliberation()
    with capture_logs() as logs:
        async with desk(graph, ScriptedModels(), tmp_path).at_work():
            graph.known = False
            await until(lambda: len(graph.entries) == 2)
            graph.free = FREE
            await until(lambda: graph.deliberation.status is Status.DECIDED)
    assert graph.entries == ["prc_1", "prc_1"]
    assert [one["process"] for one in logs if one["event"] == "process_unknown"] == ["prc_1"]


class LetsNobodyInAgain(OneDeliberation):
    """A graph that was emptied beneath the process: who would enter again is refused, once he was told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = asyncio.Event()

    @override
    async def enter(self, process: str, host: str, lease: timedelta) -> None:
        if self.entries:
            await self.go_on.wait()
            raise CouncilError("the graph lacks a migration")
        await super().enter(process, host, lease)


async def test_a_process_that_may_not_enter_again_accepts_nothing_meanwhile_and_ends(
    tmp_path: Path,
) -> None:
    graph = LetsNobodyInAgain()
    at_desk = desk(graph, ScriptedModels(), tmp_path)
    with pytest.RaisesGroup(pytest.RaisesExc(CouncilError, match="lacks a migration")):
        async with at_desk.at_work():
            assert at_desk.waiting_for is None
            graph.known = False
            await until(lambda: at_desk.waiting_for is not None)
            assert at_desk.waiting_for == "the graph: it does not know this process"
            graph.go_on.set()
            await asyncio.sleep(60)
    assert at_desk.waiting_for is not None


async def test_what_it_ran_when_the_graph_forgot_it_is_its_own_only_where_the_graph_says_so(
    tmp_path: Path,
) -> None:
    graph = OneDeliberation(free=FREE)
    models = ScriptedModels(gates={"": asyncio.Event()})
    async with desk(graph, models, tmp_path).at_work():
        await until(lambda: len(models.asked) == 3)
        graph.known, graph.held = False, ()
        await until(lambda: len(models.cancelled) == 3)


async def test_an_internal_error_ends_the_deliberation_instead_of_repeating_for_ever(
    tmp_path: Path,
) -> None:
    def script(_call: Call, _times: int) -> None:
        raise RuntimeError("a mistake of the program")

    graph = OneDeliberation(free=FREE)
    with capture_logs() as log:
        async with desk(graph, ScriptedModels(script=script), tmp_path).at_work():
            await until(lambda: bool(graph.failures))
    assert [reason for reason, _ in graph.failures] == [StopReason.ERROR]
    # As its failure says that the log has it.
    broken = [line for line in log if line["event"] == "deliberation_broke"]
    assert [(line["deliberation"], line["epoch"]) for line in broken] == [(DELIBERATION, 1)]


class OfALaterVersion(OneDeliberation):
    @override
    async def load(self, deliberation: str) -> Case:
        self.loads += 1
        raise UnreadableError(deliberation)


async def test_what_a_later_version_wrote_is_kept_for_it_and_not_ended(tmp_path: Path) -> None:
    graph = OfALaterVersion(free=FREE)
    async with desk(graph, ScriptedModels(), tmp_path).at_work():
        await until(lambda: graph.renewals >= 3)
    assert (graph.failures, graph.loads, graph.released) == ([], 1, True)


async def test_what_it_could_not_read_and_another_holds_by_now_it_says_nothing_of(
    tmp_path: Path,
) -> None:
    graph = OfALaterVersion(free=FREE)
    at_desk = desk(graph, ScriptedModels(), tmp_path)
    async with at_desk.at_work():
        await until(lambda: at_desk.obstacles(DELIBERATION) is not None)
        await until(lambda: graph.renewals >= 2)
        assert at_desk.obstacles(DELIBERATION) is not None
        graph.held = ()
        await until(lambda: at_desk.obstacles(DELIBERATION) is None)


async def test_what_a_loop_dies_of_ends_the_desk_and_is_in_the_log(tmp_path: Path) -> None:
    class Broken(OneDeliberation):
        @override
        async def renew(
            self, process: str, lease: timedelta, known: Mapping[str, int]
        ) -> tuple[Held, ...] | None:
            raise ZeroDivisionError

    with capture_logs() as log, pytest.RaisesGroup(ZeroDivisionError):
        async with desk(Broken(), ScriptedModels(), tmp_path).at_work():
            await asyncio.sleep(60)
    assert [(line["event"], line["loop"]) for line in log if line["event"] == "loop_died"] == [
        ("loop_died", "lease")
    ]


async def test_an_end_that_is_meant_is_in_the_log_in_words_alone(tmp_path: Path) -> None:
    class Strange(OneDeliberation):
        @override
        async def renew(
            self, process: str, lease: timedelta, known: Mapping[str, int]
        ) -> tuple[Held, ...] | None:
            raise CouncilError("this graph is not migrated")

    with capture_logs() as log, pytest.RaisesGroup(CouncilError):
        async with desk(Strange(), ScriptedModels(), tmp_path).at_work():
            await asyncio.sleep(60)
    [died] = [line for line in log if line["event"] == "loop_died"]
    assert (died["loop"], died["what"]) == ("lease", "this graph is not migrated")
    assert "exc_info" not in died


async def test_a_desk_that_closes_accepts_nothing_new(tmp_path: Path) -> None:
    at_desk = desk(OneDeliberation(), ScriptedModels(), tmp_path)
    async with at_desk.at_work():
        await at_desk.drain(timedelta(seconds=1))
        with pytest.raises(UnavailableError):
            await at_desk.accept(ORDER)


async def test_a_desk_that_is_not_at_work_yet_accepts_nothing(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError):
        await desk(OneDeliberation(), ScriptedModels(), tmp_path).accept(ORDER)


async def test_claims_are_given_back_at_the_end(tmp_path: Path) -> None:
    graph = OneDeliberation(free=FREE)
    models = ScriptedModels(gates={"": asyncio.Event()})
    async with desk(graph, models, tmp_path).at_work():
        await until(lambda: len(models.asked) == 3)
    assert graph.released
    assert len(models.cancelled) == 3
    assert list((tmp_path / "processes").iterdir()) == []


async def test_the_lease_is_renewed_until_the_last_turns_are_recorded(tmp_path: Path) -> None:
    graph = OneDeliberation(free=FREE, gate=asyncio.Event())
    models = ScriptedModels()

    async def work() -> None:
        async with desk(graph, models, tmp_path).at_work():
            await until(lambda: len(models.asked) == 3)

    ending = asyncio.create_task(work())
    await until(lambda: len(models.asked) == 3)
    before = graph.renewals
    await until(lambda: graph.renewals >= before + 3)
    assert graph.gate is not None
    graph.gate.set()
    await ending
    assert len(graph.turns) == 3


async def test_the_lock_of_a_process_that_could_not_give_back_its_claims_proves_it_gone(
    tmp_path: Path,
) -> None:
    async with desk(WithoutReleases(), ScriptedModels(), tmp_path).at_work():
        pass
    assert Presence(tmp_path).gone() == {"prc_1"}


async def test_an_end_out_of_order_does_not_wait_for_a_graph_that_says_nothing(
    tmp_path: Path,
) -> None:
    graph = WithoutReleases(says_so=False)
    with pytest.raises(ExceptionGroup):
        async with asyncio.timeout(4), desk(graph, ScriptedModels(), tmp_path).at_work():
            raise RuntimeError
    assert Presence(tmp_path).gone() == {"prc_1"}


async def test_a_drain_lets_the_calls_under_way_end_and_records_them(tmp_path: Path) -> None:
    graph = OneDeliberation(free=FREE)
    slow = asyncio.Event()
    models = ScriptedModels(gates={"": slow})
    at_desk = desk(graph, models, tmp_path)
    async with at_desk.at_work():
        await until(lambda: len(models.asked) == 3)
        draining = asyncio.create_task(at_desk.drain(timedelta(seconds=5)))
        await asyncio.sleep(0)
        slow.set()
        await draining
    assert len(graph.turns) == len(models.asked) == 3


class AwayFromTheFirstTurnOn(OneDeliberation):
    """A graph that goes away for good when the first turn is to be recorded."""

    def __init__(self) -> None:
        super().__init__(free=FREE)
        self.away = asyncio.Event()

    @override
    async def record(self, batch: Sequence[Recording]) -> Recorded:
        self.away.set()
        raise UnavailableError("away")

    @override
    async def renew(
        self, process: str, lease: timedelta, known: Mapping[str, int]
    ) -> tuple[Held, ...] | None:
        if self.away.is_set():
            raise UnavailableError("away")
        return await super().renew(process, lease, known)

    @override
    async def release(self, process: str) -> None:
        raise UnavailableError("away")


async def test_turns_that_wait_for_an_absent_graph_are_not_waited_for_once_no_call_is_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.engine.desk._LAST_WRITE", timedelta(seconds=0.1))
    slow = asyncio.Event()
    graph, models = AwayFromTheFirstTurnOn(), ScriptedModels(gates={"-s1": slow})
    at_desk = desk(graph, models, tmp_path)
    async with asyncio.timeout(30), at_desk.at_work():
        await until(lambda: at_desk.waiting_for == "the graph: away")
        draining = asyncio.create_task(at_desk.drain(timedelta(hours=1)))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(draining), 0.5)
        # The last call that is under way ends: nothing is left but what the graph does not take.
        slow.set()
        await draining


class NoSuchDatabase(OneDeliberation):
    """A graph that cannot be entered yet."""

    def __init__(self) -> None:
        super().__init__()
        self.refusing = True

    @override
    async def enter(self, process: str, host: str, lease: timedelta) -> None:
        if self.refusing:
            raise UnavailableError("no such database")
        await super().enter(process, host, lease)


class AwayForOneReasonAfterAnother(OneDeliberation):
    """A graph that is away for each of these in turn when the lease is renewed, and then back."""

    def __init__(self, *reasons: str) -> None:
        super().__init__()
        self.reasons = list(reasons)

    @override
    async def renew(
        self, process: str, lease: timedelta, known: Mapping[str, int]
    ) -> tuple[Held, ...] | None:
        if self.reasons:
            raise UnavailableError(self.reasons.pop(0))
        return await super().renew(process, lease, known)


async def test_why_the_graph_cannot_be_entered_is_told_once(tmp_path: Path) -> None:
    graph = NoSuchDatabase()
    at_desk = desk(graph, ScriptedModels(), tmp_path)

    async def work() -> None:
        async with at_desk.at_work():
            pass

    with capture_logs() as log:
        working = asyncio.create_task(work())
        await until(lambda: at_desk.waiting_for == "the graph: no such database")
        graph.refusing = False
        await working
    told = [line["event"] for line in log if line["event"].startswith("graph_")]
    assert told == ["graph_away", "graph_back"]


async def test_why_the_graph_is_away_is_told_again_where_it_is_for_another_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.engine.desk._TICK_SECONDS", 0.01)
    graph = AwayForOneReasonAfterAnother(
        "unreachable", "unreachable", "login refused: wrong", "login refused: still wrong"
    )
    with capture_logs() as log:
        async with desk(graph, ScriptedModels(), tmp_path).at_work():
            await until(lambda: graph.renewals > 0)
    told = [(line["event"], line.get("what")) for line in log if "graph_" in line["event"]]
    assert told == [
        ("graph_away", "unreachable"),
        ("graph_away", "login refused: wrong"),
        ("graph_back", None),
    ]


async def test_what_was_claimed_while_the_end_began_is_not_run(tmp_path: Path) -> None:
    graph, models = SlowToClaim(), ScriptedModels()
    at_desk = desk(graph, models, tmp_path)
    async with at_desk.at_work():
        graph.free = FREE
        await until(graph.claiming.is_set)
        await at_desk.drain(timedelta(0))
        graph.go_on.set()
    assert (models.asked, graph.released) == ([], True)


async def test_what_was_cancelled_while_its_claim_was_under_way_is_not_run(
    tmp_path: Path,
) -> None:
    graph, models = SlowToClaim(), ScriptedModels()
    at_desk = desk(graph, models, tmp_path)
    async with at_desk.at_work():
        graph.free = (replace(FREE[0], case=Case(deliberation=graph.deliberation, turns=())),)
        await until(graph.claiming.is_set)
        await at_desk.cancel(DELIBERATION, None)
        graph.go_on.set()
        await until(lambda: not graph.free)
        before = graph.renewals
        await until(lambda: graph.renewals > before)
    assert models.asked == []


async def test_what_was_cancelled_in_the_moment_in_which_it_was_claimed_takes_no_room(
    tmp_path: Path,
) -> None:
    graph, models = CancelledWhenClaimed(), ScriptedModels()
    at_desk = desk(graph, models, tmp_path)
    async with at_desk.at_work():
        cancelling = asyncio.create_task(at_desk.cancel(DELIBERATION, None))
        await asyncio.sleep(0)
        graph.free = FREE
        await cancelling
        await until(lambda: not graph.free)
        await all_that_can_happen()
        assert at_desk.obstacles(DELIBERATION) is None
    assert models.asked == []


async def test_overtaken_while_its_lease_had_run_out_it_asks_nothing_when_that_is_renewed(
    tmp_path: Path,
) -> None:
    graph, models = SlowToEnter(free=FREE), ScriptedModels()
    capacity = Capacity(lease=timedelta(seconds=0.5), patience=Patience(attempts=1))
    async with desk(graph, models, tmp_path, capacity=capacity).at_work():
        assert graph.free == ()
        graph.held = ()
        await until(lambda: graph.renewals >= 2)
    assert models.asked == []


async def test_overtaken_while_the_answer_to_its_claim_was_on_its_way_it_asks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that was stopped just then, and finds the answers to its claim and to a renewal when it goes on."""
    monkeypatch.setattr("orchestrator.engine.desk._TICK_SECONDS", 0.2)
    graph, models = Stopped(free=FREE), ScriptedModels()
    capacity = Capacity(lease=timedelta(seconds=0.15), patience=Patience(attempts=1))

    async def work() -> None:
        async with desk(graph, models, tmp_path, capacity=capacity).at_work():
            await until(lambda: graph.renewals >= 3)

    working = asyncio.create_task(work())
    await until(lambda: graph.renewing)
    assert graph.free == ()
    graph.held = ()
    graph.go_on.set()
    await working
    assert models.asked == []


async def test_without_room_it_still_tells_that_the_graph_is_away(tmp_path: Path) -> None:
    graph = WithoutRenewals(free=FREE)
    models = ScriptedModels(gates={"": asyncio.Event()})
    at_desk = desk(graph, models, tmp_path, concurrency=1)
    async with at_desk.at_work():
        await until(lambda: at_desk.waiting_for == "the graph: away")
        await until(lambda: graph.renewals >= 3)
        assert at_desk.waiting_for == "the graph: away"


async def test_what_cannot_even_be_ended_is_not_tried_again_under_the_same_claim_and_says_so(
    tmp_path: Path,
) -> None:
    graph = Unreadable(free=FREE)
    at_desk = desk(graph, ScriptedModels(), tmp_path)
    async with at_desk.at_work():
        await until(lambda: graph.renewals >= 3)
        told = at_desk.obstacles(DELIBERATION)
    assert graph.loads == 1
    assert graph.known_epochs == {DELIBERATION: graph.epoch}
    assert told == ("an internal error keeps its process from it, whose log names it",)


async def test_an_end_whose_answer_is_still_to_come_is_not_taken_for_a_claim_that_was_lost(
    tmp_path: Path,
) -> None:
    graph = SlowToAnswer(free=FREE)
    at_desk = desk(graph, ScriptedModels(), tmp_path)
    async with at_desk.at_work():
        follower = at_desk.follow(DELIBERATION)
        await until(lambda: bool(graph.verdicts))
        graph.held = ()
        before = graph.renewals
        await until(lambda: graph.renewals >= before + 2)
        with contextlib.suppress(TimeoutError):
            while True:
                async with asyncio.timeout(0.1):
                    await anext(follower)
        graph.go_on.set()
        assert isinstance(await anext(follower), Moved)


class Stopped(OneDeliberation):
    """A graph whose answers come only when the process goes on: to a renewal first, and then to the claim before it."""

    def __init__(self, free: tuple[Held, ...]) -> None:
        super().__init__(free=free)
        self.go_on = asyncio.Event()
        self.renewing = False

    @override
    async def renew(
        self, process: str, lease: timedelta, known: Mapping[str, int]
    ) -> tuple[Held, ...] | None:
        self.renewing = True
        await self.go_on.wait()
        return await super().renew(process, lease, known)

    @override
    async def claim(
        self,
        process: str,
        room: int,
        gone: Collection[str],
        known: Collection[str] | None = None,
        due: int = 0,
    ) -> tuple[Held, ...]:
        claimed = await super().claim(process, room, gone, known, due)
        await self.go_on.wait()
        await asyncio.sleep(0.02)
        return claimed


class SlowToRenew(OneDeliberation):
    """A graph whose renewals wait to be told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.began = 0
        self.go_on = asyncio.Event()

    @override
    async def renew(
        self, process: str, lease: timedelta, known: Mapping[str, int]
    ) -> tuple[Held, ...] | None:
        self.began += 1
        await self.go_on.wait()
        return await super().renew(process, lease, known)


class SlowToAnswer(OneDeliberation):
    """A graph that has written a verdict before it answers that it has."""

    def __init__(self, free: tuple[Held, ...]) -> None:
        super().__init__(free=free)
        self.go_on = asyncio.Event()

    @override
    async def record(self, batch: Sequence[Recording]) -> Recorded:
        recorded = await super().record(batch)
        if recorded.decided:
            await self.go_on.wait()
        return recorded


class SlowToClaim(OneDeliberation):
    """A graph whose second claim waits to be told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.claiming = asyncio.Event()
        self.go_on = asyncio.Event()

    @override
    async def claim(
        self,
        process: str,
        room: int,
        gone: Collection[str],
        known: Collection[str] | None = None,
        due: int = 0,
    ) -> tuple[Held, ...]:
        if self.free:
            self.claiming.set()
            await self.go_on.wait()
        return await super().claim(process, room, gone, known, due)


class CancelledWhenClaimed(OneDeliberation):
    """A graph that answers to a cancel and to the claim of the same deliberation at once."""

    def __init__(self) -> None:
        super().__init__()
        self.claimed = asyncio.Event()

    @override
    async def cancel(self, deliberation: str, reason: str | None, *, by: str | None = None) -> int:
        await self.claimed.wait()
        return 2

    @override
    async def claim(
        self,
        process: str,
        room: int,
        gone: Collection[str],
        known: Collection[str] | None = None,
        due: int = 0,
    ) -> tuple[Held, ...]:
        claimed = await super().claim(process, room, gone, known, due)
        if claimed:
            self.claimed.set()
        return claimed


class ForgetsToAnswer(OneDeliberation):
    """A graph whose first claim is carried out, and its answer lost."""

    def __init__(self, free: tuple[Held, ...]) -> None:
        super().__init__(free=free)
        self.forgets = True

    @override
    async def claim(
        self,
        process: str,
        room: int,
        gone: Collection[str],
        known: Collection[str] | None = None,
        due: int = 0,
    ) -> tuple[Held, ...]:
        claimed = await super().claim(process, room, gone, known, due)
        if self.forgets:
            self.forgets = False
            raise UnavailableError("away")
        return claimed


class SlowToEnter(OneDeliberation):
    """A graph that takes so long for the first lease that it has run out by then."""

    @override
    async def enter(self, process: str, host: str, lease: timedelta) -> None:
        await super().enter(process, host, lease)
        await asyncio.sleep(lease.total_seconds() + 0.1)


class WithoutReleases(OneDeliberation):
    """A graph that takes back no claims, and says so or says nothing."""

    def __init__(self, *, says_so: bool = True) -> None:
        super().__init__()
        self.says_so = says_so

    @override
    async def release(self, process: str) -> None:
        if self.says_so:
            raise UnavailableError("away")
        await asyncio.Event().wait()


class WithoutRenewals(OneDeliberation):
    """A graph that is away when the lease is renewed."""

    @override
    async def renew(
        self, process: str, lease: timedelta, known: Mapping[str, int]
    ) -> tuple[Held, ...] | None:
        await super().renew(process, lease, known)
        raise UnavailableError("away")


class Unreadable(OneDeliberation):
    """A graph that holds what this version can neither read nor end."""

    @override
    async def load(self, deliberation: str) -> Case:
        await super().load(deliberation)
        raise ValueError("no such status")

    @override
    async def fail(
        self, held: Held, sequence: int | None, stop_reason: StopReason, failure: str
    ) -> bool:
        raise ValueError("no such status")


async def test_it_tells_what_seats_wait_for_of_its_own_deliberations_alone(tmp_path: Path) -> None:
    graph = OneDeliberation(free=FREE)
    waiting = turn_id(DELIBERATION, TurnKey(kind=TurnKind.PROPOSAL, round=0, seat=1))
    models = ScriptedModels(in_the_way={waiting: ("endpoint default is down since noon",)})
    at_desk = desk(graph, models, tmp_path)
    assert at_desk.obstacles(DELIBERATION) is None
    async with at_desk.at_work():
        await until(lambda: bool(at_desk.obstacles(DELIBERATION)))
        assert at_desk.obstacles(DELIBERATION) == ("endpoint default is down since noon",)
        assert at_desk.obstacles("dlb_another") is None


async def test_it_tells_once_what_several_seats_wait_for(tmp_path: Path) -> None:
    graph = OneDeliberation(free=FREE)
    first, second = _proposals_wait(1, 2)
    models = ScriptedModels(
        in_the_way={first: ("east is down", "west is down"), second: ("east is down",)}
    )
    at_desk = desk(graph, models, tmp_path)
    async with at_desk.at_work():
        await until(lambda: bool(at_desk.obstacles(DELIBERATION)))
        assert at_desk.obstacles(DELIBERATION) == ("east is down", "west is down")


async def test_it_tells_that_turns_of_a_deliberation_wait_to_be_recorded(tmp_path: Path) -> None:
    graph = OneDeliberation(free=FREE, refuses=lambda _: GivenUpError("somebody has its lock"))
    at_desk = desk(graph, ScriptedModels(), tmp_path)
    async with at_desk.at_work():
        await until(lambda: bool(at_desk.obstacles(DELIBERATION)))
        assert at_desk.obstacles(DELIBERATION) == (
            "its turns to be recorded, since somebody has its lock",
        )
        graph.refuses = lambda _: None
        await until(lambda: graph.deliberation.status is Status.DECIDED)


async def test_what_is_on_its_way_into_the_graph_is_not_asked_for_again_when_it_is_taken_up_anew(
    tmp_path: Path,
) -> None:
    graph = OneDeliberation(free=FREE, gate=asyncio.Event())
    models = ScriptedModels()
    async with desk(graph, models, tmp_path).at_work():
        await until(lambda: graph.writing == 1 and len(models.asked) == 3)
        # A renewal that does not name it, as of an index that is read while it is written, ends its runner; the next names it.
        held, graph.held = graph.held, ()
        before = graph.renewals
        await until(lambda: graph.renewals > before + 1)
        graph.held = held
        before = graph.renewals
        await until(lambda: graph.renewals > before + 1)
        assert graph.gate is not None
        graph.gate.set()
        await until(lambda: graph.deliberation.status is Status.DECIDED)
    assert len(models.asked) == len(set(models.asked)) == 12


async def test_what_it_lost_and_claimed_again_is_run_under_the_new_claim_alone(
    tmp_path: Path,
) -> None:
    graph = OneDeliberation(free=FREE)
    models = ScriptedModels(gates={"": asyncio.Event()})
    async with desk(graph, models, tmp_path).at_work():
        await until(lambda: len(models.asked) == 3)
        graph.epoch += 1
        graph.held = tuple(replace(one, epoch=graph.epoch) for one in graph.held)
        await until(lambda: len(models.cancelled) == 3)
        models.gates[""].set()
        await until(lambda: graph.deliberation.status is Status.DECIDED)
    assert len(models.asked) == 3 + 12
