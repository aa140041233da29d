"""How the names of endpoints' hosts are looked up.

The loop's own way has four threads for the whole process: five names for which no server answers would keep all other lookups
waiting, those of Neo4j among them.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress
from functools import partial
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult
from typing_extensions import override

_NUMERIC: Final = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV


class Lookups(AbstractResolver):
    """Has a thread for each lookup, which the end of the process does not wait for.

    aiohttp looks up each name of a connector once at a time, however many wait for it, so that there is one thread a connector.
    """

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        found: asyncio.Future[list[ResolveResult]] = loop.create_future()

        def look() -> None:
            try:
                tell = partial(_tell, found, _look_up(host, port, family))
            except OSError as error:
                tell = partial(_tell, found, error)
            # The loop may have ended long ago.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(tell)

        threading.Thread(target=look, name=f"lookup of {host}", daemon=True).start()
        return await found

    @override
    async def close(self) -> None:
        """Nothing is kept."""


def _tell(found: asyncio.Future[list[ResolveResult]], what: list[ResolveResult] | OSError) -> None:
    if found.done():
        return
    if isinstance(what, OSError):
        found.set_exception(what)
    else:
        found.set_result(what)


def _look_up(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
    infos = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, family=family, flags=socket.AI_ADDRCONFIG
    )
    return [
        ResolveResult(
            hostname=host,
            # As a number, with the zone that a link-local address of IPv6 has.
            host=socket.getnameinfo(address, socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)[0],
            port=port,
            family=of,
            proto=protocol,
            flags=_NUMERIC,
        )
        for of, _, protocol, _, address in infos
    ]
