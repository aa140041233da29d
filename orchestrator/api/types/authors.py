"""Who made, changed and cancelled a thing: read where it is asked for, in one statement for all that stand on a level."""

from __future__ import annotations

from orchestrator.api.context import Info
from orchestrator.api.ids import Node
from orchestrator.domain.callers import Authors

CREATED = (
    "Who made it; none where nobody was asked who he is, and of what a new graph was seeded with."
)
UPDATED = "Who last changed it; none where nobody was asked who he is, or it is as it was made."
CANCELLED = "Who cancelled it; none where nobody was asked who he is, or it was not cancelled."

_NOBODY = Authors()


async def created_by(self: Node, info: Info) -> str | None:
    """Resolve the field."""
    return (await _authors(self, info)).created_by


async def updated_by(self: Node, info: Info) -> str | None:
    """Resolve the field."""
    return (await _authors(self, info)).updated_by


async def cancelled_by(self: Node, info: Info) -> str | None:
    """Resolve the field."""
    return (await _authors(self, info)).cancelled_by


async def _authors(root: Node, info: Info) -> Authors:
    return await info.context.loaders.authors.load(root.id) or _NOBODY
