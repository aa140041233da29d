"""What a caller wants made or changed, valid in itself; whether it fits the graph is the graph's to say."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from orchestrator.domain.councils import Decision, ProtocolName


@dataclass(frozen=True, slots=True, kw_only=True)
class Idempotency:
    """A caller's key, scoped to him and to the mutation, and a digest of the input as he sent it."""

    key: str
    input_digest: str


TEMPERATURE = 0.7
TOKENS = 512
"""What an agent gets that names neither."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentDraft:
    """An agent to make. What is none becomes a default: the name a number never used, the model `default`."""

    name: str | None = None
    persona: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    model: str | None = None
    endpoint: str | None = None
    metadata: str | None = None

    @property
    def settled_temperature(self) -> float:
        """The temperature, or the default one."""
        return TEMPERATURE if self.temperature is None else float(self.temperature)

    @property
    def settled_max_tokens(self) -> int:
        """The tokens of an answer, or the default."""
        return TOKENS if self.max_tokens is None else self.max_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class CouncilDraft:
    """A council to make, valid in itself; what is none becomes a default."""

    role: str
    name: str | None = None
    agents: tuple[AgentDraft, ...]
    protocol: ProtocolName = ProtocolName.PEER_REVIEW
    rounds: int = 1
    quorum: int | None = None
    """None: a majority of the seats."""
    decision: Decision = Decision.BALLOTS

    def settled_quorum(self, seats: int) -> int:
        """Return the quorum of so many seats: more than half of them where none is named."""
        return seats // 2 + 1 if self.quorum is None else self.quorum


class Clear(StrEnum):
    """The mark of a value to be cleared, where none means: leave as it is."""

    CLEAR = "CLEAR"


@dataclass(frozen=True, slots=True, kw_only=True)
class CouncilChange:
    """What is none stays as it is."""

    name: str | None = None
    protocol: ProtocolName | None = None
    rounds: int | None = None
    quorum: int | None = None
    decision: Decision | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentChange:
    """What is none stays as it is."""

    persona: str | Clear | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    model: str | None = None
    endpoint: str | Clear | None = None
    metadata: str | Clear | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointChange:
    """What is none stays as it is."""

    url: str | None = None
    api_key_variable: str | Clear | None = None
