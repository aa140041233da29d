"""What an agent says while it says it, told at a bounded rate: models stream faster than anybody reads."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Final

from orchestrator.engine.events import TokensSpoken
from orchestrator.engine.following import Board

_PAUSE: Final = 0.05
"""Seconds between two pieces of one turn; what comes meanwhile goes together in the next."""


class Speech:
    """The pieces of one turn's answer, an attempt after the other."""

    def __init__(self, board: Board, deliberation: str, turn: str) -> None:
        """Nothing is posted while nobody follows."""
        self._board: Final = board
        self._deliberation: Final = deliberation
        self._turn: Final = turn
        self._attempt: int = 0
        self._offset: int = 0
        self._untold: list[str] = []
        self._pause: asyncio.TimerHandle | None = None

    def begin(self, attempt: int) -> None:
        """Count characters anew."""
        self.end()
        self._attempt, self._offset = attempt, 0

    def say(self, text: str) -> None:
        """Tell a piece at once, or with what else comes in the pause after the last."""
        self._untold.append(text)
        if self._pause is None:
            self._tell()

    def end(self) -> None:
        """Tell what is left: it comes before the news of what became of the attempt."""
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        self._post()

    def _tell(self) -> None:
        self._pause = None
        if self._post():
            self._pause = asyncio.get_running_loop().call_later(_PAUSE, self._tell)

    def _post(self) -> bool:
        """Post what is untold; where nobody would hear it is only counted."""
        if not self._untold:
            return False
        text = "".join(self._untold)
        self._untold.clear()
        followed = self._board.followed(self._deliberation)
        if followed:
            self._board.post(
                TokensSpoken(
                    deliberation=self._deliberation,
                    at=datetime.now(UTC),
                    turn=self._turn,
                    attempt=self._attempt,
                    offset=self._offset,
                    text=text,
                )
            )
        self._offset += len(text)
        return followed
