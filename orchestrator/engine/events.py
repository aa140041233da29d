"""What happens in this process while a deliberation runs, for whoever follows it live."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnBegan:
    """A call has begun in this process; `attempt` counts from 1."""

    deliberation: str
    at: datetime
    turn: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TokensSpoken:
    """A piece of an answer, from this process; `offset` is in characters, from 0 at each attempt."""

    deliberation: str
    at: datetime
    turn: str
    attempt: int
    offset: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Something new is in the graph: read it there."""

    deliberation: str


LiveEvent = TurnBegan | TokensSpoken | Moved
