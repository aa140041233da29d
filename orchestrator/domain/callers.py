"""Who asks, and what he may."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from urllib.parse import quote

from orchestrator.domain import limits


class Scope(StrEnum):
    """What a caller may do. Each includes those before it: what a mutation answers can be followed to everything that can be read."""

    READ = "read"
    DELIBERATE = "deliberate"
    MANAGE = "manage"

    def includes(self, other: Scope) -> bool:
        """Whether who may do this may do the other, too."""
        order = tuple(Scope)
        return order.index(self) >= order.index(other)


class KnownBy(StrEnum):
    """What a caller is known by; a name is unique within one of them only."""

    TOKEN = "token"  # noqa: S105 - a word
    """A token of our own."""
    ISSUER = "oidc"
    """A token of an OpenID issuer."""


_TOKEN = re.compile(r"[!-~]+")

LONGEST_KEYSPACE = max(map(len, KnownBy)) + 1 + 3 * 4 * limits.NAME
"""Of any caller: each of up to four bytes of a character of his name may be quoted, which takes three."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks; without a name where he was not asked for it."""

    scope: Scope | None
    """The highest that he has; none: nothing."""
    name: str | None = None
    known_by: KnownBy | None = None
    until: datetime | None = None
    """When he is not let in any more; none: that is not known."""
    proof: object = field(default=None, repr=False)
    """What whoever let him in knows him by, and no secret."""

    @property
    def keyspace(self) -> str:
        """Whose idempotency keys are his: unlike anybody else's, and without a slash, which ends it in the graph."""
        if self.name is None:
            return "anonymous"
        return f"{self.known_by}:{quote(self.name, safe='')}"

    def may(self, scope: Scope) -> bool:
        """Whether he may do that."""
        return self.scope is not None and self.scope.includes(scope)


NOBODY = Caller(scope=None)
"""Who has not been let in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authors:
    """The names of those who made a thing, last changed it, and cancelled it; none where nobody was asked for one."""

    created_by: str | None = None
    updated_by: str | None = None
    cancelled_by: str | None = None


def token_mistake(token: str) -> str | None:
    """Say what is wrong with the text of a token, as a phrase that follows "a token" and holds nothing of it; none where nothing is."""
    return None if _TOKEN.fullmatch(token) else "must be visible ASCII characters, without spaces"
