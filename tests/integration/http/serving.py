"""The app with doubles behind it, on a real socket."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from orchestrator.api.address import bind
from orchestrator.api.app import build_app
from orchestrator.api.clients import Clients
from orchestrator.api.listening import listening
from orchestrator.api.sites import Sites
from tests.unit.api.doubles import House


@asynccontextmanager
async def served(
    house: House, *, sites: Sites | None = None, clients: Clients | None = None
) -> AsyncGenerator[str]:
    """Yield the URL of its /graphql."""
    listener = bind("127.0.0.1", 0)
    port: int = listener.getsockname()[1]
    async with listening(build_app(house.ports(), sites=sites, clients=clients), listener):
        yield f"http://127.0.0.1:{port}/graphql"
