"""Who asks, over HTTP or over a WebSocket. Here, and nowhere else, a caller gets his name."""

from __future__ import annotations

import structlog
import uuid_utils
from starlette.requests import HTTPConnection

from orchestrator.api.ports import Doorkeeper
from orchestrator.domain.callers import Caller
from orchestrator.domain.errors import UnauthenticatedError, UnavailableError

REALM = 'Bearer realm="graph-council"'

_log = structlog.get_logger(__name__)


class RefusedCallerError(Exception):
    """Who asks is not let in; the log has it under the correlation id."""

    def __init__(self, refused: UnauthenticatedError, correlation_id: str) -> None:
        """Both are for the caller."""
        self.why: str = refused.why
        self.correlation_id: str = correlation_id
        # RFC 6750: where nothing was shown, no error is named.
        self.challenge: str = f'{REALM}, error="invalid_token"' if refused.shown else REALM
        super().__init__(refused.why)


async def caller_of(
    doorkeeper: Doorkeeper, connection: HTTPConnection, shown: str | None = None
) -> Caller:
    """Say who sent a request or opened a connection, by what it shows itself, unless he has shown something since.

    Raises:
        RefusedCallerError: he is not let in.
        UnavailableError: that cannot be said now.
    """
    try:
        return await doorkeeper.admit(
            connection.headers.get("authorization") if shown is None else shown
        )
    except UnauthenticatedError as refused:
        raise RefusedCallerError(refused, note_refusal(connection, refused.why)) from refused


async def sent_away(
    doorkeeper: Doorkeeper, caller: Caller
) -> UnauthenticatedError | UnavailableError:
    """Wait until a caller who follows something would not be let in any more, log that, and return what he would be told."""
    error = await doorkeeper.leaving(caller)
    why = error.what if isinstance(error, UnavailableError) else error.why
    _log.info("caller_left", caller=caller.name, why=why)
    return error


def note_refusal(connection: HTTPConnection, why: str) -> str:
    """Log that somebody is not let in; returns the id by which that is found."""
    correlation_id = uuid_utils.uuid7().hex
    client = connection.client
    _log.warning(
        "caller_refused",
        why=why,
        client=None if client is None else client.host,
        path=connection.url.path,
        correlation_id=correlation_id,
    )
    return correlation_id
