"""The domain's enums under their names in GraphQL, with a word on each value."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import cast

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

from orchestrator.domain.availability import AgentStatus
from orchestrator.domain.callers import Scope
from orchestrator.domain.councils import Decision, ProtocolName
from orchestrator.domain.deliberations import Priority, Status, StopReason, TurnKind, TurnOutcome
from orchestrator.domain.health import EndpointStatus


def _show(
    enum: type[StrEnum], description: str, values: Mapping[str, str], *, name: str | None = None
) -> None:
    strawberry.enum(enum, name=name, description=description)
    definition = cast("StrawberryEnumDefinition", vars(enum)["__strawberry_definition__"])
    for value in definition.values:
        value.description = values[value.name]


_show(
    ProtocolName,
    "The rules by which turns follow.",
    {"PEER_REVIEW": "Each proposes, criticises a neighbour, revises, and ranks the others."},
    name="Protocol",
)
_show(
    Decision,
    "Who has the last word: the count of the ballots.",
    {"BALLOTS": "The count of the ballots."},
)
_show(
    AgentStatus,
    "Whether an agent could answer now. BUSY: has a seat in a running deliberation. OFFLINE: no endpoint that is UP serves its model. RETIRED: for good.",
    {
        "READY": "An endpoint that is UP serves its model, or it rehearses.",
        "BUSY": "It has a seat in a running deliberation.",
        "OFFLINE": "No endpoint that is UP serves its model, as far as the process that answers has seen.",
        "RETIRED": "For good.",
    },
)
_show(
    EndpointStatus,
    "Whether an endpoint answers, as the process that answers sees it.",
    {
        "UP": "It answered when last asked.",
        "DOWN": "It did not.",
        "UNKNOWN": "It has not been asked yet.",
    },
)
_show(
    Scope,
    "What a caller may do; each includes those before it.",
    {
        "READ": "Ask for whatever can be read, and follow it.",
        "DELIBERATE": "Lay tasks before councils, retry and cancel; and READ.",
        "MANAGE": "Change roles, councils, agents and endpoints; and DELIBERATE.",
    },
)
_show(
    Priority,
    "Which deliberations are taken up first.",
    {
        "LOW": "When nothing else waits.",
        "NORMAL": "As a rule.",
        "HIGH": "Before the others.",
    },
)
_show(
    Status,
    "Where a deliberation stands.",
    {
        "QUEUED": "Accepted; no process has taken it up yet.",
        "RUNNING": "A process is at work on it.",
        "DECIDED": "It has a verdict.",
        "FAILED": "It has ended without one, and says why.",
        "CANCELLED": "Somebody ended it.",
    },
    name="DeliberationStatus",
)
_show(
    StopReason,
    "Why a deliberation has ended.",
    {
        "COMPLETED": "Every phase is through.",
        "AGREED": "The agents agreed before every phase was through. Of a protocol to come; PEER_REVIEW has none.",
        "DEADLINE": "Its time was up.",
        "TOKEN_BUDGET": "Its tokens were spent.",
        "QUORUM_LOST": "Too few proposals stand, or no ballot came to choose between them.",
        "CANCELLED": "Somebody ended it.",
        "ERROR": "The service itself failed at it.",
    },
)
_show(
    TurnKind,
    "What an agent was asked for.",
    {
        "PROPOSAL": "An answer to the task.",
        "CRITIQUE": "What is wrong with another's proposal.",
        "REVISION": "The own proposal, written again in answer to its critiques.",
        "BALLOT": "The others' proposals, best first.",
    },
)
_show(
    TurnOutcome,
    "Whether an agent answered.",
    {"TAKEN": "It answered.", "ABSENT": "Its call failed for good; the turn says why."},
)
