"""SIGTERM and SIGHUP, where they mean something else than to stop at once."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

    from orchestrator.cli.screen import Screen
    from orchestrator.settings import Settings


class EndedError(Exception):
    """A signal asked for the end, and what was under way was broken off in order."""

    def __init__(self, number: int) -> None:
        """`number` is the signal's."""
        self.number: int = number
        super().__init__(f"ended by {signal.Signals(number).name}")


def say_what_is_waited_for(settings: Settings, screen: Screen) -> None:
    """Say on a terminal why a service that was told to end is still there."""
    screen.aside(
        f"Ending: calls under way may go on for up to {settings.drain_seconds:g} s. Ctrl-C again waits for none of them."
    )


@contextmanager
def ending_at_signals() -> Generator[None]:
    """Have SIGTERM and SIGHUP break the block off as the first Ctrl-C does, until something in it takes them; not where they are ignored.

    By default they end a process where it is, and what it started in a session of its own stays.

    Raises:
        EndedError: by one of them; what the block does at its end was done.
    """
    loop, task, heard = asyncio.get_running_loop(), asyncio.current_task(), list[int]()

    def end(number: int) -> None:
        heard.append(number)
        if task is not None:
            task.cancel()

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, end, number)
    try:
        yield
    except asyncio.CancelledError as error:
        if heard:
            raise EndedError(heard[0]) from error
        raise
