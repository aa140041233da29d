"""The command `council`."""

from __future__ import annotations

import sys

from orchestrator.cli.exits import Exit


def main() -> None:
    """Run the command line; interrupted while it is loaded, it exits as it would later."""
    try:
        from orchestrator.cli import app  # noqa: PLC0415 - what takes the time of a Ctrl-C is this

        app.main()
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)
