"""The command `council`."""

from __future__ import annotations

import os
import signal
import sys

from orchestrator.cli.exits import Exit


def main() -> None:
    """Run the command line; interrupted or ended while it is loaded, it exits as it would later."""
    _end_at_signals()
    try:
        from orchestrator.cli import app  # noqa: PLC0415 - what takes the time of a Ctrl-C is this

        app.main()
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)


def _end_at_signals() -> None:
    """Have SIGTERM and SIGHUP end the process at once, until a command takes them; not where they are ignored.

    By default they do that, but not in a container, whose first process is sent no signal that it has not asked for.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda number, _frame: os._exit(128 + number))
