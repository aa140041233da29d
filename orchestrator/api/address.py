"""The address that the API listens on: taken before anything else is started, whatever has to be loaded first."""

from __future__ import annotations

import errno
import socket

from orchestrator.domain.errors import CouncilError


class CannotListenError(CouncilError):
    """The address to listen on is not to be had."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        """`reason` is in words."""
        self.host: str = host
        self.port: int = port
        super().__init__(
            f"cannot listen on {host} port {port}: {reason}; COUNCIL_PORT sets another port, COUNCIL_HOST another address"
        )


def bind(host: str, port: int) -> socket.socket:
    """Take the address, before anything else is started.

    Raises:
        CannotListenError: the port is taken, or the address is not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as exc:
        listener.close()
        taken = exc.errno == errno.EADDRINUSE
        reason = "another program has it" if taken else exc.strerror or str(exc)
        raise CannotListenError(host, port, reason) from exc
    listener.settimeout(0)
    return listener
