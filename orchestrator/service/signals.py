"""The signals that ask a command for its end."""

from __future__ import annotations

import asyncio
import signal


def on_signals() -> asyncio.Event:
    """Return what is set by a signal that asks for the end; a second one cancels the caller."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    caller = asyncio.current_task()

    def heard() -> None:
        if stop.is_set() and caller is not None:
            caller.cancel()
        stop.set()

    # A terminal that is closed sends SIGHUP.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, heard)
    return stop
