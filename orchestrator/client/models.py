"""What the API answers, as the documents of graphql/operations ask for it; fields have the names of the schema."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from orchestrator.domain.councils import Decision, ProtocolName
from orchestrator.domain.deliberations import (
    Priority,
    Status,
    StopReason,
    TurnKind,
    TurnOutcome,
)


class Shown(BaseModel):
    """The base: frozen, and camelCase on the wire."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)


class Mention(Shown):
    """Something with a name, told of in passing."""

    id: str
    name: str


class Reference(Shown):
    """Something without a name, told of in passing."""

    id: str


# ---------------------------------------------------------------- the service


class Rehydration(Shown):
    """What the start of the process brought back from the graph."""

    councils: int
    agents: int
    resumed: int
    seeded: bool
    duration_ms: float


class GraphSize(Shown):
    """How much is in the graph."""

    councils: int
    agents: int
    tasks: int
    deliberations: int
    turns: int
    nodes: int
    relationships: int


class Service(Shown):
    version: str
    ready: bool
    waiting_for: str | None
    started_at: datetime
    rehearsal: bool
    neo4j: str | None = Field(alias="neo4j")  # to_camel would raise the j
    rehydration: Rehydration | None
    graph: GraphSize | None


# ---------------------------------------------------------------- councils


class Seat(Shown):
    number: int
    agent: Mention
    persona: str | None
    temperature: float
    max_tokens: int
    model: Mention
    endpoint: Mention | None


class Council(Shown):
    id: str
    name: str
    role: Mention
    seats: tuple[Seat, ...]
    protocol: ProtocolName
    rounds: int
    quorum: int
    decision: Decision
    version: int
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None


class CouncilMention(Shown):
    id: str
    name: str
    role: Mention


class Agent(Shown):
    id: str
    name: str
    persona: str | None
    temperature: float
    max_tokens: int
    model: Mention
    endpoint: Mention | None
    status: str
    metadata: Any
    council: CouncilMention | None


class Role(Shown):
    typename: Literal["Role"] = Field(alias="__typename")
    id: str
    name: str
    description: str | None
    council: Mention | None


class Model(Shown):
    typename: Literal["Model"] = Field(alias="__typename")
    id: str
    name: str
    rehearsal: bool
    endpoints: tuple[Mention, ...]


class Endpoint(Shown):
    typename: Literal["Endpoint"] = Field(alias="__typename")
    id: str
    name: str
    url: str
    status: str
    served_models: tuple[str, ...]
    in_flight: int


# ---------------------------------------------------------------- turns


class Usage(Shown):
    prompt_tokens: int
    cached_prompt_tokens: int
    completion_tokens: int
    calls: int


class SeatNumber(Shown):
    number: int


class ProposalMention(Shown):
    """A proposal, told of by whose it is."""

    id: str
    seat: SeatNumber
    agent: Mention


class BallotMention(Shown):
    """A ballot, told of by whose it is and what it says."""

    id: str
    seat: SeatNumber
    agent: Mention
    choices: tuple[ProposalMention, ...]


class _Turn(Shown):
    id: str
    kind: TurnKind
    outcome: TurnOutcome
    sequence: int
    round: int
    seat: SeatNumber
    sample: int
    agent: Mention
    model: Mention
    content: str | None
    reasoning: str | None
    absence: str | None
    finish_reason: str | None
    attempts: int
    usage: Usage
    latency_ms: int
    started_at: datetime
    finished_at: datetime
    deliberation: Reference | None = None
    """Set where the turn was asked for by its own id."""


class Proposal(_Turn):
    typename: Literal["Proposal"] = Field(alias="__typename")
    revises: Reference | None
    answers: tuple[Reference, ...]


class Critique(_Turn):
    typename: Literal["Critique"] = Field(alias="__typename")
    target: ProposalMention


class Ballot(_Turn):
    typename: Literal["Ballot"] = Field(alias="__typename")
    choices: tuple[ProposalMention, ...]


Turn = Annotated[Proposal | Critique | Ballot, Field(discriminator="typename")]
Node = Annotated[
    Role | Model | Endpoint | Proposal | Critique | Ballot, Field(discriminator="typename")
]

# ---------------------------------------------------------------- deliberations


class Progress(Shown):
    turns_taken: int
    turns_expected: int
    phase: TurnKind | None


class RankedText(Shown):
    """A standing proposal, with what it says."""

    id: str
    round: int
    seat: SeatNumber
    agent: Mention
    model: Mention
    content: str | None


class RankedProposal(Shown):
    rank: int
    score: float
    votes: int
    proposal: RankedText


