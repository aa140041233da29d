"""What changes, as those who listen are told."""

from __future__ import annotations

from datetime import datetime

import strawberry

from orchestrator.api.types.deliberations import Deliberation
from orchestrator.domain.deliberations import Status


@strawberry.type(description="A deliberation came to another status.")
class DeliberationChange:
    """A change of status."""

    at: datetime = strawberry.field(description="When it did.")
    previous: Status | None = strawberry.field(
        description="The status that it had; none where it was accepted."
    )
    status: Status = strawberry.field(description="The status that it came to.")
    deliberation: Deliberation = strawberry.field(
        description="As it is when this is sent, which may be further on: the next change says so."
    )
