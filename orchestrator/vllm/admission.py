"""A call's way to an endpoint: which ones could answer it, and how long it waits for one that does."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Final, Protocol

import structlog

from orchestrator.domain.councils import Endpoint, Seat
from orchestrator.domain.deliberations import Priority
from orchestrator.domain.errors import ModelError
from orchestrator.domain.health import EndpointHealth, EndpointStatus
from orchestrator.engine.ports import Call
from orchestrator.vllm import failures
from orchestrator.vllm.connections import Connections, Line
from orchestrator.vllm.gate import Gate, Place, Ticket

_log = structlog.get_logger()

_LOOK_AGAIN: Final = 1.0
"""Seconds after which a call that waits looks anew at which endpoints there are for it."""

_RANKS: Final = {Priority.HIGH: 0, Priority.NORMAL: 1, Priority.LOW: 2}


class Observer(Protocol):
    """What is asked of the watch."""

    async def latest(self, endpoint: Endpoint) -> Endpoint | None:
        """Return the endpoint as the graph had it last; none where it was removed."""
        ...

    def listing(self, model: str) -> list[Endpoint]:
        """Return the endpoints that list a model, or did when they last listed any."""
        ...

    def health(self, endpoint: Endpoint) -> EndpointHealth:
        """Return how the endpoint is."""
        ...

    def suspect(self, endpoint: Endpoint) -> None:
        """A call failed there: look at it at once."""
        ...


class Rehearsing(Protocol):
    """What is asked of the rehearsal server."""

    async def endpoint(self) -> Endpoint:
        """Return where it answers, started on first need."""
        ...


class Errand:
    """One call until it is answered: its place in the order, and how long it may wait in vain."""

    def __init__(self, call: Call, number: int, clock: Callable[[], float]) -> None:
        """`number` is its place among calls of its priority; `clock` is monotonic."""
        self.call: Final = call
        self.order: Final = (_RANKS[call.priority], number)
        self.ticket: Ticket | None = None
        """Where it waits; none while it is in flight."""
        self.waited = False
        """Whether it was let in nowhere at once."""
        self._clock: Final = clock
        self._began: Final = clock() if call.began is None else call.began
        self._wait: Final = None if call.wait is None else call.wait.total_seconds()
        self._refused_at: float | None = None
        """When it was first refused, moved on by what it has stood in line since, at an endpoint that was well."""

    def refused(self, error: failures.EndpointError) -> None:
        """An endpoint did not take it; raises ModelError where it may not wait for another chance."""
        if self._wait == 0.0:
            raise error
        now = self._clock()
        self._refused_at = now if self._refused_at is None else self._refused_at
        if self._wait is not None and now - max(self._began, self._refused_at) >= self._wait:
            raise failures.given_up(error) from error

    async def wait(self, ticket: Ticket) -> None:
        """Wait until it is let in, or until it looks anew at which endpoints there are for it; raises as `patience`."""
        self.waited = True
        before = self._clock()
        patience = self.patience
        in_line = any(gate.unwell_since is None for gate in self._gates)
        await asyncio.wait({ticket.place}, timeout=patience)
        if in_line and self._refused_at is not None:
            # Others went first: that is no refusal, and what it may wait for is an endpoint that is not well.
            self._refused_at += self._clock() - before

    @property
    def patience(self) -> float:
        """Seconds until it looks anew at which endpoints there are for it.

        Raises:
            ModelError: none of them was well for as long as it may wait.
        """
        sinces = [gate.unwell_since for gate in self._gates]
        unwell = [since for since in sinces if since is not None]
        if self._wait is None or len(unwell) < len(sinces):
            return _LOOK_AGAIN
        left = max(self._began, *unwell) + self._wait - self._clock()
        if left <= 0:
            raise ModelError("; ".join(self.obstacles), retryable=False)
        return min(left, _LOOK_AGAIN)

    @property
    def obstacles(self) -> tuple[str, ...]:
        """What it waits for, each thing once and in words; none while it waits for nothing."""
        obstacles = {gate.name: gate.obstacle for gate in self._gates}
        well = [name for name, words in obstacles.items() if words is None]
        if well:
            return (f"its turn at endpoint {' or '.join(well)}",)
        return tuple(sorted(filter(None, obstacles.values())))

    @property
    def stranded(self) -> bool:
        """Whether it waits, and each endpoint that could take it is down or fails."""
        gates = self._gates
        return bool(gates) and all(gate.is_down for gate in gates)

    @property
    def _gates(self) -> tuple[Gate, ...]:
        return () if self.ticket is None else self.ticket.gates


class Admission:
    """Chooses among the endpoints of a seat, and has its call wait where none can be asked now."""

    def __init__(
        self,
        *,
        connections: Connections,
        watch: Observer,
        rehearsal: Rehearsing,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """All belong to whoever joins them."""
        self._connections: Final = connections
        self._watch: Final = watch
        self._rehearsal: Final = rehearsal
        self._clock: Final = clock
        self._numbers: Final = itertools.count()
        self._errands: Final[dict[str, Errand]] = {}
        self._unlisted: Final[set[str]] = set()
        """Models that the log was told of, for no endpoint lists them that is asked for them."""

    @asynccontextmanager
    async def errand(self, call: Call) -> AsyncGenerator[Errand]:
        """Know of a call while it is asked."""
        errand = Errand(call, next(self._numbers), self._clock)
        self._errands[call.turn] = errand
        try:
            yield errand
        finally:
            if self._errands.get(call.turn) is errand:
                del self._errands[call.turn]

    def obstacles(self, turn: str) -> tuple[str, ...]:
        """Say what the call for a turn waits for; none where it waits for nothing."""
        errand = self._errands.get(turn)
        return () if errand is None else errand.obstacles

    def stranded(self, turn: str) -> bool:
        """Whether the call for a turn waits, and each endpoint that could take it is down or fails."""
        errand = self._errands.get(turn)
        return errand is not None and errand.stranded

    @asynccontextmanager
    async def place(self, errand: Errand) -> AsyncGenerator[tuple[Line, Place]]:
        """Wait until an endpoint may be asked, and hold the place there.

        Raises:
            ModelError: there is none that could be, or none was well for as long as the call may wait.
        """
        try:
            line, place = await self._wait(errand)
        except ModelError as exc:
            # However often it was sent, nobody has taken it.
            exc.usage = failures.NOTHING
            raise
        try:
            yield line, place
        finally:
            await _left(line, place)

    async def _wait(self, errand: Errand) -> tuple[Line, Place]:
        while True:
            line, place = await self._let_in(errand)
            try:
                # An endpoint that was waited for may have come back without the model.
                if not errand.waited or line in await self._lines(errand.call.seat):
                    return line, place
            except BaseException:
                await _left(line, place)
                raise
            await _left(line, place)

    async def _let_in(self, errand: Errand) -> tuple[Line, Place]:
        ticket = errand.ticket = Ticket(errand.order)
        lines: dict[Gate, Line] = {}
        try:
            while not ticket.place.done():
                found = {line.gate: line for line in await self._lines(errand.call.seat)}
                lines |= found
                ticket.wait_at(tuple(found))
                if not ticket.place.done():
                    await errand.wait(ticket)
        except BaseException:
            # Cancelled in the moment in which it was let in.
            if ticket.place.done():
                ticket.place.result().leave()
            raise
        finally:
            errand.ticket = None
            ticket.withdraw()
        place = ticket.place.result()
        return lines[place.gate], place

    async def _lines(self, seat: Seat) -> list[Line]:
        """Return the lines that may be asked, the best first.

        The bound one alone, else all whose endpoints serve the model. Where all lack it, they are asked
        all the same, so that what is really wrong is what the turn says.
        """
        lines: list[Line] = []
        mistakes: list[ModelError] = []
        for endpoint in await self._endpoints(seat):
            try:
                lines.append(await self._connections.line(endpoint))
            except ModelError as exc:
                mistakes.append(exc)
            except Exception as exc:  # noqa: BLE001 - not to be enumerated, and no reason for a deliberation to fail
                _log.exception(
                    "endpoint_unusable", endpoint=endpoint.name, error=type(exc).__name__
                )
                mistakes.append(failures.unforeseen(endpoint, exc))
        if not lines:
            raise mistakes[0]
        if len(lines) > 1:
            lines.sort(key=self._badness)
        return lines

    async def _endpoints(self, seat: Seat) -> list[Endpoint]:
        if seat.model.rehearsal:
            return [await self._rehearsal.endpoint()]
        if seat.endpoint is not None:
            bound = await self._watch.latest(seat.endpoint)
            if bound is None:
                raise ModelError(f"endpoint {seat.endpoint.name} was removed", retryable=False)
            return [bound]
        # What served the model when the deliberation was loaded, and what has come to serve it since.
        known = [await self._watch.latest(endpoint) for endpoint in seat.model.endpoints]
        serving = {one.id: one for one in known if one is not None}
        serving |= {one.id: one for one in self._watch.listing(seat.model.name)}
        if not serving:
            gone = ", ".join(f"endpoint {one.name} was removed" for one in seat.model.endpoints)
            raise ModelError(
                f"no endpoint serves model {seat.model.name}" + (f": {gone}" if gone else ""),
                retryable=False,
            )
        endpoints = list(serving.values())
        able = [one for one in endpoints if self._watch.health(one).may_serve(seat.model.name)]
        if not able and seat.model.name not in self._unlisted:
            self._unlisted.add(seat.model.name)
            asked = [one.name for one in endpoints]
            _log.warning("model_unlisted", model=seat.model.name, endpoints=asked)
        return able or endpoints

    def _badness(self, line: Line) -> tuple[bool, bool, int]:
        down = self._watch.health(line.endpoint).status is EndpointStatus.DOWN
        return (down, line.gate.troubled, line.gate.load)


async def _left(line: Line, place: Place) -> None:
    place.leave()
    await line.close_if_idle()
