"""A connection whose client may take his time to read, and not for ever."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import ClassVar

import structlog
from typing_extensions import override

from orchestrator.api.connections.piecemeal import Piecemeal

_PATIENCE_SECONDS = 30.0
"""For how long what was sent may lie unread before the connection is closed."""

_log = structlog.get_logger(__name__)


class Patient(asyncio.Protocol, ABC):
    """Lets go of a client that has left the buffer full for too long."""

    _piecemeal: Piecemeal
    _over: ClassVar[str]
    """What is spoken over it, for the log."""
    _running_out: asyncio.TimerHandle | None = None

    @override
    def data_received(self, data: bytes) -> None:
        self._piecemeal.hand_over(data)

    def read(self, data: bytes) -> None:
        """Read a piece of what has come, when it has its turn."""
        super().data_received(data)

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        loop = asyncio.get_running_loop()
        self._running_out = loop.call_later(_PATIENCE_SECONDS, self._run_out)

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_waiting()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _stop_waiting(self) -> None:
        if self._running_out is not None:
            self._running_out.cancel()
            self._running_out = None

    def _run_out(self) -> None:
        _log.warning("reader_too_slow", seconds=_PATIENCE_SECONDS, over=self._over)
        self._let_go(f"too slow: what was sent lay unread for {_PATIENCE_SECONDS:g} s")

    @abstractmethod
    def _let_go(self, reason: str) -> None: ...
