"""What the engine asks of others: `graph` implements Deliberations and News, `vllm` implements Models, `service` joins them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

from orchestrator.domain.councils import Council, Decision, ProtocolName, Seat
from orchestrator.domain.deliberations import (
    Deliberation,
    Priority,
    Status,
    StopReason,
    Task,
    Turn,
    Usage,
    Verdict,
)
from orchestrator.domain.drafts import Idempotency
from orchestrator.domain.transitions import Transition

T = TypeVar("T")

# ---------------------------------------------------------------- the graph


@dataclass(frozen=True, slots=True, kw_only=True)
class CouncilById:
    """A council, by its id."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CouncilByRole:
    """The council that serves a role now."""

    role: str


CouncilSought = CouncilById | CouncilByRole


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A deliberation to accept. What is none is taken from the council in the same transaction."""

    deliberation: str
    council: CouncilSought
    task: Task
    protocol: ProtocolName | None = None
    rounds: int | None = None
    decision: Decision | None = None
    priority: Priority = Priority.NORMAL
    deadline: timedelta | None = None
    token_budget: int | None = None
    created_by: str | None = None
    idempotency: Idempotency | None = None
    rehearsal: bool = False
    """No VLLM_URL is set: seats that no other endpoint serves are bound to the rehearsal model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """A deliberation to accept on the task of another, `of`, which is to have been ordered as that was."""

    deliberation: str
    of: str
    created_by: str | None = None
    idempotency: Idempotency | None = None
    rehearsal: bool = False
    """As of an order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What an order became; `new` is false where its idempotency key brought back an earlier one."""

    deliberation: str
    new: bool
    rehearsal: bool = False
    """Of what it became: the rehearsal model speaks for a seat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A deliberation with its recorded turns, as its holder reads it back from the graph."""

    deliberation: Deliberation
    turns: tuple[Turn, ...]
    under_way: timedelta = field(default=timedelta(0), compare=False)
    """How long ago it began, by the graph's clock: ours may go before that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A deliberation that a process holds, and how long it has left where it has a deadline."""

    deliberation: str
    epoch: int
    time_left: timedelta | None = None
    resumed: bool = False
    """Of a claim: another process had left it."""
    rehearsal: bool = False
    """Of a claim: the rehearsal model speaks for a seat."""
    case: Case | None = field(default=None, compare=False, repr=False)
    """Of a first claim: what there would be to load."""

    @property
    def due(self) -> bool:
        """Whether its deadline had passed already: all that is left is to end it, without a call."""
        return self.time_left is not None and self.time_left <= timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """A verdict, and what it was computed from: all events up to a sequence.

    It also counts on some turns having been `taken` (their ids), of which is not known yet that they are recorded as such.
    """

    sequence: int
    verdict: Verdict
    stop_reason: StopReason
    taken: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A turn to record under a claim, and the conclusion that follows where it is the last.

    `after` is the sequence once all that was said before it is recorded: where the graph is behind that, it is not recorded.
    `settles` is how much of what was reserved for the turn its usage stands for.
    """

    deliberation: str
    epoch: int
    turn: Turn
    after: int
    settles: int = 0
    conclusion: Conclusion | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What became of a batch: the sequence by turn id, those that were there already included.

    A turn whose id is missing was fenced: the claim that it was taken under is lost, or a turn that was recorded before it.
    `decided` has deliberation and epoch of each conclusion that is there now; one that is missing no longer followed, or was fenced.
    """

    sequences: Mapping[str, int]
    decided: Collection[tuple[str, int]] = frozenset()


