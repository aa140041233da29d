"""What came of the deliberations that a council accepted."""

from __future__ import annotations

import strawberry

from orchestrator.api.shown import Shown
from orchestrator.api.types.usage import Usage
from orchestrator.domain import statistics


@strawberry.type(
    description="What came of the deliberations that a council accepted in some time, by how they stand now."
)
class CouncilStatistics(Shown[statistics.CouncilStatistics]):
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

    @strawberry.field(description="The tokens of all their turns.")
    def usage(self) -> Usage:
        return Usage.of(self.source.usage)
