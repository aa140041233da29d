"""The rehearsal model: a stand-in for a vLLM that there is not, on a real socket of this process.

It is spoken to through the same client as any server. Its model is bound to seats at accept, by the
setting alone; nothing here is asked because a real server failed.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from orchestrator.domain.councils import Endpoint

if TYPE_CHECKING:
    from orchestrator.vllm.rehearsal_server import RehearsalServer

PACE: Final = 0.005
"""Seconds between two words: a deliberation of three seats can be followed, and takes 3 seconds."""


class Rehearsal:
    """The rehearsal server of this process; an async context manager. It starts when it is first needed."""

    def __init__(self, *, pace: float = PACE) -> None:
        """`pace` is in seconds between two words, 0 in tests."""
        self._pace: Final = pace
        self._starting: Final = asyncio.Lock()
        self._server: RehearsalServer | None = None
        self._endpoint: Endpoint | None = None

    async def __aenter__(self) -> Self:
        """Nothing is started yet."""
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop listening and break off what is being said."""
        if self._server is not None:
            await self._server.close()
        self._server = None
        self._endpoint = None

    @property
    def speaking(self) -> int:
        """Answers under way."""
        return 0 if self._server is None else self._server.speaking

    async def endpoint(self) -> Endpoint:
        """Return where it answers, having started it where this is the first need of it."""
        async with self._starting:
            if self._endpoint is None:
                # A web server, which nobody needs who has a vLLM, before the API does.
                from orchestrator.vllm.rehearsal_server import RehearsalServer  # noqa: PLC0415

                self._server = RehearsalServer(pace=self._pace)
                self._endpoint = await self._server.start()
            return self._endpoint
