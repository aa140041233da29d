"""Who asks. Here, and nowhere else, a caller gets his name."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import HTTPConnection


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks; without a name where callers are anonymous."""

    name: str | None = None

    @property
    def scope(self) -> str:
        """Whose idempotency keys are his."""
        return self.name or "anonymous"


def caller_of(_connection: HTTPConnection) -> Caller:
    """Tell who sent a request or opened a connection: everybody is anonymous."""
    return Caller()
