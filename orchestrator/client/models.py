"""What the API answers and what it is sent, in pydantic models with the names of the schema.

They are made of graphql/operations and graphql/schema.graphql (`make client`): a fragment there is a model here. Those
below them are what the client makes itself, and what may come instead of an answer.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny
from pydantic.alias_generators import to_camel

from orchestrator.client.generated.enums import (
    AgentStatus,
    Decision,
    DeliberationStatus,
    EndpointStatus,
    Priority,
    Protocol,
    StopReason,
    TurnKind,
    TurnOutcome,
)
from orchestrator.client.generated.find_node import (
    FindNodeNodeBallot,
    FindNodeNodeCritique,
    FindNodeNodeProposal,
)
from orchestrator.client.generated.fragments import (
    Agent,
    Ballot,
    BallotMention,
    Council,
    CouncilMention,
    Critique,
    Deliberation,
    DeliberationClaimed,
    DeliberationEnded,
    DeliberationMention,
    Endpoint,
    Found,
    ListedDeliberation,
    Model,
    Proposal,
    ProposalMention,
    RankedProposal,
    Role,
    Seat,
    Service,
    Task,
    TaskText,
    TokensSpoken,
    TurnBegan,
    TurnTaken,
    Usage,
    Verdict,
)
from orchestrator.client.generated.input_types import (
    TaskInput,
    UpdateAgentInput,
    UpdateCouncilInput,
)
from orchestrator.domain.places import located

__all__ = [
    "Agent",
    "AgentStatus",
    "Ballot",
    "BallotMention",
    "Council",
    "CouncilMention",
    "Critique",
    "Decision",
    "Deliberation",
    "DeliberationClaimed",
    "DeliberationEnded",
    "DeliberationMention",
    "DeliberationStatus",
    "Endpoint",
    "EndpointStatus",
    "Event",
    "Fault",
    "FaultExtensions",
    "Found",
    "ListedDeliberation",
    "Mistake",
    "Model",
    "Node",
    "Priority",
    "Proposal",
    "ProposalMention",
    "Protocol",
    "RankedProposal",
    "Reference",
    "Role",
    "Seat",
    "Service",
    "StopReason",
    "Task",
    "TaskInput",
    "TaskText",
    "TokensSpoken",
    "Transcript",
    "Turn",
    "TurnBegan",
    "TurnKind",
    "TurnOutcome",
    "TurnTaken",
    "UpdateAgentInput",
    "UpdateCouncilInput",
    "Usage",
    "Verdict",
]

Turn = Proposal | Critique | Ballot
Event = DeliberationClaimed | TurnBegan | TurnTaken | TokensSpoken | DeliberationEnded
Node = Role | Model | Endpoint | FindNodeNodeProposal | FindNodeNodeCritique | FindNodeNodeBallot


class Told(BaseModel):
    """The base: frozen, and camelCase on the wire."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)


class Transcript(Told):
    """A deliberation with all its turns, in the order in which they were recorded."""

    deliberation: Deliberation
    turns: tuple[SerializeAsAny[Turn], ...]


class Reference(Told):
    """Something, told of in passing."""

    id: str


class Mistake(Told):
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
        return located(self.path, self.message)


class FaultExtensions(Told):
    """What each error of the service carries: another's have no code."""

    code: str
    path: tuple[str | int, ...] | None = None
    correlation_id: str | None = None
    retry_after: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """Seconds, where asking again can help."""


_OF_THE_SERVICE = frozenset({"INTERNAL", "UNAVAILABLE"})


class Fault(Told):
    """A top-level error of an answer."""

    message: str
    extensions: FaultExtensions

    @property
    def perhaps_done(self) -> bool:
        """Whether something was away, and what was asked may have been carried out all the same."""
        return self.extensions.code == "UNAVAILABLE" and self.extensions.retry_after is None

    @property
    def words(self) -> str:
        """The message, with what to look for in the service's log where the fault is the service's: it has no more on others."""
        found = self.extensions.correlation_id if self.extensions.code in _OF_THE_SERVICE else None
        return f"{self.message} (in the log: {found})" if found else self.message
