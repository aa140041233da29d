"""What can be known before a start, by the settings alone."""

from __future__ import annotations

from orchestrator.graph.seeding import read_seed
from orchestrator.service.callers import doorkeeper_of, means_of
from orchestrator.settings import Settings


async def look_for_mistakes(settings: Settings) -> None:
    """Raise what a start with these settings would end with.

    Raises:
        WrongSettingError: councils or callers are not as they may be.
    """
    read_seed(settings.seed)
    async with doorkeeper_of(means_of(settings)):
        pass  # An issuer is asked nothing before it is needed.
