"""How much a request, or a message, may send."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orchestrator.api.answers import too_large
from orchestrator.api.limits import LimitError

MOST_BYTES = 4 * 1024 * 1024
"""A text that is too long gets its own error, if it is not longer than this."""

MOST_GREETING_BYTES = 64 * 1024
"""Of a message of a WebSocket before its caller was let in: a token fits, and nobody unknown has much inflated."""

LET_IN = "council.let_in"
"""What is to be called once he was, under this name in the `state` of a WebSocket's scope: then a message may have MOST_BYTES."""


class _TooLongError(LimitError):
    def __init__(self, length: int, more: str = "") -> None:
        super().__init__(
            "bodyBytes",
            length,
            MOST_BYTES,
            f"the body of the request has {length} bytes{more}, and may have {MOST_BYTES} at most",
        )


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
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > MOST_BYTES:
                raise _TooLongError(read, " or more")
            return message

        try:
            # What reads requests lets no other length through than a number.
            said = int(dict(scope["headers"]).get(b"content-length", b"0"))
            if said > MOST_BYTES:
                raise _TooLongError(said)  # noqa: TRY301 - as where it is counted
            # The body of any other request is kept by nobody, and may come while it is answered.
            await self._app(scope, counted if scope["method"] == "POST" else receive, send)
        except _TooLongError as error:
            client = scope["client"]
            answer = too_large(413, error, None if client is None else client[0])
            await answer(scope, receive, send)
