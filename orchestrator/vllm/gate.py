"""The gate of an endpoint: which calls are in flight there, which wait, and which is next.

A call waits at the gates of all endpoints that could answer it, and takes its place at the first that
lets it in. Those of a higher priority go first, then those that came first.
"""

from __future__ import annotations

import asyncio
import bisect
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from orchestrator.domain.errors import outline
from orchestrator.vllm.breaker import Breaker, State, Trouble
from orchestrator.vllm.throttle import Queue, Throttle

_TROUBLE_SECONDS: Final = 5.0
"""How long other endpoints are preferred to one where a call failed."""

_TOGETHER_SECONDS: Final = 1.0
"""Calls that are sent no further apart may come to the server in any order."""

_log = structlog.get_logger()


class Ticket:
    """A call that waits. It keeps its number, and with it its turn, also where it was sent and refused."""

    def __init__(self, order: tuple[int, int]) -> None:
        """By rank and then by number, of both the lower first."""
        self.order: Final = order
        self.gates: tuple[Gate, ...] = ()
        """Where it waits."""
        self.place: asyncio.Future[Place] = asyncio.get_running_loop().create_future()

    def wait_at(self, gates: tuple[Gate, ...]) -> None:
        """Wait at those gates and at no other, in that order where several have room now."""
        if self.place.done():
            return
        before, self.gates = self.gates, gates
        for gate in before:
            if gate not in gates:
                gate.forget(self)
        for gate in gates:
            if gate not in before and not self.place.done():
                gate.wait(self)

    def withdraw(self) -> None:
        """Wait no longer."""
        for gate in self.gates:
            gate.forget(self)
        self.gates = ()


class Place:
    """A call's place among those in flight at an endpoint, and what became of the call."""

    def __init__(self, gate: Gate, sent: float, *, trial: bool) -> None:
        """`trial`: the endpoint was not well, and this call is to show whether it is again."""
        self.gate: Final = gate
        self.sent: Final = sent
        self.heard_at: float | None = None
        """When the last piece of its answer came; none until one has."""
        self._trial: Final = trial

    @property
    def on_trial(self) -> bool:
        """Whether this call is still to show how the endpoint is."""
        return self._trial and self.heard_at is None

    @property
    def silent_before(self) -> bool:
        """Whether this call is a trial of an endpoint that had left another without an answer."""
        return self.on_trial and self.gate.silent

    def heard(self) -> None:
        """A piece of the answer came, or another sign that the endpoint does its work."""
        self.gate.heard(self)

    def failed(self, trouble: Trouble, reason: str, retry_after: float | None) -> None:
        """The call failed in a way that tells of the endpoint."""
        self.gate.failed(self, trouble, reason, retry_after)

    def leave(self) -> None:
        """The call has ended, however it did."""
        self.gate.left(self)


