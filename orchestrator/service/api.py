"""The API, loaded when it is opened: its types are half of all that a service loads, and no deliberation needs them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from orchestrator.api.ports import Documents, Ports
from orchestrator.domain.addresses import is_loopback
from orchestrator.domain.values import replace
from orchestrator.identity.means import Means
from orchestrator.service.loading import to_stay
from orchestrator.settings import Settings

if TYPE_CHECKING:
    from orchestrator.api.clients import Bounds
    from orchestrator.api.sites import Sites


@contextlib.asynccontextmanager
async def api_open(
    ports: Ports, listener: socket.socket, settings: Settings, means: Means
) -> AsyncGenerator[None]:
    """Have it answer while the block runs; deliberations go on while it is loaded."""
    async with await asyncio.to_thread(_loaded, ports, listener, settings, means):
        yield


def _loaded(
    ports: Ports, listener: socket.socket, settings: Settings, means: Means
) -> AbstractAsyncContextManager[None]:
    with to_stay():
        from orchestrator.api.app import build_app  # noqa: PLC0415 - see above
        from orchestrator.api.clients import Clients  # noqa: PLC0415
        from orchestrator.api.listening import listening  # noqa: PLC0415

        answering = replace(ports, documents=documents_of(settings))
    clients = Clients(bounds_of(settings))
    app = build_app(answering, sites=sites_of(settings, means), clients=clients)
    return listening(app, listener)


def bounds_of(settings: Settings) -> Bounds:
    """Say how much one client may have under way."""
    from orchestrator.api.clients import Bounds  # noqa: PLC0415 - see above

    return Bounds(
        connections=settings.client_connections,
        subscriptions=settings.client_subscriptions,
        requests=settings.client_requests,
    )


def documents_of(settings: Settings) -> Documents | None:
    """Say which documents alone are answered; none where all are."""
    if settings.documents is None:
        return None
    # With it comes the client, which no service needs otherwise.
    from orchestrator.service.documents import listed  # noqa: PLC0415

    return listed(settings.documents)


def sites_of(settings: Settings, means: Means) -> Sites:
    """Say which web pages may use the service."""
    from orchestrator.api.sites import Sites  # noqa: PLC0415 - see above

    here = is_loopback(settings.host)
    # Where everybody shows a token, a page that has none can do nothing under any name.
    any_name = not (here or means.anonymous is not None or settings.allowed_hosts)
    return Sites(
        hosts=("*",) if any_name else settings.allowed_hosts,
        neighbours=not here,
        origins=settings.allowed_origins,
        # What listens here alone a proxy on this machine could open to the world, which nobody else may do unasked either.
        here_alone=here and not means.asks and settings.anonymous is None,
    )
