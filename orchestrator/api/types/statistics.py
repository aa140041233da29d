"""What came of the deliberations that a council accepted."""

from __future__ import annotations

import strawberry

from orchestrator.api.types.usage import Usage
from orchestrator.domain import statistics


@strawberry.type(
    description="What came of the deliberations that a council accepted in some time, by how they stand now."
)
class CouncilStatistics:
    """Counts and durations."""

    accepted: int = strawberry.field(description="All of them, those under way among them.")
    decided: int = strawberry.field(description="Those that have a verdict.")
    failed: int = strawberry.field(description="Those that ended without one.")
    cancelled: int = strawberry.field(description="Those that somebody ended.")
    mean_duration_ms: float | None = strawberry.field(
        description="From acceptance to verdict, in the mean of those decided, in milliseconds; none where none was."
    )
    p95_duration_ms: float | None = strawberry.field(
        name="p95DurationMs",
        description="What 95 of 100 of those decided took at most, in milliseconds; none where none was.",
    )
    usage: Usage = strawberry.field(description="The tokens of all their turns.")

    @classmethod
    def of(cls, counted: statistics.CouncilStatistics) -> CouncilStatistics:
        """Show what was counted."""
        return cls(
            accepted=counted.accepted,
            decided=counted.decided,
            failed=counted.failed,
            cancelled=counted.cancelled,
            mean_duration_ms=counted.mean_duration_ms,
            p95_duration_ms=counted.p95_duration_ms,
            usage=Usage.of(counted.usage),
        )
