"""Ports for what listens on 127.0.0.1, and may be away for a while."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import socket

_MINE = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_ALL = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))

_NEVER_GIVEN = range(20_000 + _MINE, 32_000, _ALL)
"""Linux gives outgoing connections ports from 32768 on; of these, each process of a run of tests has its own."""

_IN_TURN = itertools.cycle(random.SystemRandom().sample(_NEVER_GIVEN, len(_NEVER_GIVEN)))


def free_port() -> int:
    """Return a port that nobody listens on, nor is given while who listens is away: neither again nor for a connection of somebody's own."""
    for port in itertools.islice(_IN_TURN, len(_NEVER_GIVEN)):
        with socket.socket() as one, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")
