"""The HTTP application."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import override

from orchestrator.api.answers import nowhere, on_fault, on_http_error
from orchestrator.api.body import BodyLimit
from orchestrator.api.clients import Clients
from orchestrator.api.endpoint import GraphQLEndpoint
from orchestrator.api.graphiql import STATIC
from orchestrator.api.ports import Ports
from orchestrator.api.readiness import Farewell
from orchestrator.api.sites import OwnSites, Sites
from orchestrator.api.streams import Streams

_COMPRESSED_FROM = 1024
"""Bytes: what fits into one packet is sent no quicker for being smaller."""

_COMPRESSION = 4
"""Of 9: each step more costs more time than it saves in what is sent."""


_PATH = "/graphql"


class _App(Starlette):
    """Leads WebSockets past what is for HTTP alone: each layer that one went through would be kept for as long as it lives."""

    def __init__(self, sockets: ASGIApp, astray: ASGIApp, **others: Any) -> None:
        """`sockets` are led there, and `astray` those to another path; `others` are as Starlette takes them."""
        super().__init__(**others)
        self._sockets = sockets
        self._astray = astray

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await super().__call__(scope, receive, send)
        elif scope["path"] == _PATH:
            await self._sockets(scope, receive, send)
        else:
            await self._astray(scope, receive, send)


def build_app(
    ports: Ports, *, sites: Sites | None = None, clients: Clients | None = None
) -> Starlette:
    """Build the application.

    `sites` are the web pages that may use it, none but its own and of this machine unless told. `clients` say how much
    each of them may have under way.

    `/livez` answers while the process does. `/readyz` answers 200 while the service does all that
    it is there for, and else 503 with what it waits for. `/graphql` takes POST, GET for queries,
    WebSockets that speak graphql-transport-ws, and what is to be answered with server-sent events; to browsers it shows GraphiQL.
    `app.state.streams` are the answers that go on until somebody ends them.
    """

    async def ready(_request: Request) -> JSONResponse:
        waiting_for = ports.service.waiting_for
        return JSONResponse(
            {"ready": waiting_for is None, "waitingFor": waiting_for},
            status_code=200 if waiting_for is None else 503,
        )

    sites = sites or Sites()
    streams = Streams()
    graphql = GraphQLEndpoint(ports, streams, clients or Clients(), sites.origins)
    app = _App(
        OwnSites(graphql, sites),
        OwnSites(nowhere, sites),
        routes=[
            Route(_PATH, graphql),
            Mount("/graphiql", StaticFiles(directory=STATIC)),
            Route("/livez", _alive),
            Route("/readyz", ready),
        ],
        middleware=[
            Middleware(Farewell, service=ports.service),
            Middleware(OwnSites, sites=sites),
            *_cross_origin(sites),
            Middleware(GZipMiddleware, minimum_size=_COMPRESSED_FROM, compresslevel=_COMPRESSION),
            Middleware(BodyLimit),
        ],
        exception_handlers={HTTPException: on_http_error, Exception: on_fault},
    )
    # Many a client follows no redirect with a POST: /graphql/ is told the path instead.
    app.router.redirect_slashes = False
    app.state.streams = streams
    return app


def _cross_origin(sites: Sites) -> tuple[Middleware, ...]:
    """Have browsers let pages of other origins read what they ask for; no cookie goes with it, as there is none."""
    if not sites.origins:
        return ()
    return (
        Middleware(
            CORSMiddleware,
            allow_origins=sites.origins,
            allow_methods=("GET", "POST"),
            # Whatever libraries send; what it is worth is judged where it is read.
            allow_headers=("*",),
            expose_headers=("retry-after", "www-authenticate"),
        ),
    )


async def _alive(_request: Request) -> JSONResponse:
    return JSONResponse({"alive": True})