class Verdict(Shown):
    id: str
    winner: Reference
    ranking: tuple[RankedProposal, ...]
    decision: Decision
    ballots: tuple[BallotMention, ...]
    dissent: tuple[BallotMention, ...]
    margin: float
    agreement: float | None
    partial: bool
    decided_at: datetime


class TaskText(Shown):
    """A task as it was laid before the council."""

    id: str
    description: str
    context: str | None
    rubric: str | None
    requirements: tuple[str, ...]
    external_id: str | None


class Deliberation(Shown):
    id: str
    task: TaskText
    council: CouncilMention
    council_version: int
    seats: tuple[Seat, ...]
    protocol: ProtocolName
    rounds: int
    quorum: int
    decision: Decision
    priority: Priority
    status: Status
    stop_reason: StopReason | None
    failure: str | None
    waiting_for: str | None
    rehearsal: bool
    accepted_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    deadline: datetime | None
    token_budget: int | None
    tokens_spent: int | None
    """What counts against the budget; none where there is none."""
    pruned_at: datetime | None
    retry_of: Reference | None
    retries: tuple[Reference, ...]
    resumptions: int
    progress: Progress
    usage: Usage
    verdict: Verdict | None


class Transcript(Shown):
    """A deliberation with all its turns, in the order in which they were recorded."""

    deliberation: Deliberation
    turns: tuple[Turn, ...]


class TaskDeliberation(Shown):
    """One of the deliberations on a task."""

    id: str
    status: Status
    rehearsal: bool
    accepted_at: datetime
    finished_at: datetime | None
    council: CouncilMention


class TaskDeliberationEdge(Shown):
    node: TaskDeliberation


class TaskDeliberations(Shown):
    """The newest of them."""

    edges: tuple[TaskDeliberationEdge, ...]


class Task(TaskText):
    metadata: Any
    deliberations: TaskDeliberations


# ---------------------------------------------------------------- events


class _Event(Shown):
    sequence: int
    at: datetime


class DeliberationClaimed(_Event):
    """A process has taken it up."""

    typename: Literal["DeliberationClaimed"] = Field(alias="__typename")
    resumed: bool


class SeatOfAgent(Shown):
    number: int
    agent: Mention


class TurnBegan(_Event):
    """A call has begun; live only."""

    typename: Literal["TurnBegan"] = Field(alias="__typename")
    turn_id: str
    kind: TurnKind
    round: int
    seat: SeatOfAgent
    attempt: int


class TurnTaken(_Event):
    """Recorded: it is in the graph."""

    typename: Literal["TurnTaken"] = Field(alias="__typename")
    turn: Turn


class TokensSpoken(_Event):
    """A piece of an answer; live only. An attempt above the last one seen begins anew at offset 0."""

    typename: Literal["TokensSpoken"] = Field(alias="__typename")
    turn_id: str
    attempt: int
    offset: int
    text: str


class Outcome(Shown):
    id: str
    status: Status
    stop_reason: StopReason | None
    failure: str | None


class DeliberationEnded(_Event):
    """Nothing follows."""

    typename: Literal["DeliberationEnded"] = Field(alias="__typename")
    deliberation: Outcome


Event = Annotated[
    DeliberationClaimed | TurnBegan | TurnTaken | TokensSpoken | DeliberationEnded,
    Field(discriminator="typename"),
]

# ---------------------------------------------------------------- what is sent


class TaskInput(Shown):
    """A task to lay before a council."""

    description: str
    context: str | None = None
    rubric: str | None = None
    requirements: tuple[str, ...] = ()
    external_id: str | None = None
    metadata: Any = None


# ---------------------------------------------------------------- errors


class Mistake(Shown):
    """A mistake in the input of a mutation; `path` leads to it, field names outermost first."""

    typename: str = Field(alias="__typename")
    message: str
    code: str
    path: tuple[str, ...]
    sought: str | None = None
    existing: Reference | None = None

    @property
    def words(self) -> str:
        """The message, and where the mistake is."""
        return f"{'.'.join(self.path)}: {self.message}" if self.path else self.message


class FaultExtensions(Shown):
    """None of them is there where the error comes from GraphQL itself, as for a document that is not valid."""

    code: str | None = None
    path: tuple[str | int, ...] | None = None
    correlation_id: str | None = None
    retry_after: float | None = None
    """Seconds, where asking again can help."""


class Fault(Shown):
    """A top-level error of an answer."""

    message: str
    extensions: FaultExtensions = FaultExtensions()

    @property
    def words(self) -> str:
        """The message, with what to look for in the service's log where the fault is the service's."""
        found = self.extensions.correlation_id
        return f"{self.message} (in the log: {found})" if found else self.message
