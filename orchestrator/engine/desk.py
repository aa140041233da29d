"""The desk: accepts deliberations, claims what is free, keeps the lease, and has runners run what it holds."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from orchestrator.domain.deliberations import StopReason
from orchestrator.domain.errors import (
    ClaimLostError,
    CouncilError,
    UnavailableError,
    UnreadableError,
    outline,
)
from orchestrator.engine.dispatching import Dispatcher
from orchestrator.engine.events import LiveEvent, Moved
from orchestrator.engine.following import Board
from orchestrator.engine.lease import Lease
from orchestrator.engine.patience import Patience, until_available
from orchestrator.engine.ports import Accepted, Deliberations, Held, Models, Order, Retry
from orchestrator.engine.presence import Presence
from orchestrator.engine.recorder import Recorder, warn
from orchestrator.engine.runner import Runner

_TICK_SECONDS = 1.0

_LOOK_AGAIN_SECONDS = 0.2
"""How often, while the calls under way may end, it is looked whether there is anything left to wait for."""

_MOST_DUE = 64
"""How many are ended at once for a deadline that passed while they waited: beyond the room, or they would wait on."""

_MOST_STRANDED = 1000
"""How many that only wait for endpoints that are down or fail take no room: each costs memory, and one day goes on."""

_LAST_WRITE = timedelta(seconds=5)
"""How long the end of a process waits for the graph to take the last turns, and then to take back the claims."""

_HURRIED_WRITE = timedelta(seconds=1)
"""The same, where the end must not wait."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What a process takes on: deliberations at once, its lease, and its patience with models."""

    concurrency: int = 64
    lease: timedelta = timedelta(seconds=10)
    patience: Patience = field(default_factory=Patience)


@dataclass(slots=True)
class _Running:
    runner: Runner
    task: asyncio.Task[None]


