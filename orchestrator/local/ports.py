"""Ports on this machine's loopback address."""

from __future__ import annotations

import socket
from contextlib import suppress

from orchestrator.local.errors import PortTakenError

LOOPBACK = "127.0.0.1"


def choose(port: int, variable: str) -> int:
    """Answer `port`, or a free one for 0.

    Raises:
        PortTakenError: Somebody listens on it; the message names `variable`.
    """
    if port and _is_answered(port):
        raise PortTakenError(port, variable)
    with socket.socket() as listener:
        # Without it a port would count as taken for a minute after its last connection.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
        except OSError as error:
            raise PortTakenError(port, variable) from error
        chosen = listener.getsockname()[1]
    return int(chosen)


def _is_answered(port: int) -> bool:
    # On macOS a bind to one address succeeds beside somebody's listener on all addresses.
    with suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1):
        return True
    return False
