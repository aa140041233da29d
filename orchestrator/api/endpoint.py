"""GraphQL over HTTP, over graphql-transport-ws and over server-sent events, at one path."""

from __future__ import annotations

import asyncio
import json
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Mapping,
    Sequence,
)
from contextlib import suppress
from datetime import timedelta
from types import MappingProxyType
from typing import Any, cast

import orjson
from cross_web import AsyncHTTPRequestAdapter, HTTPException, StarletteRequestAdapter
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect
from starlette.websockets import WebSocketDisconnected as WebSocketClosed
from strawberry.asgi import ASGIWebSocketAdapter, GraphQL
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.http.base import BaseRequestProtocol
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.http.streaming import SSETransport
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws import WS_4406_PROTOCOL_NOT_ACCEPTABLE
from strawberry.types import ExecutionResult, SubscriptionExecutionResult
from strawberry.types.graphql import OperationType
from typing_extensions import override

from orchestrator.api.accepting import EVENTS, GRAPHQL_RESPONSE, accepted, prefers_events
from orchestrator.api.answers import refusal, retry_after, unavailable
from orchestrator.api.callers import RefusedCallerError, caller_of, sent_away
from orchestrator.api.clients import Clients
from orchestrator.api.context import Context
from orchestrator.api.errors import sent_rightly
from orchestrator.api.graphiql import page
from orchestrator.api.ports import Ports
from orchestrator.api.requests import UnfitError, fit_parameters, fit_request, unreadable
from orchestrator.api.schema import SCHEMA
from orchestrator.api.streams import Streams
from orchestrator.api.visits import Visit
from orchestrator.domain.callers import NOBODY
from orchestrator.domain.errors import UnavailableError

_METHODS = ("GET", "POST")

_ENDED = "the process ends, and did not wait for this: a mutation may have been carried out all the same; look, or send it again with the same idempotencyKey"

_SPOKEN = f"the sub-protocol must be {GRAPHQL_TRANSPORT_WS_PROTOCOL}"

_GREETING_SECONDS = 10.0
"""In which `connection_init` has to come: clients fetch a token after they have connected, and take a connection meanwhile."""

_LONGEST_REASON = 123
"""Bytes that the reason of a close frame may have."""


class _Request(StarletteRequestAdapter):
    """A request whose body, where there is one, was found to be JSON, in whatever case and with whatever parameters its type was written."""

    @property
    @override
    def content_type(self) -> str:
        return "application/json"


class _Events(SSETransport):
    """Server-sent events for who prefers them to JSON, in lines that end with LF: not every client knows another end."""

    send_initial_heartbeat = True
    """A stream that has said nothing yet has not begun for who waits for its first bytes, as some browsers and proxies do."""

    @override
    def accepts(self, accept: str) -> bool:
        return prefers_events(accept)

    @override
    def encode_event(self, event: str, data: str | None = None) -> str:
        return super().encode_event(event, data).replace("\r\n", "\n")

    @override
    def encode_comment(self, comment: str) -> str:
        return super().encode_comment(comment).replace("\r\n", "\n")


_GONE = (WebSocketDisconnect, WebSocketClosed)
"""The other end has closed the connection, and this one has."""


class _Socket(ASGIWebSocketAdapter):
    """Sends what graphql-transport-ws lets be sent, as long as there is somebody to send it to."""

    @override
    async def send_json(self, message: Mapping[str, object]) -> None:
        try:
            # A frame of text: graphql-transport-ws has no other.
            await self.ws.send_text(self.view.encode_json_string(message))
        except _GONE as exc:
            raise WebSocketDisconnected from exc

    @override
    async def close(self, code: int, reason: str) -> None:
        if code == WS_4406_PROTOCOL_NOT_ACCEPTABLE:
            reason = _SPOKEN
        short = reason.encode(errors="replace")[:_LONGEST_REASON].decode(errors="ignore")
        with suppress(*_GONE):
            await super().close(code, short)


