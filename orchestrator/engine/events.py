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
    """Something new is in the graph, whichever process wrote it: read it there."""

    deliberation: str
    sequence: int | None = None
    """How far it has come, where that is known: whoever has read so far has nothing to read."""
    changed: bool = False
    """Whether it has another status now."""

    def after(self, before: Moved | None) -> Moved:
        """Say in one what this and an earlier one say."""
        if before is None:
            return self
        known = [before.sequence, self.sequence]
        return Moved(
            deliberation=self.deliberation,
            sequence=None if None in known else max(one for one in known if one is not None),
            changed=before.changed or self.changed,
        )


LiveEvent = TurnBegan | TokensSpoken | Moved