class Gate:
    """Lets calls in as the breaker and the throttle of the endpoint allow."""

    def __init__(
        self, name: str, most_calls: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`name` is the endpoint's, for the words; `clock` is in seconds."""
        self.name: Final = name
        self._clock: Final = clock
        self._breaker: Final = Breaker(clock)
        self._throttle: Final = Throttle(most_calls, clock)
        self._in_flight: Final[set[Place]] = set()
        self._waiting: Final[list[Ticket]] = []
        """In their order."""
        self._heard_at = 0.0
        """When anything of any answer came."""
        self._newest_heard = 0.0
        """When that call was sent of which something has come, the latest of them."""
        self._troubled_until = 0.0
        self._opened_at: float | None = None
        """Of the opening that was logged last; none once it has closed."""
        self._timer: asyncio.TimerHandle | None = None
        self._shut = False
        self._said: tuple[tuple[float, str, str], str] | None = None
        """The words for the last obstacle, and of what they are: each call that waits asks for them each second."""

    # ---------------------------------------------------------------- how it is

    @property
    def in_flight(self) -> int:
        """Calls in flight."""
        return len(self._in_flight)

    @property
    def load(self) -> int:
        """Calls in flight, and those that wait to be."""
        return len(self._in_flight) + len(self._waiting)

    @property
    def troubled(self) -> bool:
        """Whether a call failed here in the last seconds, and none was answered since."""
        return self._troubled_until > self._clock()

    @property
    def silent(self) -> bool:
        """Whether it is not well since a call got no answer at all."""
        return self._breaker.silent

    @property
    def unwell_since(self) -> float | None:
        """Since when, on the clock, it lets nothing in but trials; none where it is well."""
        if self._breaker.since is not None:
            return self._breaker.since
        return self._throttle.since if self._throttle.opens_in else None

    @property
    def is_down(self) -> bool:
        """Whether its endpoint is down or fails; one that only takes no more for now is not."""
        return self._breaker.since is not None

    @property
    def obstacle(self) -> str | None:
        """Why it lets nothing in but trials, in words; none where it is well."""
        since = self.unwell_since
        if since is None:
            return None
        if self._breaker.since is None:
            what, reason = "takes no more", self._throttle.reason
        else:
            what = "fails" if self._breaker.answers else "is down"
            reason = self._breaker.reason
        if self._said is None or self._said[0] != (since, what, reason):
            at = datetime.now(UTC) - timedelta(seconds=self._clock() - since)
            words = f"{what} since {at:%Y-%m-%dT%H:%M:%SZ}: it {reason.removeprefix(f'endpoint {self.name} ')}"
            self._said = ((since, what, reason), f"endpoint {self.name} {words}")
        return self._said[1]

    # ---------------------------------------------------------------- calls

    def wait(self, ticket: Ticket) -> None:
        """Have a call wait here; it may be let in before this returns."""
        bisect.insort(self._waiting, ticket, key=lambda one: one.order)
        self._let_in()

    def forget(self, ticket: Ticket) -> None:
        """A call waits here no longer."""
        place = bisect.bisect_left(self._waiting, ticket.order, key=lambda one: one.order)
        if place < len(self._waiting) and self._waiting[place] is ticket:
            del self._waiting[place]

    def heard(self, place: Place) -> None:
        """Something came of the answer to a call."""
        self._heard_at = self._clock()
        first = place.heard_at is None
        place.heard_at = self._heard_at
        if first:
            self._troubled_until = 0.0
            self._newest_heard = max(self._newest_heard, place.sent)
            was = self._breaker.state
            self._breaker.heard()
            if was is not State.CLOSED and self._breaker.state is State.CLOSED:
                self._throttle.restart()
            self._throttle.heard(len(self._in_flight))
            self._let_in()

    def failed(
        self, place: Place, trouble: Trouble, reason: str, retry_after: float | None
    ) -> None:
        """A call failed in a way that tells of the endpoint."""
        self._troubled_until = self._clock() + _TROUBLE_SECONDS
        at_work = sum(one.heard_at is not None for one in self._in_flight)
        quiet_since = place.sent if place.heard_at is None else place.heard_at
        alone = self._heard_at > quiet_since
        if trouble.full:
            self._throttle.refused(
                reason,
                sent=place.sent,
                in_flight=len(self._in_flight),
                at_work=at_work,
                retry_after=retry_after,
            )
        if trouble is Trouble.LIMITED:
            self._breaker.heard()
        elif trouble is Trouble.SILENT and alone and self._has_queued(place):
            self._throttle.queued(sent=place.sent, at_work=at_work)
        else:
            self._breaker.failed(
                trouble, reason, sent=place.sent, trial=place.on_trial, alone=alone
            )
        self._let_in()

    def _has_queued(self, place: Place) -> bool:
        """Whether a call that got no word has waited inside a server that is well: then none that was sent after it got one."""
        return (
            place.heard_at is None
            and not place.on_trial
            and self._breaker.state is State.CLOSED
            and self._newest_heard < place.sent + _TOGETHER_SECONDS
        )

    def left(self, place: Place) -> None:
        """A call has ended."""
        self._in_flight.discard(place)
        self._let_in()

    # ---------------------------------------------------------------- what the watch sees

    def down(self, reason: str) -> None:
        """The endpoint does not do its work: nothing is sent there until it is up again."""
        self._breaker.down(reason)
        self._let_in()

    def up(self) -> None:
        """The endpoint is well by its own word."""
        self._breaker.up()
        self._let_in()

    def saw(self, queue: Queue | None) -> None:
        """So much waits inside the server; none where it does not tell."""
        self._throttle.saw(queue, len(self._in_flight))
        self._let_in()

    def shut(self) -> None:
        """Let nobody in any more: the endpoint is another now, or none. Who waits looks again by himself."""
        self._shut = True
        self._rest()

    # ---------------------------------------------------------------- letting in

    def _let_in(self) -> None:
        self._rest()
        state = self._breaker.look()
        self._log(state)
        while self._waiting and self._has_room(state):
            ticket = self._waiting.pop(0)
            if not ticket.place.done():  # else another gate was quicker
                place = Place(self, self._clock(), trial=state is State.HALF_OPEN)
                self._in_flight.add(place)
                ticket.place.set_result(place)
        self._look_again()

    def _has_room(self, state: State) -> bool:
        if self._shut or state is State.OPEN or self._throttle.opens_in:
            return False
        if state is State.HALF_OPEN:
            opened_at = self._breaker.opened_at
            return not any(one.on_trial and one.sent >= opened_at for one in self._in_flight)
        return len(self._in_flight) < self._throttle.limit

    def _look_again(self) -> None:
        """Come back when time alone will let somebody in."""
        if self._shut or not self._waiting:
            return
        opens_in = self._breaker.opens_in if self._breaker.state is State.OPEN else 0.0
        if opens_in is not None and (pause := max(opens_in, self._throttle.opens_in)):
            self._timer = asyncio.get_running_loop().call_later(pause, self._let_in)

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _log(self, state: State) -> None:
        now = self._clock()
        if state is State.OPEN and self._opened_at is None:
            self._opened_at = now
            _log.warning(
                "breaker_opened",
                endpoint=self.name,
                reason=outline(self._breaker.reason),
                in_flight=len(self._in_flight),
                waiting=len(self._waiting),
            )
        elif state is State.CLOSED and self._opened_at is not None:
            _log.info(
                "breaker_closed",
                endpoint=self.name,
                seconds=round(now - self._opened_at, 3),
                waiting=len(self._waiting),
            )
            self._opened_at = None