class GraphQLEndpoint(GraphQL[Context, None]):
    """Strawberry's ASGI application, with our context and our form of errors."""

    request_adapter_class = _Request
    websocket_adapter_class = _Socket
    graphql_transport_ws_handler_class = Visit
    stream_transport_classes_by_protocol = MappingProxyType({GRAPHQL_SSE_PROTOCOL: _Events})

    def __init__(
        self,
        ports: Ports,
        streams: Streams,
        clients: Clients,
        origins: Sequence[str],
    ) -> None:
        """Speak to whoever asks.

        Args:
            ports: what it asks of others.
            streams: the answers that go on.
            clients: whose they are, and whatever else is under way.
            origins: of other pages that may open WebSockets, too.
        """
        super().__init__(
            SCHEMA,
            allowed_origins=origins,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL),
            connection_init_wait_timeout=timedelta(seconds=_GREETING_SECONDS),
            # It is refused by what speaks over the connection, in words.
            max_subscriptions_per_connection=None,
        )
        self._ports = ports
        self._streams = streams
        self._clients = clients

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self.run(WebSocket(scope, receive=receive, send=send))
            return
        request = Request(scope, receive=receive)
        if request.method not in _METHODS:
            response: Response = refusal(
                405,
                f"{request.method} is not answered here: queries come with GET or POST, mutations with POST",
                {"Allow": ", ".join(_METHODS)},
            )
        elif request.method == "POST" and (right := unreadable(request.headers)) is not None:
            response = refusal(415, *right)
        else:
            try:
                response = await self._answer(request)
            except ClientDisconnect:
                # Who sends half a request and leaves hears no answer.
                return
            except asyncio.CancelledError:
                # So what waits is ended that the end of the process cannot wait for.
                if not self._ports.service.ending:
                    raise
                response = unavailable(UnavailableError(_ENDED))
        if request.method == "GET":
            # What says nothing about it is kept by caches on the way for as long as they like.
            response.headers.setdefault("cache-control", "no-store")
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if self.should_render_graphql_ide(self.request_adapter_class(request)):
            # There it can be said who asks.
            return await self.render_graphql_ide(request)
        try:
            if request.method == "GET":
                fit_parameters(request.scope["query_string"])
            response = await self.run(request)
        except RefusedCallerError as error:
            challenge = {"WWW-Authenticate": error.challenge}
            return refusal(401, error.why, challenge, error.correlation_id)
        except UnavailableError as error:
            return unavailable(error)
        except UnfitError as error:
            return refusal(400, str(error), path=error.path)
        except HTTPException as error:
            return refusal(error.status_code, _reason(error))
        status: int | None = getattr(request.state, "graphql_status", None)
        if status is not None:
            response.status_code = status
            response.headers.update({"content-type": GRAPHQL_RESPONSE, **retry_after(status)})
        return response

    @override
    async def execute_operation(
        self,
        request: Request,
        request_adapter: AsyncHTTPRequestAdapter,
        request_data: GraphQLRequestData | list[GraphQLRequestData],
        context: Context,
        root_value: None,
        sub_response: Response,
    ) -> ExecutionResult | list[ExecutionResult] | SubscriptionExecutionResult:
        """Answer a subscription as events wherever they are accepted: it has no other answer over HTTP."""
        asked = (request, request_adapter, request_data, context, root_value, sub_response)
        try:
            return await super().execute_operation(*asked)
        except HTTPException as error:
            accepts_events = EVENTS in accepted(request.headers.get("accept", ""))
            if not (accepts_events and _is_subscription(error)):
                raise
            # The answer is written in the form that stands here; a list of requests has been refused.
            cast("GraphQLRequestData", request_data).protocol = _Events.protocol
        return await super().execute_operation(*asked)

    @override
    async def process_result(
        self, request: Request, result: ExecutionResult
    ) -> GraphQLHTTPResponse:
        """Note the status of an answer for a client who knows that it is GraphQL's.

        To others all answers of GraphQL are 200, whatever they say: so it is in GraphQL over HTTP, as anything
        on the way could have answered in `application/json` with another status.
        """
        if GRAPHQL_RESPONSE in accepted(request.headers.get("accept", "")):
            request.state.graphql_status = _status(result)
        answer = await super().process_result(request, result)
        if _is_request_error(result):
            # Null would say that it was carried out and came to nothing.
            del answer["data"]
        return answer

    @override
    async def create_streaming_response(
        self,
        request: Request | WebSocket,
        stream: Callable[[], AsyncIterator[str]],
        sub_response: Response,
        headers: Mapping[str, str],
    ) -> Response:
        context: Context = request.state.context

        def leaving() -> Coroutine[None, None, object]:
            return sent_away(context.ports.doorkeeper, context.caller)

        return await super().create_streaming_response(
            request,
            lambda: self._streams.until_closed(stream(), leaving),
            sub_response,
            headers,
        )

    @override
    async def render_graphql_ide(self, request: Request) -> Response:
        ports = self._ports
        return page(introspection=ports.introspection, any_document=ports.documents is None)

    @override
    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> Context:
        if isinstance(request, WebSocket):
            # Who opened it he may say later.
            return Context(self._ports, NOBODY, client=self._clients.of(request))
        caller = await caller_of(self._ports.doorkeeper, request)
        request.state.context = Context(
            self._ports, caller, _hanging_up(request), client=self._clients.of(request, caller)
        )
        return request.state.context

    @override
    def encode_json(self, data: object) -> str | bytes:
        """Write JSON, ten times as fast as the standard library does."""
        try:
            return orjson.dumps(data)
        except orjson.JSONEncodeError:
            # It writes integers of 64 bits at most; what callers keep as metadata may have others.
            return json.dumps(data, separators=(",", ":"))

    @override
    def decode_json(self, data: str | bytes) -> object:
        """Read JSON as its standard has it, which is UTF-8 and knows no NaN."""
        try:
            # Of bytes json would guess the encoding, and let surrogates through.
            text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
            return json.loads(text, parse_constant=_no_constant)
        except json.JSONDecodeError:
            raise
        except (ValueError, RecursionError) as exc:
            # Bytes that are no UTF-8, a number of thousands of digits, thousands of brackets.
            raise json.JSONDecodeError(str(exc), "", 0) from exc

    @override
    def parse_json(self, data: str | bytes) -> Any:
        """Read what must be an object: a list of them would be several operations in one request."""
        parsed = super().parse_json(data)
        if not isinstance(parsed, dict):
            raise UnfitError("a request must be a JSON object, which holds one operation")
        return fit_request(cast("dict[str, Any]", parsed))

    @override
    def parse_query_params(self, params: Mapping[str, Any]) -> dict[str, Any]:
        # An empty parameter is one that was not filled in.
        filled = {name: value for name, value in params.items() if value != ""}
        for name in ("variables", "extensions"):
            try:
                filled[name] = self.decode_json(filled.get(name, "null"))
            except json.JSONDecodeError as error:
                raise UnfitError(f"{name} must be an object, as JSON", name) from error
        return fit_request(filled)

    @override
    def should_render_graphql_ide(self, request: BaseRequestProtocol) -> bool:
        # Who sends what a document is known by has sent a document.
        sent = {"documentId", "extensions"}.intersection(request.query_params)
        return not sent and super().should_render_graphql_ide(request)


