"""How many calls an endpoint is given at once: less where it refuses or queues, more where it keeps up.

After TCP. A refusal takes the limit back to what the endpoint is seen to be at work on, and half of what
was in flight becomes the threshold below which every round of first words lets twice as many calls in as
the round before, and above which the limit grows by one a round (RFC 5681, slow start and congestion
avoidance). The server's own queue, where it shows one, is kept short as TCP Vegas keeps a router's
(Brakmo and Peterson 1995): above a bound our share of the excess is taken back, without any the limit
grows. Processes that share a server each see the whole queue, and each takes back its own share.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

LONGEST_QUEUE: Final = 8
"""Calls that may wait inside the server: enough that it never idles, few enough that none waits long."""

FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 8.0
"""Seconds without a new call after a refusal that names none: doubled with each round of refusals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """What a server is at work on and what waits in it, whoever sent it."""

    running: int
    waiting: int


class Throttle:
    """The limit for one endpoint, as one process sees it; never above `most`, never below 1."""

    def __init__(self, most: int, clock: Callable[[], float]) -> None:
        """`clock` is monotonic, in seconds."""
        self._most: Final = most
        self._clock: Final = clock
        self._limit: float = most
        self._threshold: float = most
        self._shrunk_at = 0.0
        self._pause = FIRST_PAUSE
        self._paused_until = 0.0
        self._queueing = False
        """More waits inside the server than should: whatever else it says, it is given no more."""
        self.since: float | None = None
        """Since when it has refused without having answered; none where it has not."""
        self.reason: str = ""
        """What it said then."""

    @property
    def limit(self) -> int:
        """How many calls may be in flight."""
        return int(self._limit)

    @property
    def opens_in(self) -> float:
        """Seconds until a further call may go."""
        return max(0.0, self._paused_until - self._clock())

    def heard(self, in_flight: int) -> None:
        """The first word of an answer has come."""
        self.since = None
        self._pause = FIRST_PAUSE
        # Below the limit, it is not that which holds calls back.
        if in_flight >= self.limit and not self._queueing:
            # One for the call that was heard and is in flight still, and one more.
            self._grow(2.0 if self._limit < self._threshold else 1.0 / self._limit)

    def refused(
        self, reason: str, *, sent: float, in_flight: int, at_work: int, retry_after: float | None
    ) -> None:
        """A call was refused for too many; `at_work` counts those in flight of which something was heard."""
        now = self._clock()
        self.since = now if self.since is None else self.since
        self.reason = reason
        if retry_after is not None:
            self._paused_until = max(self._paused_until, now + max(retry_after, FIRST_PAUSE))
        if sent < self._shrunk_at:
            return  # of the same round as a refusal before
        self._shrunk_at = now
        if retry_after is None:
            self._paused_until = max(self._paused_until, now + self._pause)
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
        if (
            self.limit > 1
        ):  # a single call that is refused again says nothing of how many are too many
            self._threshold = max(1.0, in_flight / 2)
        self._limit = max(1.0, min(self._limit, at_work))

    def queued(self, *, sent: float, at_work: int) -> None:
        """A call got no word in time, and others did: it waited inside a server that does not tell what waits there."""
        if sent >= self._shrunk_at:
            self._shrunk_at = self._clock()
            self._limit = self._threshold = max(1.0, min(self._limit, at_work))

    def restart(self) -> None:
        """The server was away: begin with one call and double up to the limit of before."""
        self._threshold = max(self._threshold, self._limit)
        self._limit = 1.0

    def saw(self, queue: Queue | None, in_flight: int) -> None:
        """Take in what waits inside the server; none where it does not tell any more."""
        self._queueing = queue is not None and queue.waiting > LONGEST_QUEUE
        if queue is None:
            return
        if self._queueing:
            share = in_flight / max(queue.running + queue.waiting, in_flight)
            excess = math.ceil((queue.waiting - LONGEST_QUEUE) * share)
            self._limit = max(1.0, min(self._limit, in_flight - excess))
            self._threshold = self._limit
        elif queue.waiting == 0 and in_flight >= self.limit:
            self._grow(LONGEST_QUEUE)

    def _grow(self, by: float) -> None:
        self._limit = min(float(self._most), self._limit + by)
