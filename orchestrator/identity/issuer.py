"""An OpenID issuer: lets in who has a token of it, as long as it is one."""

from __future__ import annotations

from collections.abc import Callable

import httpx
from typing_extensions import override

from orchestrator.domain.callers import Caller
from orchestrator.domain.errors import UnauthenticatedError, UnavailableError
from orchestrator.identity import doorkeeper
from orchestrator.identity.claims import caller_of, key_id
from orchestrator.identity.keys import Keys, NotKnownError
from orchestrator.identity.means import Expected
from orchestrator.identity.tokens import digest

_MOST_KNOWN = 1024
"""Tokens that need not be verified again: to verify one takes longer than to answer with a small page."""


class Issuer(doorkeeper.Issuer):
    """Knows callers by tokens that an issuer has signed."""

    def __init__(self, expected: Expected, http: httpx.AsyncClient) -> None:
        """Ask nothing yet.

        Raises:
            WrongIssuerError: it is none that can be asked.
        """
        self._expected = expected
        self._keys = Keys(expected.issuer, http)
        self._known: dict[bytes, Caller] = {}
        """By the digest of his token."""

    @override
    async def admit(self, token: str) -> Caller:
        kept = digest(token)
        # Where no keys are known any more, they are asked for as by somebody new.
        known = self._known.get(kept) if self._keys.known else None
        if known is None:
            identifier = key_id(token)
            key = await self._keys.key(identifier)
            if key is None:
                why = (
                    "the token names no key (kid), and its issuer does not have just one"
                    if identifier is None
                    else "the token was signed with a key that its issuer does not have"
                )
                raise UnauthenticatedError(why, shown=True)
            known = caller_of(token, key, self._expected)
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[kept] = known
        return known

    @override
    def against(self, caller: Caller) -> UnauthenticatedError | UnavailableError | None:
        if not self._keys.known:
            return NotKnownError()
        if not self._keys.has(caller.proof):
            return UnauthenticatedError(
                "the key that the token was signed with was taken back", shown=True
            )
        return None

    @override
    async def run(self) -> None:
        await self._keys.run()

    @override
    def tell(self, changed: Callable[[], None]) -> None:
        self._keys.changed = changed
