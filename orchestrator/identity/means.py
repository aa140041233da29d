"""By what callers are known: what the settings say of it."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.domain.callers import Scope
from orchestrator.identity.keeping import Kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a token of an issuer must say, and where it says who and what."""

    issuer: str
    audience: str
    name_claim: str = "sub"
    scope_claim: str = "scope"
    scope_prefix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """By what callers are known."""

    kept: Kept | None = None
    """The tokens of our own; none: there are none."""
    expected: Expected | None = None
    """What tokens of an issuer must say; none: they do not count."""
    anonymous: Scope | None = None
    """What who shows nothing may do."""

    @property
    def asks(self) -> bool:
        """Whether there is anything that could be shown."""
        return self.kept is not None or self.expected is not None
