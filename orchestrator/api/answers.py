"""Answers over HTTP that are not GraphQL's own: JSON, in the same form as its errors."""

from __future__ import annotations

from typing import cast

import uuid_utils
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from orchestrator.api.errors import RETRY_AFTER_SECONDS, extensions

_CODES = {
    401: "UNAUTHENTICATED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    413: "LIMIT",
    421: "FORBIDDEN",
    503: "UNAVAILABLE",
}

_PASSING = {429, 503}
"""Those after which to ask again can help."""


def refusal(
    status: int,
    message: str,
    headers: dict[str, str] | None = None,
    correlation_id: str | None = None,
) -> JSONResponse:
    """Answer a request that did not come as far as GraphQL; the id is that of what the log has of it."""
    code = _CODES.get(status, "INTERNAL" if status >= 500 else "INVALID_INPUT")  # noqa: PLR2004
    error = {
        # It may quote what was sent, which may hold half a character.
        "message": message.encode(errors="replace").decode(),
        "extensions": extensions(code, (), correlation_id or uuid_utils.uuid7().hex),
    }
    return JSONResponse(
        {"errors": [error]}, status_code=status, headers={**retry_after(status), **(headers or {})}
    )


def retry_after(status: int) -> dict[str, str]:
    """The header that says when to ask again, where that can help."""
    return {"Retry-After": str(RETRY_AFTER_SECONDS)} if status in _PASSING else {}


async def on_http_error(_request: Request, error: Exception) -> Response:
    """Answer what Starlette itself refuses, such as a path that is none."""
    refused = cast("HTTPException", error)  # the only kind that it is registered for
    return refusal(refused.status_code, refused.detail, dict(refused.headers or {}))


async def on_fault(_request: Request, _error: Exception) -> Response:
    """Answer where the service failed; Starlette raises the error again, so that it is logged."""
    return refusal(500, "the service failed at this")
