"""The doorkeeper: lets callers in, by what they show, and says when they have to leave."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from orchestrator.domain.callers import Caller, KnownBy
from orchestrator.domain.errors import UnauthenticatedError, UnavailableError
from orchestrator.identity import tokens
from orchestrator.identity.keeping import Kept
from orchestrator.identity.means import Means
from orchestrator.identity.tokens import Entry

_LOOK_SECONDS = 1.0
"""Between two looks at whether the file of tokens has changed."""
_LONGEST_WAIT_SECONDS = 60.0
"""Until the clock is looked at again, which may have been set."""


class Issuer(Protocol):
    """Who issues tokens that are not ours."""

    async def admit(self, token: str) -> Caller:
        """Say who has a token; raises UnauthenticatedError, and UnavailableError where it cannot be judged now."""
        ...

    def against(self, caller: Caller) -> UnauthenticatedError | UnavailableError | None:
        """Say what one who was let in would be told by now, but for the time; none: he would be let in."""
        ...

    async def run(self) -> None:
        """Notice what is taken back."""
        ...

    def tell(self, changed: Callable[[], None]) -> None:
        """Have it called where somebody may have to leave."""
        ...


def _now() -> datetime:
    return datetime.now(UTC)


class Doorkeeper:
    """Who may come in. `run` must be running for what is taken back to be noticed."""

    def __init__(
        self,
        means: Means,
        issuer: Issuer | None = None,
        *,
        now: Callable[[], datetime] = _now,
    ) -> None:
        """Let nobody in yet.

        Args:
            means: by what callers are known.
            issuer: who issues tokens that are not ours, where that is among them.
            now: the clock.
        """
        self._means = means
        self._issuer = issuer
        self._now = now
        self._changed = asyncio.Event()
        if issuer is not None:
            issuer.tell(self._look_again)

    async def admit(self, shown: str | None) -> Caller:
        """Say who shows this.

        Args:
            shown: the text of an Authorization header, or none. Where nothing is known that could be shown it is not
                looked at: it is for somebody in front of the service.

        Raises:
            UnauthenticatedError: he has to show something, or something else.
            UnavailableError: it cannot be judged now.
        """
        means = self._means
        if shown is None or not means.asks:
            if means.anonymous is None:
                raise UnauthenticatedError(
                    "a token must be sent, as Authorization: Bearer and the token", shown=False
                )
            return Caller(scope=means.anonymous)
        scheme, _, token = shown.strip().partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise UnauthenticatedError(
                "the header Authorization must be Bearer and a token", shown=True
            )
        if token.startswith(tokens.PREFIX) or self._issuer is None:
            caller = self._with_token_of_ours(token)
        else:
            caller = await self._issuer.admit(token)
        if error := self._against(caller):
            raise error
        return caller

    async def leaving(self, caller: Caller) -> UnauthenticatedError | UnavailableError:
        """Wait until a caller who was let in would not be let in any more, and return what he would be told."""
        while (error := self._against(caller)) is None:
            changed = self._changed
            left = None
            if caller.until is not None:
                left = min((caller.until - self._now()).total_seconds(), _LONGEST_WAIT_SECONDS)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await changed.wait()
        return error

    async def run(self) -> None:
        """Notice what is taken back, and by that who has to leave, until it is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            if self._issuer is not None:
                tasks.create_task(self._issuer.run(), name="issuer")
            if self._means.kept is not None:
                tasks.create_task(self._keep_looking(self._means.kept), name="tokens")
            # Where there is nothing to be noticed it goes on, too: the end of it would be taken for that of the process.
            await asyncio.Event().wait()

    async def _keep_looking(self, kept: Kept) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if kept.renew():
                self._look_again()

    def _look_again(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _with_token_of_ours(self, token: str) -> Caller:
        kept = self._means.kept
        entry = None if kept is None else tokens.entry_of(token, kept.entries)
        if entry is None:
            raise UnauthenticatedError("the token is none that is known here", shown=True)
        return Caller(
            name=entry.name,
            scope=entry.scope,
            known_by=KnownBy.TOKEN,
            until=entry.until,
            proof=entry,
        )

    def _against(self, caller: Caller) -> UnauthenticatedError | UnavailableError | None:
        """Say what a caller who showed what is his is told; none: he is let in."""
        if caller.until is not None and caller.until <= self._now():
            return UnauthenticatedError("the token has expired", shown=True)
        if isinstance(caller.proof, Entry):
            kept = self._means.kept
            if kept is None or caller.proof not in kept.entries:
                return UnauthenticatedError("the token was taken back", shown=True)
            return None
        if caller.known_by is KnownBy.ISSUER and self._issuer is not None:
            return self._issuer.against(caller)
        return None
