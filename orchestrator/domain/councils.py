"""Roles, councils and who sits on them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct

DEFAULT_ENDPOINT: Final = "default"
"""The endpoint that VLLM_URL names; where that is not set, who would have been asked there is asked by rehearsal."""

DEFAULT_KEY_VARIABLE: Final = "VLLM_API_KEY"
"""The environment variable that holds its key."""

FIRST_MODEL: Final = "Qwen/Qwen2.5-0.5B-Instruct"
"""The model `default` of a graph that has none, where VLLM_MODEL is not set either."""

KEY_PREFIX: Final = "COUNCIL_KEY_"
"""How the variables of all other keys begin: any other name would let a caller have a secret sent to a server of his."""

REHEARSAL: Final = "rehearsal"
"""The model, and the endpoint, that each process answers for itself."""

RESERVED_ENDPOINTS: Final = frozenset({DEFAULT_ENDPOINT, REHEARSAL})
"""Names that nobody can register."""


class ProtocolName(StrEnum):
    """The rules by which turns follow."""

    PEER_REVIEW = "PEER_REVIEW"
    """Each proposes, criticises a neighbour, revises, and ranks the others."""


class Decision(StrEnum):
    """Who has the last word."""

    BALLOTS = "BALLOTS"
    """The count of the ballots."""


class Endpoint(Struct, frozen=True, kw_only=True):
    """An OpenAI-compatible server; its key is held by the environment variable named, never stored."""

    id: str
    name: str
    url: str
    api_key_variable: str | None = None


class Model(Struct, frozen=True, kw_only=True):
    """What is asked, by the name under which servers serve it; `endpoints` are those that do, where they were asked for."""

    id: str
    name: str
    rehearsal: bool = False
    endpoints: tuple[Endpoint, ...] = ()


class Agent(Struct, frozen=True, kw_only=True):
    """Who sits on a council. `metadata` is JSON text; `endpoint` is set where the agent is bound to one."""

    id: str
    name: str
    persona: str | None
    temperature: float
    max_tokens: int
    model: Model
    endpoint: Endpoint | None = None
    retired: bool = False
    metadata: str | None = None
    council_id: str | None = None


class Seat(Struct, frozen=True, kw_only=True):
    """A place on a council, from 1; of a deliberation, as it was when the deliberation was accepted."""

    number: int
    agent: Agent
    persona: str | None
    temperature: float
    max_tokens: int
    model: Model
    endpoint: Endpoint | None = None


class Role(Struct, frozen=True, kw_only=True):
    """What a council is for; `council_id` is the council that serves it now."""

    id: str
    name: str
    description: str | None = None
    council_id: str | None = None


class Council(Struct, frozen=True, kw_only=True):
    """A set of agents that serves, or served until it was archived, a role."""

    id: str
    name: str
    role: Role
    seats: tuple[Seat, ...]
    protocol: ProtocolName
    rounds: int
    quorum: int
    decision: Decision
    version: int
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None = None
