"""How much one client may have under way at once at this process, so that none takes what is for all.

A client is a caller by his name, over however many connections; where nobody was asked for one, it is an address.
"""

from __future__ import annotations

from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Network, ip_address

import structlog
from starlette.requests import HTTPConnection
from typing_extensions import override

from orchestrator.api.limits import TooManyError
from orchestrator.domain.callers import Caller

_PREFIX = 64
"""Bits of an address of IPv6 that whoever has one cannot change: the others he can choose."""

_log = structlog.get_logger(__name__)


class Kind(StrEnum):
    """What is counted, by the word for it."""

    CONNECTION = "connections"
    """WebSockets."""
    SUBSCRIPTION = "subscriptions"
    """Whatever is followed: over a WebSocket, as server-sent events, or by a query that waits."""
    REQUEST = "requests"
    """Queries and mutations that are carried out, over HTTP or a WebSocket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How many of each a client may have at once."""

    connections: int = 256
    subscriptions: int = 1024
    requests: int = 256


class Clients:
    """Counts what is under way; of who has nothing under way, nothing is kept."""

    def __init__(self, bounds: Bounds | None = None) -> None:
        """`bounds` are those of every client."""
        of_all = bounds or Bounds()
        self._bounds: dict[Kind, int] = {
            Kind.CONNECTION: of_all.connections,
            Kind.SUBSCRIPTION: of_all.subscriptions,
            Kind.REQUEST: of_all.requests,
        }
        self._under_way: Counter[tuple[str, Kind]] = Counter()

    @property
    def under_way(self) -> dict[tuple[str, Kind], int]:
        """How many of which kind, and whose."""
        return dict(self._under_way)

    def of(self, connection: HTTPConnection, caller: Caller | None = None) -> Client:
        """Say which client is at the other end of a connection; by its address as long as the caller is not known."""
        if caller is not None and caller.name is not None:
            return Client(self, caller.keyspace)
        return Client(self, "" if connection.client is None else _network(connection.client.host))

    def one_more(self, client: str, kind: Kind, correlation_id: str) -> UnderWay:
        """Count one more of a client's; a refusal is in the log under the id.

        Raises:
            TooManyError: it has as many as it may have.
        """
        key, bound = (client, kind), self._bounds[kind]
        if self._under_way[key] >= bound:
            _log.warning(
                "client_refused",
                client=client,
                kind=kind,
                bound=bound,
                correlation_id=correlation_id,
            )
            raise TooManyError("client", kind, bound)
        self._under_way[key] += 1
        return UnderWay(self._under_way, key)


class UnderWay(AbstractContextManager[None]):
    """Something of a client's, which is counted until it ends, or the block does."""

    __slots__ = ("_counts", "_key")

    def __init__(self, counts: Counter[tuple[str, Kind]], key: tuple[str, Kind]) -> None:
        """It was counted under the key."""
        self._counts: Counter[tuple[str, Kind]] | None = counts
        self._key = key

    def end(self) -> None:
        """Count it no longer."""
        if self._counts is None:
            return
        self._counts[self._key] -= 1
        if not self._counts[self._key]:
            del self._counts[self._key]
        self._counts = None

    @override
    def __exit__(self, *_: object) -> None:
        self.end()


@dataclass(frozen=True, slots=True)
class Client:
    """One of them."""

    clients: Clients
    name: str

    def one_more(self, kind: Kind, correlation_id: str) -> UnderWay:
        """Count one more; raises TooManyError."""
        return self.clients.one_more(self.name, kind, correlation_id)


def _network(host: str) -> str:
    """Return the address that a client cannot choose anew: that of IPv4, or of IPv6 what its network has."""
    try:
        address = ip_address(host)
    except ValueError:
        # Such as the path of a socket.
        return host
    if isinstance(address, IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address), _PREFIX), strict=False))
