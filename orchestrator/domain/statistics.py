"""What came of the deliberations that a council accepted in some time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from orchestrator.domain.deliberations import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A council, and from when (included) until when (not included) it accepted; none has no end."""

    council: str
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CouncilStatistics:
    """Counts, by how the deliberations stand now; durations in milliseconds, of those that were decided, none where none was."""

    accepted: int
    decided: int
    failed: int
    cancelled: int
    mean_duration_ms: float | None
    p95_duration_ms: float | None
    usage: Usage
