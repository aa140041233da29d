"""A task, a deliberation on it, and the turns of its agents."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct, field

from orchestrator.domain.councils import Decision, ProtocolName, Seat


class Priority(StrEnum):
    """Which deliberations are claimed first."""

    LOW = "LOW"
    NORMAL = "NORMAL"
    HIGH = "HIGH"


class Status(StrEnum):
    """Where a deliberation stands; also a label of its node."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    DECIDED = "DECIDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def ended(self) -> bool:
        """Whether nothing will be added any more."""
        return self in _ENDED


_ENDED = frozenset({Status.DECIDED, Status.FAILED, Status.CANCELLED})
_PERHAPS_NOT_BEGUN = frozenset({Status.QUEUED, Status.FAILED, Status.CANCELLED})


class StopReason(StrEnum):
    """Why a deliberation has ended."""

    COMPLETED = "COMPLETED"
    AGREED = "AGREED"
    DEADLINE = "DEADLINE"
    TOKEN_BUDGET = "TOKEN_BUDGET"  # noqa: S105 - tokens of a model
    QUORUM_LOST = "QUORUM_LOST"
    CANCELLED = "CANCELLED"
    ERROR = "ERROR"


class TurnKind(StrEnum):
    """What an agent was asked for."""

    PROPOSAL = "PROPOSAL"
    CRITIQUE = "CRITIQUE"
    REVISION = "REVISION"
    BALLOT = "BALLOT"


class TurnOutcome(StrEnum):
    """Whether the agent answered."""

    TAKEN = "TAKEN"
    ABSENT = "ABSENT"


class Task(Struct, frozen=True, kw_only=True):
    """What is deliberated on; `metadata` is JSON text."""

    id: str
    description: str
    context: str | None = None
    rubric: str | None = None
    requirements: tuple[str, ...] = ()
    external_id: str | None = None
    metadata: str | None = None


class Usage(Struct, frozen=True, kw_only=True):
    """Tokens as the server counted them, over `calls` calls."""

    prompt_tokens: int = 0
    cached_prompt_tokens: int = 0
    completion_tokens: int = 0
    calls: int = 0

    def __add__(self, other: Usage) -> Usage:
        """Return both together."""
        return Usage(
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            cached_prompt_tokens=self.cached_prompt_tokens + other.cached_prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            calls=self.calls + other.calls,
        )


class TurnKey(Struct, frozen=True, kw_only=True, order=True):
    """Which turn it is: what the turn's id is derived from.

    `seat` takes it; `target` is the seat whose proposal a critique is about; `sample` counts the
    answers of one seat to the same question, from 1.
    """

    kind: TurnKind
    round: int
    seat: int
    target: int | None = None
    sample: int = 1


class Turn(Struct, frozen=True, kw_only=True):
    """One answer of one agent, recorded once and never changed, save that pruning takes its content away.

    `sequence` is its place among the deliberation's events, none until it is recorded. `target`,
    `revises`, `answers` and `choices` are ids of other turns: the proposal criticised, the one
    revised, the critiques answered, and a ballot's proposals, best first.
    """

    id: str
    key: TurnKey
    outcome: TurnOutcome
    content: str | None = None
    reasoning: str | None = None
    absence: str | None = None
    finish_reason: str | None = None
    attempts: int = 1
    prompt_version: str | None = None
    usage: Usage = field(default_factory=Usage)
    latency_ms: int = 0
    started_at: datetime
    finished_at: datetime
    target: str | None = None
    revises: str | None = None
    answers: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    sequence: int | None = None

    @property
    def taken(self) -> bool:
        """Whether the agent answered."""
        return self.outcome is TurnOutcome.TAKEN


class RankedProposal(Struct, frozen=True, kw_only=True):
    """A standing proposal's place; `score` as `orchestrator.domain.counting` defines it."""

    rank: int
    score: float
    votes: int
    proposal: str


class Verdict(Struct, frozen=True, kw_only=True):
    """The outcome: proposals and ballots by their turns' ids. The first of `ranking` is the winner."""

    ranking: tuple[RankedProposal, ...]
    ballots: tuple[str, ...]
    dissent: tuple[str, ...]
    margin: float
    agreement: float | None
    partial: bool
    decision: Decision = Decision.BALLOTS

    @property
    def winner(self) -> str:
        """The turn id of the winning proposal."""
        return self.ranking[0].proposal


class Deliberation(Struct, frozen=True, kw_only=True):
    """One council at work on one task, as the graph has it."""

    id: str
    task: Task
    council_id: str
    council_version: int
    role: str
    """The name of the role that the council served."""
    seats: tuple[Seat, ...]
    protocol: ProtocolName
    rounds: int
    quorum: int
    decision: Decision
    priority: Priority
    status: Status
    stop_reason: StopReason | None = None
    failure: str | None = None
    rehearsal: bool = False
    accepted_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    deadline: datetime | None = None
    token_budget: int | None = None
    tokens_reserved: int = 0
    """Where it has a budget: all that was ever reserved for calls, by whichever process."""
    tokens_settled: int = 0
    """Of that, what the usage of recorded turns stands for."""
    pruned_at: datetime | None = None
    """Since when its turns have no contents any more, but for the winning proposal."""
    created_by: str | None = None
    resumptions: int = 0
    sequence: int = 0
    usage: Usage = field(default_factory=Usage)

    @property
    def of_one_moment(self) -> bool:
        """Whether its times, its reason and its sequence are such as its status has them."""
        status, began = self.status, self.started_at is not None
        ended, waits = status.ended, status is Status.QUEUED
        return (
            ended == (self.finished_at is not None) == (self.stop_reason is not None)
            and waits == (self.sequence == 0)
            and not (waits and began)
            and (began or status in _PERHAPS_NOT_BEGUN)
            and (status is not Status.FAILED or self.failure is not None)
        )

    @property
    def tokens_spent(self) -> int:
        """What counts against its budget: all that servers counted, and what calls may have used that nobody counted."""
        uncounted = self.tokens_reserved - self.tokens_settled
        return self.usage.prompt_tokens + self.usage.completion_tokens + uncounted


class Retries(Struct, frozen=True, kw_only=True):
    """The ids of what a deliberation retries, and of what retries it, oldest first."""

    of: str | None = None
    by: tuple[str, ...] = ()
