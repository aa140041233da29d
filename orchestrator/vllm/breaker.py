"""When an endpoint is asked at all: a circuit breaker, without a loop or a socket.

The method is M. Nygard's (Release It!, 2007, "Circuit Breaker"): after failures that tell of the server
nothing is sent any more; after a while, or once the server's own word is good again, a trial is; and
what comes of the trial decides.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Final

MOST_FAILURES: Final = 5
"""Failures in a row, without a word of an answer between them, that open it."""

FIRST_PAUSE: Final = 1.0
"""Seconds from the failure that opened it to the first trial; the watch has looked by then."""

LONGEST_PAUSE: Final = 10.0
"""Seconds between two trials: doubled after each that fails, up to this."""


class Trouble(StrEnum):
    """What a failed call tells of its endpoint."""

    UNREACHED = "UNREACHED"
    """Nobody took the connection: nothing was asked."""
    OVERRUN = "OVERRUN"
    """503: it has more than it can do, and took nothing."""
    LIMITED = "LIMITED"
    """429: it allows no more now. Its word about us and not about itself, so it opens nothing."""
    BROKEN = "BROKEN"
    """Any other 5xx, or an answer that was cut off."""
    SILENT = "SILENT"
    """It took the call and said nothing for too long."""

    @property
    def untaken(self) -> bool:
        """Whether the endpoint did not begin with the call, so that it costs no attempt."""
        return self in {Trouble.UNREACHED, Trouble.OVERRUN, Trouble.LIMITED}

    @property
    def full(self) -> bool:
        """Whether the endpoint asks for less."""
        return self in {Trouble.OVERRUN, Trouble.LIMITED}


class State(StrEnum):
    """Whether calls pass."""

    CLOSED = "CLOSED"
    """They do, as the current does."""
    OPEN = "OPEN"
    HALF_OPEN = "HALF_OPEN"
    """One does, to see."""


class Breaker:
    """The breaker of one endpoint, as one process sees it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` is monotonic, in seconds."""
        self._clock: Final = clock
        self._failures = 0
        self._pause = FIRST_PAUSE
        self._again_at = 0.0
        self._down = False
        """By the watch, whose word no timer overrules."""
        self.state: State = State.CLOSED
        self.opened_at: float = 0.0
        """When it went OPEN last: what was sent before tells nothing of how the endpoint is since."""
        self.since: float | None = None
        """When it left CLOSED; none while it is that."""
        self.reason: str = ""
        """Why it is not CLOSED."""
        self.silent: bool = False
        """Whether it is not CLOSED since a call was not answered at all."""
        self.answers: bool = False
        """Whether it is not CLOSED although it answers, with failures."""

    def failed(
        self, trouble: Trouble, reason: str, *, sent: float, trial: bool, alone: bool
    ) -> None:
        """Count a failed call. `sent` is when it was; `alone`: others were answered while it was silent."""
        if trouble is Trouble.LIMITED or sent < self.opened_at:
            return
        self._failures += 1
        if trial:
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
        decisive = trouble is Trouble.UNREACHED or (trouble is Trouble.SILENT and not alone)
        if trial or decisive or self._failures >= MOST_FAILURES:
            self._open(reason)
            self.silent = trouble is Trouble.SILENT
            self.answers = trouble not in {Trouble.UNREACHED, Trouble.SILENT}

    def heard(self) -> None:
        """A call was answered, if only with its first word or with a refusal of what it asked."""
        self._failures = 0
        if not self._down:
            self.state = State.CLOSED
            self.since = None
            self.silent = False
            self._pause = FIRST_PAUSE

    def down(self, reason: str) -> None:
        """The watch has found it down: no trial before it says otherwise."""
        self._down = True
        self.answers = False
        if self.state is not State.OPEN:
            self._open(reason)
        self.reason = reason

    def up(self) -> None:
        """The watch has found it well."""
        if self._down:
            self._down = False
            self._again_at = self._clock()

    def look(self) -> State:
        """Return the state as it is now: time alone makes it HALF_OPEN, where the watch does not object."""
        if self.state is State.OPEN and self.opens_in == 0.0:
            self.state = State.HALF_OPEN
        return self.state

    @property
    def opens_in(self) -> float | None:
        """Seconds until a trial may go; none while only the watch can tell."""
        return None if self._down else max(0.0, self._again_at - self._clock())

    def _open(self, reason: str) -> None:
        now = self._clock()
        self.state = State.OPEN
        self.since = now if self.since is None else self.since
        self.reason = reason
        self.opened_at = now
        self._again_at = now + self._pause