class Desk:
    """The engine as others speak to it. Nothing moves but while a block of `at_work` runs."""

    def __init__(
        self,
        *,
        process: str,
        host: str,
        deliberations: Deliberations,
        models: Models,
        presence: Presence,
        board: Board,
        capacity: Capacity,
    ) -> None:
        self._process = process
        self._host = host
        self._deliberations = deliberations
        self._presence = presence
        self._capacity = capacity
        self._board = board
        self._lease = Lease(capacity.lease)
        self._recorder = Recorder(deliberations)
        self._dispatcher = Dispatcher(models, self._board, self._lease, capacity.patience)
        self._running: dict[str, _Running] = {}
        self._broken: set[tuple[str, int]] = set()
        """Deliberations, by epoch, that could not be read, or not even be ended: tried again under another claim only."""
        self._just_cancelled: set[str] = set()
        """Deliberations that were cancelled here: a claim that was under way then may bring them still."""
        self._stranded = 0
        """How many take no room, as of the last claim."""
        self._open = False
        self._wake = asyncio.Event()
        self._away: str | None = None
        self.resumed: int = 0
        """Deliberations that another process had left and this one has taken up."""

    async def accept(self, order: Order) -> Accepted:
        """Answer once task and deliberation are in the graph; raises RefusedError or UnavailableError."""
        self._check_open()
        return self._noted(await self._deliberations.accept(order))

    async def retry(self, order: Retry) -> Accepted:
        """Answer once a new deliberation on the task of an old one is in the graph; raises as `accept`."""
        self._check_open()
        return self._noted(await self._deliberations.retry(order))

    async def cancel(self, deliberation: str, reason: str | None, *, by: str | None = None) -> None:
        """Answer once it is recorded that this was cancelled, and no call of it is in flight here.

        Another process that runs it learns of that from its next renewal. Raises RefusedError or
        UnavailableError.
        """
        epoch = await self._deliberations.cancel(deliberation, reason, by=by)
        _log.info("deliberation_cancelled", deliberation=deliberation, epoch=epoch)
        self._just_cancelled.add(deliberation)
        running = self._running.get(deliberation)
        if running is not None:
            await _cancelled([running.task])
        self._board.post(Moved(deliberation=deliberation, changed=True))

    def follow(self, deliberation: str) -> AsyncIterator[LiveEvent]:
        """Yield what happens from the moment of the call."""
        return self._board.follow(deliberation)

    def obstacles(self, deliberation: str) -> tuple[str, ...] | None:
        """Say what a deliberation waits for, in words; none where this process does not run it."""
        if deliberation in self._running:
            return (
                *self._dispatcher.obstacles(deliberation),
                *self._recorder.obstacles(deliberation),
            )
        if any(deliberation == broken for broken, _ in self._broken):
            return ("an internal error keeps its process from it, whose log names it",)
        return None

    @property
    def waiting_for(self) -> str | None:
        """What keeps this process from accepting and recording, in words; none where nothing does."""
        if self._away is None and self._open and self._lease.ran_out:
            # The renewal is under way still: a server that falls silent is noticed long before it is given up.
            return "the graph: Neo4j does not answer"
        return None if self._away is None else f"the graph: {self._away}"

    @contextlib.asynccontextmanager
    async def at_work(self) -> AsyncGenerator[None]:
        """Enter the graph, take up what was under way, and go on until the block is left; then give it all back."""
        with self._presence.shown(self._process):
            sent = self._lease.now()
            await until_available(self._enter, tell=self._found_away)
            self._found_back()
            await self._lease.renew(sent)
            self._open = True
            async with asyncio.TaskGroup() as loops:
                # The death of one of them ends the block, and with it the process: nothing goes on half.
                recording = loops.create_task(_told_if_it_dies(self._recorder.run), name="recorder")
                holding = loops.create_task(_told_if_it_dies(self._keep_lease), name="lease")
                claiming: list[asyncio.Task[None]] = []
                last_write = _HURRIED_WRITE
                try:
                    await until_available(self._claim)
                    claims = _told_if_it_dies(self._keep_claiming)
                    claiming.append(loops.create_task(claims, name="claims"))
                    yield
                    last_write = _LAST_WRITE
                finally:
                    self._open = False
                    # First, or what it is about to claim would be held by a process that has ended.
                    await _cancelled(claiming)
                    await self._stop(last_write, holding)
                    await _cancelled([recording])

    async def drain(self, grace: timedelta) -> None:
        """Accept and begin nothing more, and wait up to `grace` for the calls under way, and for their turns to be recorded.

        While the graph is away, which may be for long, only for the calls.
        """
        self._open = False
        for running in self._running.values():
            running.runner.wind_down()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace.total_seconds()):
                while self._running and (self._calling or not self._graph_is_away):
                    tasks = [running.task for running in self._running.values()]
                    await asyncio.wait(tasks, timeout=_LOOK_AGAIN_SECONDS)

    @property
    def _calling(self) -> bool:
        return any(running.runner.calling for running in self._running.values())

    @property
    def _graph_is_away(self) -> bool:
        return self._away is not None or self._lease.ran_out

    def _check_open(self) -> None:
        if not self._open:
            raise UnavailableError("this process is starting or ending, and accepts nothing now")

    def _noted(self, accepted: Accepted) -> Accepted:
        if accepted.new:
            _log.info(
                "deliberation_accepted",
                deliberation=accepted.deliberation,
                rehearsal=accepted.rehearsal,
            )
            self._board.post(Moved(deliberation=accepted.deliberation, changed=True))
            if self._room > 0:
                self._wake.set()
        return accepted

    @property
    def _room(self) -> int:
        # Once their endpoint is well, they go on all at once: then there may be less than none.
        return max(0, self._capacity.concurrency - len(self._running) + self._stranded)

    async def _keep_lease(self) -> None:
        """Renew the lease once a tick; an absent graph is waited for, told once for each reason."""
        sent = self._lease.now()
        while True:
            # From when the last one was sent: what it did not tell, such as a cancel, must not wait for how long it took.
            await asyncio.sleep(sent + _TICK_SECONDS - self._lease.now())
            sent = self._lease.now()
            try:
                await self._renew()
            except UnavailableError as error:
                self._found_away(error)
            else:
                self._found_back()

    def _found_away(self, error: UnavailableError) -> None:
        # Of one reason the words of the server may be others each time.
        if self._away is None or outline(self._away) != outline(error.what):
            _log.warning("graph_away", what=error.what, why=error.why)
        self._away = error.what

    def _found_back(self) -> None:
        if self._away is not None:
            _log.info("graph_back")
        self._away = None

    async def _keep_claiming(self) -> None:
        """Claim once a tick, and whenever something was accepted for which there is room, or has ended."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK_SECONDS):
                    await self._wake.wait()
            self._wake.clear()
            before = self._just_cancelled.copy()
            # An absent graph is told of by the renewal, which asks as often.
            with contextlib.suppress(UnavailableError):
                await self._claim()
            # What begins after a cancel can't claim what was cancelled.
            self._just_cancelled -= before

    async def _enter(self) -> None:
        await self._deliberations.enter(self._process, self._host, self._capacity.lease)

    async def _renew(self) -> None:
        sent = self._lease.now()
        before = {id_: running.runner.held.epoch for id_, running in self._running.items()}
        broken = self._broken.copy()
        known = before | dict(broken)
        while (
            told := await self._deliberations.renew(self._process, self._capacity.lease, known)
        ) is None:
            # Such as of an older copy of the graph that was put in place beneath this process. What of it is
            # this process's own, it says as always.
            _log.warning("process_unknown", process=self._process)
            # Nothing is accepted before it has entered: it may be a graph that nobody can work on.
            self._found_away(UnavailableError("it does not know this process"))
            await self._enter()
        held = {h.deliberation: h for h in told}
        # What another holds by now is no longer this one's to speak of.
        self._broken -= broken - {(h.deliberation, h.epoch) for h in told}
        lost: list[asyncio.Task[None]] = []
        for deliberation, epoch in before.items():
            running = self._running.get(deliberation)
            # What was claimed or has ended while the renewal was under way is not lost. Whether the end that
            # is being written was refused, its own answer tells.
            if running is None or running.runner.held.epoch != epoch or running.runner.ending:
                continue
            if deliberation not in held or held[deliberation].epoch != epoch:
                _log.warning("claim_lost", deliberation=deliberation, epoch=epoch)
                lost.append(running.task)
        await _cancelled(lost)
        # After that: who waits for the lease with what was lost must not find it renewed and ask a model.
        await self._lease.renew(sent)
        for still in held.values():
            self._start(still)

    async def _claim(self) -> None:
        if not self._open:
            return
        runners = [running.runner for running in self._running.values()]
        due = _MOST_DUE - sum(runner.held.due for runner in runners)
        self._stranded = min(_MOST_STRANDED, sum(runner.stranded for runner in runners))
        gone = self._presence.gone()
        known = self._running.keys() | {deliberation for deliberation, _ in self._broken}
        sent = self._lease.now()
        claimed = await self._deliberations.claim(self._process, self._room, gone, known, due)
        # Stopped for longer than its lease while the answer was on its way, this process may have been overtaken since:
        # then the next renewal tells what it still holds.
        certain = self._lease.held_since(sent)
        for held in claimed:
            self.resumed += held.resumed
            _log.info(
                "deliberation_claimed",
                deliberation=held.deliberation,
                epoch=held.epoch,
                resumed=held.resumed,
                rehearsal=held.rehearsal,
            )
            if certain:
                self._start(held)
            # After that: those who are told read the graph, and the models are not to wait for that.
            self._board.post(Moved(deliberation=held.deliberation, changed=True))

    def _start(self, held: Held) -> None:
        # What was claimed while the end began is given back with the rest.
        if not self._open or held.deliberation in self._running.keys() | self._just_cancelled:
            return
        if (held.deliberation, held.epoch) in self._broken:
            return
        runner = Runner(
            held,
            deliberations=self._deliberations,
            dispatcher=self._dispatcher,
            recorder=self._recorder,
            board=self._board,
        )
        task = asyncio.create_task(self._run(runner), name=f"runner {held.deliberation}")
        self._running[held.deliberation] = _Running(runner, task)
        # Not at the end of what it does: a task that is cancelled before its first step does nothing.
        task.add_done_callback(lambda _: self._ran(held.deliberation))

    def _ran(self, deliberation: str) -> None:
        del self._running[deliberation]
        self._wake.set()

    async def _run(self, runner: Runner) -> None:
        held = runner.held
        try:
            await runner.run()
        except ClaimLostError as lost:
            # Either another process has it, or the next renewal says that it is still ours: then it is read anew.
            _log.warning("claim_fenced", deliberation=lost.deliberation, epoch=lost.epoch)
        except UnreadableError:
            # A newer process can read it: it is kept for that one, which takes it over when this one ends.
            _log.exception(
                "deliberation_unreadable", deliberation=held.deliberation, epoch=held.epoch
            )
            self._broken.add((held.deliberation, held.epoch))
        except Exception:  # noqa: BLE001 - whatever broke it, the deliberation ends and the log says why
            _log.exception("deliberation_broke", deliberation=held.deliberation, epoch=held.epoch)
            await self._give_up(held)

    async def _give_up(self, held: Held) -> None:
        """End a deliberation on which the program itself failed: it would fail again, and for ever."""
        failure = (
            "an internal error stopped it; the log of the service names it, and a retry asks again"
        )
        try:
            await until_available(
                lambda: self._deliberations.fail(held, None, StopReason.ERROR, failure)
            )
        except Exception:  # noqa: BLE001 - the others go on, and the log says why this one does not
            _log.exception("deliberation_stuck", deliberation=held.deliberation, epoch=held.epoch)
            self._broken.add((held.deliberation, held.epoch))
        self._board.post(Moved(deliberation=held.deliberation, changed=True))

    async def _stop(self, patience: timedelta, holding: asyncio.Task[None]) -> None:
        await _cancelled([running.task for running in self._running.values()])
        if not await self._recorder.emptied(patience):
            # Not acknowledged to anybody: whoever takes over asks these models again.
            warn("turns_not_recorded", self._recorder.unrecorded)
        # Not before: whoever found the lease run out would take over what is still being recorded.
        await _cancelled([holding])
        try:
            async with asyncio.timeout(patience.total_seconds()):
                await self._deliberations.release(self._process)
        except (UnavailableError, TimeoutError) as error:
            # The lease runs out by itself; the lock file, which stays, tells this host's next process at once.
            _log.warning("claims_not_given_back", what=str(error) or "Neo4j does not answer")
        else:
            self._presence.forget(self._process)


async def _told_if_it_dies(loop: Callable[[], Awaitable[None]]) -> None:
    """Log what a loop dies of: the process ends by it, and whoever asks why asks the log."""
    task = asyncio.current_task()
    name = None if task is None else task.get_name()
    try:
        await loop()
    except CouncilError as error:
        # Meant to end it: what it says is all that helps.
        _log.error("loop_died", loop=name, what=str(error))
        raise
    except Exception:
        _log.exception("loop_died", loop=name)
        raise


async def _cancelled(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel tasks and wait until they have ended."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
