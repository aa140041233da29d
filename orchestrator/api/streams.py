"""Answers that go on until the process ends, or until whoever gets them has to leave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine


class Streams:
    """Cuts off the answers that are still being sent, so that their clients ask another process for the rest."""

    def __init__(self) -> None:
        self._closed = asyncio.Event()

    def close(self) -> None:
        """Send nothing more, to nobody."""
        self._closed.set()

    async def until_closed(
        self, stream: AsyncIterator[str], leaving: Callable[[], Coroutine[None, None, object]]
    ) -> AsyncGenerator[str, None]:
        """Yield what a stream does; closed, or once `leaving` has returned, it ends without the word that a complete one ends with."""
        closed = asyncio.create_task(self._closed.wait())
        left = asyncio.create_task(leaving())
        piece: asyncio.Future[str] | None = None
        try:
            while not (closed.done() or left.done()):
                piece = asyncio.ensure_future(anext(stream))
                await asyncio.wait((piece, closed, left), return_when=asyncio.FIRST_COMPLETED)
                if piece.done():
                    yield await piece
        except StopAsyncIteration:
            return
        finally:
            closed.cancel()
            left.cancel()
            if piece is not None:
                piece.cancel()
                # Whatever becomes of it, nobody waits for it any more.
                await asyncio.gather(piece, return_exceptions=True)
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()
