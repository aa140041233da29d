"""The HTTP application."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import Lifespan

from orchestrator.api.answers import on_fault, on_http_error
from orchestrator.api.body import BodyLimit
from orchestrator.api.context import ContextSource
from orchestrator.api.endpoint import GraphQLEndpoint
from orchestrator.api.readiness import Farewell


def build_app(
    context_source: ContextSource, lifespan: Lifespan[Starlette] | None = None
) -> Starlette:
    """Build the application; `context_source` is asked for the ports at each request.

    `/livez` answers while the process does. `/readyz` answers 200 while the service does all that
    it is there for, and else 503 with what it waits for. `/graphql` takes POST, GET for queries and
    WebSockets that speak graphql-transport-ws; to browsers it shows GraphiQL.
    """

    async def ready(_request: Request) -> JSONResponse:
        waiting_for = context_source().service.waiting_for
        return JSONResponse(
            {"ready": waiting_for is None, "waitingFor": waiting_for},
            status_code=200 if waiting_for is None else 503,
        )

    graphql = GraphQLEndpoint(context_source)
    return Starlette(
        routes=[
            Route("/graphql", graphql),
            WebSocketRoute("/graphql", graphql),
            Route("/livez", _alive),
            Route("/readyz", ready),
        ],
        middleware=[Middleware(Farewell, context_source=context_source), Middleware(BodyLimit)],
        exception_handlers={HTTPException: on_http_error, Exception: on_fault},
        lifespan=lifespan,
    )


async def _alive(_request: Request) -> JSONResponse:
    return JSONResponse({"alive": True})
