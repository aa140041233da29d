"""An API whose ports are doubles, spoken to over HTTP without a network."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from orchestrator.api.app import build_app
from tests.support.samples import a_council
from tests.unit.api.doubles import House


class Api:
    """The app, as a client meets it."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def send(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send a document; return the whole answer."""
        # As ASCII: httpx itself cannot send a lone surrogate.
        response = await self.client.post(
            "/graphql",
            content=json.dumps({"query": query, "variables": variables}),
            headers={"content-type": "application/json"},
        )
        assert response.status_code == 200, response.text
        return response.json()

    async def ask(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send a document that must not fail; return its data."""
        answer = await self.send(query, variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    async def fail(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send a document that must fail once; return the error."""
        answer = await self.send(query, variables)
        [error] = answer["errors"]
        return error


@pytest.fixture
def house() -> House:
    """Two councils, and nothing deliberated."""
    house = House()
    house.registry.add(a_council("dev"), a_council("qa"))
    return house


@pytest.fixture
async def api(house: House) -> AsyncGenerator[Api]:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        # Anew, for a test may have set the house in another way.
        await build_app(house.ports())(scope, receive, send)

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield Api(client)
