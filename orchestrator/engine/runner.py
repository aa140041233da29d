"""Takes one deliberation from where the graph has it to its end.

Resuming is asking again: the protocol says what follows from the turns recorded, whoever recorded them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from typing import Any

import structlog

from orchestrator.domain.deliberations import Deliberation, StopReason, Turn, TurnKey
from orchestrator.domain.errors import BudgetSpentError, ClaimLostError, outline
from orchestrator.domain.ids import turn_id
from orchestrator.domain.protocols.steps import Ask, Decide, Fail, Take
from orchestrator.domain.values import replace
from orchestrator.engine.budgeting import Budget
from orchestrator.engine.dispatching import Dispatcher
from orchestrator.engine.events import Moved
from orchestrator.engine.following import Board
from orchestrator.engine.patience import until_available
from orchestrator.engine.ports import Case, Deliberations, Held, Recording
from orchestrator.engine.proceedings import Proceedings
from orchestrator.engine.prompting import Prompts
from orchestrator.engine.recorder import Recorder

_LOOK_AGAIN = 0.2
"""Seconds, wound down: a call that its endpoint did not take waits again, and is not to be waited for."""

_log = structlog.get_logger(__name__)


class Runner:
    """Runs one deliberation under one claim."""

    def __init__(
        self,
        held: Held,
        *,
        deliberations: Deliberations,
        dispatcher: Dispatcher,
        recorder: Recorder,
        board: Board,
    ) -> None:
        self.held: Held = held
        self._began: float | None = None
        """Since when it is under way, in seconds of `time.monotonic`."""
        self._deliberations = deliberations
        self._dispatcher = dispatcher
        self._recorder = recorder
        self._board = board
        self._winding_down: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ending: bool = False
        """The end is being written: once it is there, the graph says that nobody holds the deliberation."""
        self._in_flight: dict[TurnKey, asyncio.Task[None]] = {}
        self._calling: set[TurnKey] = set()
        self._budget: Budget | None = None
        self._decided = False
        """The verdict went into the graph with the last turn."""

    @property
    def calling(self) -> bool:
        """Whether a model is asked for one of its turns; what only waits to be recorded is no call any more."""
        return bool(self._calling)

    @property
    def stranded(self) -> bool:
        """Whether it does nothing but wait for endpoints that are down or fail."""
        deliberation = self.held.deliberation
        return bool(self._in_flight) and all(
            self._dispatcher.stranded(turn_id(deliberation, key)) for key in self._in_flight
        )

    def wind_down(self) -> None:
        """Begin no further turn; `run` returns once those under way are recorded."""
        if not self._winding_down.done():
            self._winding_down.set_result(None)

    async def run(self) -> None:
        """Return at the end of the deliberation, or wound down.

        Raises:
            ClaimLostError: another process holds it, or the graph has moved on without us.
        """
        deadline = _Deadline(self.held.time_left)
        try:
            # Turns of an earlier runner of ours may be on their way into the graph.
            await self._recorder.settled(self.held.deliberation)
            case = self.held.case or await until_available(
                lambda: self._deliberations.load(self.held.deliberation)
            )
            self._began = time.monotonic() - case.under_way.total_seconds()
            if case.deliberation.status.ended:
                return
            await self._deliberate(case, deadline)
        finally:
            await self._stop_calls(everything=True)

    async def _deliberate(self, case: Case, deadline: _Deadline) -> None:
        deliberation = case.deliberation
        proceedings = Proceedings(deliberation, case.turns)
        prompts = Prompts(deliberation)
        if deliberation.token_budget is not None:
            self._budget = Budget(
                deliberation.token_budget, prompts, case.turns, self._write_reserved
            )
        told = len(proceedings.turns)
        while True:
            step = proceedings.next_step()
            stop_reason = self._stop_reason(deadline)
            if isinstance(step, Take) and stop_reason is not None:
                waited_for = self._dispatcher.obstacles(deliberation.id)
                await self._stop_calls(everything=False)
                await self._recorded(None)
                step = proceedings.next_step()
                if isinstance(step, Take):
                    step = self._explained(proceedings.conclude_early(stop_reason), waited_for)
            if not isinstance(step, Take):
                await self._stop_calls(everything=False)
                # Turns that are on their way into the graph come before the end.
                await self._recorded(None)
                if not self._decided:
                    await self._end(step, proceedings.sequence)
                self._board.post(Moved(deliberation=deliberation.id, changed=True))
                self._tell_end(step, deliberation, proceedings.turns)
                return
            if self._winding_down.done():
                await self._stop_calls(everything=False, waiting=True)
            else:
                self._begin(prompts, step.asks, proceedings)
            if told < len(proceedings.turns):
                # After what follows has begun: those who are told read the graph, and the models are not to wait for that.
                self._board.post(Moved(deliberation=deliberation.id))
                told = len(proceedings.turns)
            if not self._in_flight:
                return
            await self._recorded(deadline)

    def _begin(self, prompts: Prompts, asks: tuple[Ask, ...], proceedings: Proceedings) -> None:
        for ask in asks:
            if ask.key not in self._in_flight:
                self._in_flight[ask.key] = asyncio.create_task(
                    self._take(prompts, ask, proceedings), name=f"turn {ask.key}"
                )

    def _stop_reason(self, deadline: _Deadline) -> StopReason | None:
        if deadline.struck:
            return StopReason.DEADLINE
        if self._budget is not None and self._budget.struck is not None:
            return StopReason.TOKEN_BUDGET
        return None

    def _explained(self, end: Decide | Fail, waited_for: Sequence[str]) -> Decide | Fail:
        """Say with a failure what kept it: of a budget, what was spent and was wanting; of a deadline, what its seats waited for."""
        if isinstance(end, Decide):
            return end
        if end.stop_reason is StopReason.TOKEN_BUDGET and self._budget is not None:
            return replace(end, failure=f"{end.failure}; {self._budget.struck}")
        if waited_for:
            return replace(
                end, failure=f"{end.failure}; what it waited for: {', '.join(waited_for)}"
            )
        return end

    async def _write_reserved(self, tokens: int) -> None:
        if not await until_available(lambda: self._deliberations.reserve(self.held, tokens)):
            raise ClaimLostError(self.held.deliberation, self.held.epoch)

    async def _take(self, prompts: Prompts, ask: Ask, proceedings: Proceedings) -> None:
        """Return once the turn is recorded, or the budget leaves no room for it."""
        deliberation, budget = prompts.deliberation, self._budget
        contents = {turn: proceedings.content(turn) for turn in ask.shown}
        self._calling.add(ask.key)
        try:
            turn = await self._dispatcher.take(
                prompts,
                self.held.epoch,
                ask,
                contents,
                budget,
                under_way_since=self._began,
            )
        except BaseException as error:
            if budget is not None:
                budget.abandon(turn_id(deliberation.id, ask.key))
            if isinstance(error, BudgetSpentError):
                return
            raise
        finally:
            self._calling.discard(ask.key)
        if not turn.taken:
            _log.warning(
                "agent_absent",
                deliberation=deliberation.id,
                epoch=self.held.epoch,
                turn=turn.id,
                seat=ask.key.seat,
                model=next(
                    seat.model.name for seat in deliberation.seats if seat.number == ask.key.seat
                ),
                attempts=turn.attempts,
                reason=outline(turn.absence or ""),
            )
        after = proceedings.sequence_once_recorded
        proceedings.say(turn)
        # While others are asked still, this is not the last.
        conclusion = None if self._calling else proceedings.conclusion()
        if conclusion is not None:
            self.ending = True
        written = await self._recorder.record(
            Recording(
                deliberation=deliberation.id,
                epoch=self.held.epoch,
                turn=turn,
                after=after,
                settles=0 if budget is None else budget.settlement(turn.id),
                conclusion=conclusion,
            )
        )
        if conclusion is not None:
            self._decided = self.ending = written.decided
        proceedings.record(written.turn)
        if budget is not None:
            budget.recorded(written.turn)

    async def _recorded(self, deadline: _Deadline | None) -> None:
        """Wait for turns under way: for one, or until the deadline; without a deadline, for all."""
        if not self._in_flight:
            return
        watched: set[asyncio.Future[Any]] = {*self._in_flight.values()}
        if deadline is not None and not self._winding_down.done():
            watched.add(self._winding_down)
        await asyncio.wait(
            watched,
            timeout=None if deadline is None else self._patience(deadline),
            return_when=asyncio.ALL_COMPLETED if deadline is None else asyncio.FIRST_COMPLETED,
        )
        for key in [key for key, task in self._in_flight.items() if task.done()]:
            # One by one: where this raises, the others are still there to be looked at.
            self._in_flight.pop(key).result()

    def _patience(self, deadline: _Deadline) -> float | None:
        """Return how long turns are waited for: wound down, no longer than until some may have begun to wait."""
        if not self._winding_down.done():
            return deadline.left
        return min(_LOOK_AGAIN, _LOOK_AGAIN if deadline.left is None else deadline.left)

    async def _stop_calls(self, *, everything: bool, waiting: bool = False) -> None:
        """Close the calls in flight; turns that are being recorded go on unless `everything`.

        With `waiting` only those that are not in flight yet, for their endpoint is down or has no room.
        """
        stopped = [
            (key, task)
            for key, task in self._in_flight.items()
            if everything or (key in self._calling and (not waiting or self._waits(key)))
        ]
        for _, task in stopped:
            task.cancel()
        try:
            await _ended([task for _, task in stopped])
        finally:
            for key, task in stopped:
                if not task.cancelled():
                    # Of several that were fenced the first has told it; asyncio would log the others as forgotten.
                    task.exception()
                del self._in_flight[key]

    def _waits(self, key: TurnKey) -> bool:
        turn = turn_id(self.held.deliberation, key)
        waits_for_room = self._budget is not None and self._budget.waits(turn)
        return waits_for_room or self._dispatcher.waits(turn)

    async def _end(self, step: Decide | Fail, sequence: int) -> None:
        deliberation = self.held.deliberation
        self.ending = True
        if isinstance(step, Decide):
            ended = await until_available(
                lambda: self._deliberations.decide(
                    self.held, sequence, step.verdict, step.stop_reason
                )
            )
        else:
            ended = await until_available(
                lambda: self._deliberations.fail(
                    self.held, sequence, step.stop_reason, step.failure
                )
            )
        if not ended:
            raise ClaimLostError(deliberation, self.held.epoch)

    def _tell_end(
        self, step: Decide | Fail, deliberation: Deliberation, turns: Iterable[Turn]
    ) -> None:
        usages = [turn.usage for turn in turns]
        counted = sum(usage.prompt_tokens + usage.completion_tokens for usage in usages)
        _log.info(
            "deliberation_ended",
            deliberation=deliberation.id,
            epoch=self.held.epoch,
            status="DECIDED" if isinstance(step, Decide) else "FAILED",
            stop_reason=str(step.stop_reason),
            failure=step.failure if isinstance(step, Fail) else None,
            partial=step.verdict.partial if isinstance(step, Decide) else None,
            rehearsal=deliberation.rehearsal,
            tokens_spent=counted if self._budget is None else self._budget.spent,
            token_budget=deliberation.token_budget,
        )


async def _ended(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Wait until tasks have ended; cancelled meanwhile, it is so only then, and none of them another time."""
    cancelled: asyncio.CancelledError | None = None
    while running := [task for task in tasks if not task.done()]:
        try:
            await asyncio.wait(running)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled


class _Deadline:
    """When to stop, counted on the monotonic clock from the time left that the graph told."""

    def __init__(self, time_left: timedelta | None) -> None:
        self._clock = asyncio.get_running_loop().time
        self._at = None if time_left is None else self._clock() + time_left.total_seconds()

    @property
    def left(self) -> float | None:
        """Return seconds, at least 0; none where there is no deadline."""
        return None if self._at is None else max(0.0, self._at - self._clock())

    @property
    def struck(self) -> bool:
        return self.left == 0.0