def _hanging_up(request: Request) -> Callable[[], Awaitable[None]]:
    async def hung_up() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    return hung_up


def _status(result: ExecutionResult) -> int:
    """Say with a status what GraphQL over HTTP lets be said so: that nothing at all was carried out, and whose fault that is."""
    if result.data is not None:
        return 200
    codes = {(error.extensions or {}).get("code") for error in result.errors or ()}
    if codes == {"UNAVAILABLE"}:
        return 503
    if codes == {"FORBIDDEN"}:
        return 403
    if codes == {"LIMIT"} and all(
        "retryAfter" in (e.extensions or {}) for e in result.errors or ()
    ):
        return 429
    return 500 if "INTERNAL" in codes else 400


def _is_request_error(result: ExecutionResult) -> bool:
    """Whether nothing was carried out: what goes wrong in a field says in which."""
    return result.data is None and all(error.path is None for error in result.errors or ())


def _is_subscription(error: HTTPException) -> bool:
    cause = error.__cause__
    return (
        isinstance(cause, InvalidOperationTypeError)
        and cause.operation_type is OperationType.SUBSCRIPTION
    )


def _reason(error: HTTPException) -> str:
    cause = error.__cause__
    if isinstance(cause, InvalidOperationTypeError):
        return sent_rightly(cause.operation_type)
    return error.reason


def _no_constant(constant: str) -> float:
    msg = f"{constant} is no JSON"
    raise ValueError(msg)
