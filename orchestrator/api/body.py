"""How much a request may send."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orchestrator.api.answers import refusal

MOST_BYTES = 4 * 1024 * 1024
"""A text that is too long gets its own error, if it is not longer than this."""

_LONGEST_NUMBER = 20


class BodyLimit:
    """Refuses bodies that are too long: by what a request says of itself, and else by counting."""

    def __init__(self, app: ASGIApp) -> None:
        """`app` sees only what is within the limit."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, counted."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        said = dict(scope["headers"]).get(b"content-length", b"0")[:_LONGEST_NUMBER]
        if not said.isdigit() or int(said) > MOST_BYTES:
            await refusal(413, _too_long(said.decode(errors="replace")))(scope, receive, send)
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > MOST_BYTES:
                raise HTTPException(413, _too_long(f"{read} or more"))
            return message

        await self._app(scope, counted, send)


def _too_long(length: str) -> str:
    return f"the request has {length} bytes, and may have {MOST_BYTES} at most"