class Deliberations(Protocol):
    """The graph, as the engine writes it. Every method but `accept`, `retry` and `load` is fenced or idempotent.

    Raises UnavailableError where the graph cannot be reached or cannot answer now; then what was
    asked may or may not have been done, and asking again is safe.
    """

    async def accept(self, order: Order) -> Accepted:
        """Write task, deliberation and seats in one transaction; raises RefusedError."""
        ...

    async def retry(self, order: Retry) -> Accepted:
        """Write a deliberation and seats on the task of one that has ended without a verdict; raises RefusedError."""
        ...

    async def enter(self, process: str, host: str, lease: timedelta) -> None:
        """Write the node of this process, with its first lease.

        Raises CouncilError, and writes nothing, where the graph lacks a migration.
        """
        ...

    async def renew(
        self, process: str, lease: timedelta, known: Mapping[str, int]
    ) -> tuple[Held, ...] | None:
        """Renew the lease; returns everything that the process still holds, none where the graph does not know it.

        `known` are the epochs, by deliberation, that the process was told to be its own: only of another it has to be found
        out whose it is.
        """
        ...

    async def claim(
        self, process: str, room: int, gone: Collection[str], known: Collection[str], due: int = 0
    ) -> tuple[Held, ...]:
        """Claim up to `room` deliberations that nobody holds, whose holder's lease ran out or whose holder is `gone`.

        Of those whose deadline has passed up to `due` are claimed beyond the room. What else it holds than what is `known` it is told first, within the room.
        """
        ...

    async def load(self, deliberation: str) -> Case:
        """Read a deliberation with its turns; raises RefusedError where there is none."""
        ...

    async def reserve(self, held: Held, tokens: int) -> bool:
        """Write that so many tokens, in all, were ever reserved for calls; false where the claim is lost."""
        ...

    async def record(self, batch: Sequence[Recording]) -> Recorded:
        """Record turns, once each, with what they lead to; raises UnrecordableError where the graph refuses the batch for good."""
        ...

    async def decide(
        self, held: Held, sequence: int, verdict: Verdict, stop_reason: StopReason
    ) -> bool:
        """Write a verdict that no turn led to, where the epoch holds and the sequence is the one it was computed from; false where not."""
        ...

    async def fail(
        self, held: Held, sequence: int | None, stop_reason: StopReason, failure: str
    ) -> bool:
        """End without a verdict, under the same conditions; without a sequence, whatever it is."""
        ...

    async def cancel(self, deliberation: str, reason: str | None, *, by: str | None = None) -> int:
        """End without a verdict what has not ended, whoever holds it; what was cancelled before stays as it is.

        Returns the epoch by which whoever held it is fenced. Raises RefusedError where there is no such deliberation, or where it has ended otherwise.
        """
        ...

    async def release(self, process: str) -> None:
        """Give back every claim of a process and end its lease."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where a deliberation stands: the sequence of its last event, and its status."""

    sequence: int
    status: Status


@dataclass(frozen=True, slots=True)
class Change(Generic[T]):
    """A change; no other has its key, and `at` is when it was written."""

    key: Hashable
    at: datetime
    what: T


@dataclass(frozen=True, slots=True)
class Look(Generic[T]):
    """What a look found: up to which time of the server, and all changes until then that the one before may have missed, in order."""

    at: datetime
    changes: Sequence[Change[T]]
    more: bool = False
    """Whether it went up to a time that had passed long before: the rest is left to the next one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CouncilVersion:
    """A council as it was after one change."""

    council: str
    version: int


class News(Protocol):
    """The graph, as the lookout sees it: what is new there, whichever process wrote it. Raises UnavailableError."""

    async def places(self, deliberations: Collection[str]) -> Mapping[str, Place]:
        """Return where each stands; what is not there is missing."""
        ...

    async def transitions(self, since: datetime | None) -> Look[Transition]:
        """Find which deliberations came to another status since a look, and what may have been committed late before it."""
        ...

    async def councils(self, since: datetime | None) -> Look[CouncilVersion]:
        """Find which councils were made, changed, archived or restored, in the same way."""
        ...

    async def deliberations(self, ids: Collection[str]) -> Mapping[str, Deliberation]:
        """Read deliberations; what is not there is missing."""
        ...

    async def councils_by_id(self, ids: Collection[str]) -> Mapping[str, Council]:
        """Read councils; what is not there is missing."""
        ...


# ---------------------------------------------------------------- models


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A chat message."""

    role: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One question to one seat's model, under a claim; `turn` becomes its X-Request-Id.

    `answer_schema` is a JSON schema that the answer must follow, where there is one. `wait` is how long
    an endpoint that is not well is waited for, none: until the call is cancelled; what passed before
    the deliberation `began`, in seconds of `time.monotonic`, does not count.
    """

    turn: str
    epoch: int
    seat: Seat
    messages: tuple[Message, ...]
    max_tokens: int
    priority: Priority = Priority.NORMAL
    answer_schema: Mapping[str, Any] | None = None
    wait: timedelta | None = timedelta(0)
    began: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a model said, in valid Unicode, and the tokens as its server counted them."""

    content: str
    reasoning: str | None = None
    finish_reason: str | None = None
    usage: Usage = field(default_factory=Usage)


class Models(Protocol):
    """The models, wherever they are served."""

    async def ask(
        self,
        call: Call,
        on_token: Callable[[str], None],
        on_begin: Callable[[], Awaitable[None]],
        may_send: Callable[[], bool],
    ) -> Answer:
        """Ask once, telling each piece of the answer as it comes; raises ModelError.

        `on_begin` is awaited each time before something is sent: an endpoint that did not take the call
        is asked again, for as long as the call may wait. `may_send` is asked right before the first byte:
        a call that may not be sent is begun anew. Cancelling closes the connection, which makes the
        server stop.
        """
        ...

    def obstacles(self, turn: str) -> tuple[str, ...]:
        """Say what the call for a turn waits for, in words; none where it waits for nothing."""
        ...

    def stranded(self, turn: str) -> bool:
        """Say whether the call for a turn waits, and each endpoint that could take it is down or fails."""
        ...
