"""What the command's exit codes mean; `council --help` says so too."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """An exit code."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    REFUSED = 4
    UNDECIDED = 5
    HUNG_UP = 129
    """As shells have it, and so the two below: 128 and the number of the signal."""
    INTERRUPTED = 130
    TERMINATED = 143


MEANINGS = {
    Exit.OK: "it went well",
    Exit.FAILED: "it went wrong, or `doctor` found violations",
    Exit.USAGE: "the arguments or the settings are wrong",
    Exit.UNREACHABLE: "the service or the graph cannot be reached",
    Exit.REFUSED: "the service refused the input or the caller, or there is no such thing",
    Exit.UNDECIDED: "the deliberation ended without a verdict",
    Exit.HUNG_UP: "broken off by SIGHUP, as where the terminal was closed",
    Exit.INTERRUPTED: "interrupted with Ctrl-C (`up` and `serve` end in order, with 0), or by a second signal to end",
    Exit.TERMINATED: "broken off by SIGTERM",
}
