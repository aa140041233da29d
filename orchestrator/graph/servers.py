"""Which Neo4j the service can work with, and how far apart its clock and ours are."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from orchestrator.graph.driver import Reads
from orchestrator.graph.errors import MisconfiguredError

_OLDEST = (5, 26)
"""The statements have what came with 5.24, and the tests run on this one, which is the oldest that is still maintained."""

_AGENT = re.compile(r"Neo4j/(\d+)\.(\d+)")
"""Since 2025 a version begins with its year."""


class TooOldError(MisconfiguredError):
    """The server is a Neo4j from before what the statements use."""

    def __init__(self, agent: str) -> None:
        """`agent` is what it calls itself."""
        self.agent: str = agent
        super().__init__(
            f"NEO4J_URI names {agent}: {'.'.join(map(str, _OLDEST))} or newer is needed"
        )


def refuse_old(agent: str) -> None:
    """See that a server that calls itself so is new enough; one that says it in another way than Neo4j does is let through.

    Raises:
        TooOldError: it is not.
    """
    found = _AGENT.match(agent)
    if found is not None and (int(found[1]), int(found[2])) < _OLDEST:
        raise TooOldError(agent)


async def clock_ahead(graph: Reads) -> timedelta:
    """Return how far the clock of this process is ahead of the server's at least, negative where it is behind.

    When between question and answer the server looked is not known: what that can explain is no difference.
    """
    asked = datetime.now(UTC)
    (clock,) = await graph.read("graph/read_clock")
    answered = datetime.now(UTC)
    theirs = datetime.fromisoformat(clock["now"])
    return max(asked - theirs, min(answered - theirs, timedelta()))
