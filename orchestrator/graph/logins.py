"""Logins that Neo4j refuses, and how few of them it is sent.

It counts the wrong ones by their user, whoever sends them. A process whose password is not that any more, and which
comes again every second, would lock its user out for everybody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from neo4j import AsyncDriver
from neo4j.exceptions import AuthError, ClientError, ServiceUnavailable

from orchestrator.domain.errors import AuthenticationError
from orchestrator.graph.errors import NOT_LOOKED_AT, refusal

Opener = Callable[..., Awaitable[Any]]
"""What opens a connection of the driver and logs in by it."""

PAUSE: Final = 30.0
"""Seconds from a login that was refused to the next one.

After three wrong ones in a row Neo4j looks at none of that user for `dbms.security.auth_lock_time`, which is 5 s: others
come between.
"""


class Logins:
    """An opener that stands before another one, and answers for it for a while after a login that was refused."""

    def __init__(self, opener: Opener) -> None:
        self._opener = opener
        self._refused: str | None = None
        """What was said of the last login, where it was refused."""
        self._again_at = 0.0

    async def __call__(self, *args: Any) -> Any:
        """Open a connection.

        Raises:
            AuthenticationError: a login was refused, and none has been taken since.
        """
        now = asyncio.get_running_loop().time()
        if self._refused is not None:
            if now < self._again_at:
                raise AuthenticationError(self._refused)
            # One goes first: of all who wait each would send a wrong one.
            self._again_at = now + PAUSE
        try:
            connection = await self._opener(*args)
        except AuthError as exc:
            self._refused = str(refusal(exc))
            self._again_at = now + PAUSE
            raise
        except ClientError as exc:
            if self._refused is None or exc.code != NOT_LOOKED_AT:
                raise
            # The wrong ones are our own.
            raise AuthenticationError(self._refused) from exc
        except ServiceUnavailable:
            # That it is away is told as that.
            self._refused = None
            raise
        self._refused = None
        return connection


def spare_logins(driver: AsyncDriver) -> None:
    """Have a driver send few wrong ones; statements over connections that are open are not held back.

    An auth manager of the driver's could not: it is asked for open connections as well, and not told of a login that
    is refused while one is opened.
    """
    pool = driver._pool  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    pool.opener = Logins(pool.opener)
