"""What was recorded of a deliberation, whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from orchestrator.domain.deliberations import Turn, Verdict
from orchestrator.domain.values import replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A process took a deliberation up; `resumed` where another had left it."""

    sequence: int
    at: datetime
    resumed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A verdict as it was reached."""

    id: str
    decided_at: datetime
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """All that was recorded of a deliberation: turns in order of their sequence, claims, and the end.

    `ended` is the sequence of the end, none while it is under way.
    """

    deliberation: str
    turns: tuple[Turn, ...]
    claims: tuple[Claimed, ...]
    outcome: Outcome | None
    ended: int | None

    def until(self, sequence: int, *, ending: bool = True) -> Transcript:
        """What of it was recorded up to a sequence, the end where that may be `ending`."""
        over = ending and self.ended is not None and self.ended <= sequence
        return replace(
            self,
            turns=tuple(turn for turn in self.turns if (turn.sequence or 0) <= sequence),
            claims=tuple(claim for claim in self.claims if claim.sequence <= sequence),
            outcome=self.outcome if over else None,
            ended=self.ended if over else None,
        )
