"""The API as a client speaks it, with as little as can be around it: the client's time is not what is measured."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from tests.benchmarks.bench import document


class Api:
    """A service's API; connections are kept."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        """Use `open_api`."""
        self._session = session
        self._url = f"{url}/graphql"
        self._deliberate = document("deliberate.graphql")
        self._follow = document("follow.graphql")

    async def deliberate(self, description: str, role: str = "DEV") -> str:
        """Have a deliberation accepted, and return its id."""
        variables = {"input": {"council": {"role": role}, "task": {"description": description}}}
        body = {"query": self._deliberate, "variables": variables}
        async with self._session.post(self._url, json=body) as response:
            told: dict[str, Any] = await response.json()
        match told:
            case {"data": {"deliberate": {"deliberation": {"id": str(id_)}}}}:
                return id_
            case _:
                raise AssertionError(f"it was not accepted: {told}")

    @asynccontextmanager
    async def followed(self) -> AsyncGenerator[Following]:
        """Open a WebSocket."""
        async with self._session.ws_connect(
            self._url, protocols=("graphql-transport-ws",)
        ) as socket:
            await socket.send_json({"type": "connection_init"})
            await socket.receive_json()
            yield Following(socket, self._follow)


class Following:
    """A WebSocket that follows one deliberation after the other."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, document: str) -> None:
        """Take an open one."""
        self._socket = socket
        self._document = document
        self._operations = 0

    async def until_decided(self, deliberation: str) -> None:
        """Return with the news of the verdict."""
        self._operations += 1
        payload = {"query": self._document, "variables": {"id": deliberation}}
        await self._socket.send_json(
            {"id": str(self._operations), "type": "subscribe", "payload": payload}
        )
        decided = False
        while True:
            told: dict[str, Any] = json.loads(await self._socket.receive_str())
            match told["type"]:
                case "next":
                    event = told["payload"]["data"]["deliberationEvents"]
                    decided = event.get("deliberation") == {"status": "DECIDED"}
                case "complete" if decided:
                    return
                case _:
                    raise AssertionError(f"it ended otherwise: {told}")


@asynccontextmanager
async def open_api(url: str) -> AsyncGenerator[Api]:
    """Speak to the service at a URL."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        yield Api(session, url)
