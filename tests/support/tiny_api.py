"""A small server that speaks GraphQL on a real socket by the project's own schema, and tells what it was asked.

What it answers is given by the test as values and functions for the root fields; the documents are validated and
executed like anywhere, so that one which does not fit the schema fails.
"""

# pyright: reportUnknownVariableType=false
# graphql-core says Unknown in its signatures.

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from inspect import isawaitable
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    build_schema,
    graphql,
    parse,
    subscribe,
    validate,
)

Events = Callable[..., AsyncIterator[dict[str, Any]]]


class CloseSocket(Exception):  # noqa: N818 - no error, an order
    """Raised by an event source: close the connection with this code."""

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


@cache
def project_schema() -> GraphQLSchema:
    """The schema as the service prints it."""
    file = Path(__file__).parents[2] / "graphql" / "schema.graphql"
    return build_schema(file.read_text(encoding="utf-8"))


@dataclass(kw_only=True)
class TinyApi:
    """What it answers: `root` by field, `events` for the subscription, `instead` for whole HTTP answers, used up in turn."""

    root: dict[str, Any] = field(default_factory=dict)
    events: Events | None = None
    instead: list[Response] = field(default_factory=list)
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)
    subscribed: list[dict[str, Any]] = field(default_factory=list)
    greeted: list[dict[str, Any]] = field(default_factory=list)

    @asynccontextmanager
    async def serve(self, port: int = 0) -> AsyncGenerator[TinyApi]:
        """Listen on this port, or on a free one, while the block runs."""
        app = Starlette(
            routes=[
                Route("/graphql", self._query, methods=["POST"]),
                WebSocketRoute("/graphql", self._subscription),
            ]
        )
        config = uvicorn.Config(
            app,
            port=port,
            ws="websockets-sansio",
            lifespan="off",
            log_config=None,
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # pyright: ignore[reportAttributeAccessIssue]
        serving = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.005)
        self.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.should_exit = True
            await serving

    async def _query(self, request: Request) -> Response:
        body = await request.json()
        self.asked.append(body)
        self.authorizations.append(request.headers.get("authorization"))
        if self.instead:
            return self.instead.pop(0)
        result = await graphql(
            project_schema(),
            body["query"],
            root_value=self.root,
            variable_values=body.get("variables"),
            operation_name=body.get("operationName"),
        )
        return JSONResponse(result.formatted)

    async def _subscription(self, socket: WebSocket) -> None:
        await socket.accept(subprotocol="graphql-transport-ws")
        greeting = json.loads(await socket.receive_text())
        assert greeting["type"] == "connection_init"
        self.greeted.append(greeting["payload"])
        await socket.send_json({"type": "ping"})
        await socket.send_json({"type": "connection_ack"})
        assert json.loads(await socket.receive_text()) == {"type": "pong"}
        wanted = json.loads(await socket.receive_text())
        self.subscribed.append(wanted["payload"]["variables"])
        document = parse(wanted["payload"]["query"])
        errors = validate(project_schema(), document)
        assert not errors, errors
        subscribed = subscribe(
            project_schema(),
            document,
            root_value={"deliberationEvents": self.events},
            variable_values=wanted["payload"]["variables"],
        )
        results = await subscribed if isawaitable(subscribed) else subscribed
        if isinstance(results, ExecutionResult):
            payload = [error.formatted for error in results.errors or ()]
            await socket.send_json({"id": wanted["id"], "type": "error", "payload": payload})
            return
        try:
            async for result in results:
                message = {"id": wanted["id"], "type": "next", "payload": result.formatted}
                await socket.send_json(message)
        except GraphQLError as error:
            payload = [error.formatted]
            await socket.send_json({"id": wanted["id"], "type": "error", "payload": payload})
        except CloseSocket as order:
            await socket.close(order.code, order.reason)
        else:
            await socket.send_json({"id": wanted["id"], "type": "complete"})
            await socket.close()


def refusal(message: str, code: str) -> GraphQLError:
    """A top-level error as the service words it."""
    return GraphQLError(message, extensions={"code": code, "path": [], "correlationId": "c-1"})


def no_graphql(status: int) -> Response:
    """What some other server says."""
    return PlainTextResponse("nothing here", status_code=status)
