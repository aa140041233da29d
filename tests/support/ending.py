"""Ending in order whatever asks for it: what was started is stopped."""

from __future__ import annotations

import signal


def end_in_order() -> None:
    """Take SIGTERM for Ctrl-C, and let both reach a process in the background of a script, where SIGINT is ignored by inheritance."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda _number, _frame: signal.raise_signal(signal.SIGINT))
