"""Answers over HTTP that are not GraphQL's own: JSON, in the same form as its errors."""

from __future__ import annotations

from typing import cast

import structlog
import uuid_utils
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from orchestrator.api.errors import RETRY_AFTER_SECONDS, extensions
from orchestrator.api.limits import LimitError
from orchestrator.domain.errors import UnavailableError

_CODES = {
    401: "UNAUTHENTICATED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    408: "LIMIT",
    413: "LIMIT",
    414: "LIMIT",
    421: "FORBIDDEN",
    431: "LIMIT",
    503: "UNAVAILABLE",
}

_NOWHERE = "there is nothing at this path: the API is at /graphql, and so is GraphiQL for browsers"

_PASSING = {429, 503}
"""Those after which to ask again can help."""

_log = structlog.get_logger(__name__)


def refusal(
    status: int,
    message: str,
    headers: dict[str, str] | None = None,
    correlation_id: str | None = None,
    *,
    path: tuple[str, ...] = (),
    limit: LimitError | None = None,
) -> JSONResponse:
    """Answer a request that did not come as far as GraphQL; the id is that of what the log has of it, the limit what it passed.

    Without an id the log has nothing of it yet, and is told: of what was sent, nothing.
    """
    code = _CODES.get(status, "INTERNAL" if status >= 500 else "INVALID_INPUT")  # noqa: PLR2004
    if correlation_id is None:
        correlation_id = uuid_utils.uuid7().hex
        _log.info("request_refused", status=status, code=code, correlation_id=correlation_id)
    error = {
        # It may quote what was sent, which may hold half a character.
        "message": message.encode(errors="replace").decode(),
        "extensions": extensions(code, path, correlation_id, limit),
    }
    return JSONResponse(
        {"errors": [error]}, status_code=status, headers={**retry_after(status), **(headers or {})}
    )


def too_large(status: int, limit: LimitError, client: str | None) -> JSONResponse:
    """Answer a request of which more came than is read, and log it; `client` is the address that it came from."""
    return _beyond(status, "request_too_large", limit, client)


def too_slow(limit: LimitError, client: str | None) -> JSONResponse:
    """Answer a request of which the rest does not come, and log it."""
    return _beyond(408, "request_too_slow", limit, client)


def _beyond(status: int, event: str, limit: LimitError, client: str | None) -> JSONResponse:
    correlation_id = uuid_utils.uuid7().hex
    _log.warning(
        event,
        client=client,
        limit=limit.limit["name"],
        value=limit.limit["value"],
        bound=limit.limit["bound"],
        correlation_id=correlation_id,
    )
    return refusal(status, limit.message, correlation_id=correlation_id, limit=limit)


def retry_after(status: int) -> dict[str, str]:
    """The header that says when to ask again, where that can help."""
    return {"Retry-After": str(RETRY_AFTER_SECONDS)} if status in _PASSING else {}


async def nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a WebSocket's handshake at a path that is none."""
    await refusal(404, _NOWHERE)(scope, receive, send)


async def on_http_error(_request: Request, error: Exception) -> Response:
    """Answer what Starlette itself refuses, such as a path that is none."""
    refused = cast("HTTPException", error)  # the only kind that it is registered for
    message = _NOWHERE if refused.status_code == 404 else refused.detail  # noqa: PLR2004
    return refusal(refused.status_code, message, dict(refused.headers or {}))


async def on_fault(request: Request, error: Exception) -> Response:
    """Answer where the service failed; Starlette raises the error again, so that it is logged with where it came from."""
    correlation_id = uuid_utils.uuid7().hex
    _log.error(
        "request_failed",
        path=request.url.path,
        error=type(error).__name__,
        correlation_id=correlation_id,
    )
    return refusal(500, "the service failed at this", correlation_id=correlation_id)


def unavailable(error: UnavailableError) -> JSONResponse:
    """Answer where it cannot even be said who asks, and log it."""
    correlation_id = uuid_utils.uuid7().hex
    _log.warning("operation_unavailable", fields=[], why=error.what, correlation_id=correlation_id)
    return refusal(503, error.what, correlation_id=correlation_id)
