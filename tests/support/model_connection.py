"""One connection to a model server: HTTP in, answers out, on a thin protocol whose cost benchmarks do not notice."""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

import httptools
from typing_extensions import override

from tests.support.model_behaviour import Behaviour, Request, Rule
from tests.support.model_completions import completion_of, stream, vllm_error

if TYPE_CHECKING:
    from tests.support.model_server import ModelServer


class Connection(asyncio.Protocol):
    """One connection: one request after the other."""

    def __init__(self, server: ModelServer) -> None:
        self._server = server
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._path = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._request: Request | None = None
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._server.connections += 1
        self._server.open.add(self)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._server.open.discard(self)
        self._transport = None
        if self._task is not None:
            self._task.cancel()
        if self._timer is not None:
            self._timer.cancel()
        self._end("cut", "cut by client")

    @override
    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.abort()

    def abort(self) -> None:
        if self._transport is not None:
            self._end("end", "cut by server")
            self._transport.abort()

    # ---------------------------------------------------------------- httptools calls these

    def on_message_begin(self) -> None:
        self._headers = {}
        self._body = []

    def on_url(self, url: bytes) -> None:
        self._path = url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        server = self._server
        if server.hung or server.ignore:
            server.ignore = max(0, server.ignore - 1)
            return
        path = self._path.decode("latin-1")
        if path == "/health" and server.has_health:
            server.looks_at_health += 1
            if not server.health_hung:
                self._plain(server.health_status, server.health_body)
        elif path == "/metrics":
            self._metrics()
        elif path == "/v1/models":
            self._models()
        elif path == "/script":
            self._script()
        elif path == "/v1/chat/completions":
            self._completion()
        else:
            self._plain(404, b'{"detail":"Not Found"}')

    # ---------------------------------------------------------------- answers

    def _metrics(self) -> None:
        self._server.looks_at_metrics += 1
        if self._server.metrics_status != 200:
            self._plain(self._server.metrics_status, b"")
            return
        if self._server.queue is None:
            self._plain(404, b'{"detail":"Not Found"}')
            return
        running, waiting = self._server.queue
        told = f"vllm:num_requests_running {running}\nvllm:num_requests_waiting {waiting}\n"
        self._plain(200, told.encode())

    def _models(self) -> None:
        server = self._server
        if server.models_status != HTTPStatus.OK:
            self._plain(server.models_status, vllm_error(server.models_status, "no models now"))
            return
        data = [{"id": name, "object": "model", "owned_by": "vllm"} for name in server.models]
        told = {"object": "list", "data": data} if server.models_in_data else data
        self._plain(200, json.dumps(told).encode())

    def _script(self) -> None:
        rules: list[Rule] = []
        for told in json.loads(b"".join(self._body)):
            behaviour: dict[str, Any] = told.pop("behaviour")
            for name in ("body", "raw", "chunks", "trickle"):
                if isinstance(behaviour.get(name), str):
                    behaviour[name] = behaviour[name].encode()
                elif isinstance(behaviour.get(name), list):
                    behaviour[name] = tuple(one.encode() for one in behaviour[name])
            behaviour["headers"] = tuple(
                (str(name), str(value)) for name, value in behaviour.get("headers", ())
            )
            rules.append(Rule(behaviour=Behaviour(**behaviour), **told))
        self._server.rules = rules
        self._plain(200, b"{}")

    def _completion(self) -> None:
        server = self._server
        body = json.loads(b"".join(self._body))
        request_id = self._headers.get("x-request-id", "")
        request = self._request = server.begin(request_id, body, self._headers)
        if server.api_key is not None and (
            self._headers.get("authorization") != f"Bearer {server.api_key}"
        ):
            self._refuse(401, b'{"error":"Unauthorized"}')
        elif request.model not in server.models:
            words = f"The model `{request.model}` does not exist."
            self._refuse(404, vllm_error(404, words))
        elif body.get("priority") and not server.priorities:
            words = f"Got priority {body['priority']} but Priority scheduling is not enabled."
            self._refuse(400, vllm_error(400, words))
        else:
            behaviour = server.behaviour_for(request)
            if behaviour.pace or behaviour.hang_after is not None or behaviour.until is not None:
                self._task = asyncio.get_running_loop().create_task(
                    self._slowly(request, behaviour)
                )
            elif behaviour.latency:
                self._timer = asyncio.get_running_loop().call_later(
                    behaviour.latency, self._at_once, request, behaviour
                )
            else:
                self._at_once(request, behaviour)

    def _refuse(self, status: int, body: bytes, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self._end("end", f"status {status}")
        self._plain(status, body, headers)

    def _at_once(self, request: Request, behaviour: Behaviour) -> None:
        if behaviour.refuse:
            self._close("refused")
        elif behaviour.raw is not None:
            self._write(behaviour.raw)
            self._close("cut by server")
        elif behaviour.status != HTTPStatus.OK:
            words = HTTPStatus(behaviour.status).phrase
            body = vllm_error(behaviour.status, words)
            self._refuse(
                behaviour.status,
                body if behaviour.body is None else behaviour.body,
                behaviour.headers,
            )
        elif request.body.get("stream"):
            pieces, tail, ending = stream(request, behaviour)
            request.sent = len(pieces)
            data = [_STREAM_HEAD, *map(_http_chunk, pieces), *map(_http_chunk, tail)]
            if ending == "answered":
                data.append(b"0\r\n\r\n")
            self._finish(b"".join(data), ending)
        else:
            request.sent = 1 + behaviour.pieces
            self._end("end", "answered")
            self._plain(200, json.dumps(completion_of(request, behaviour)).encode())

    async def _slowly(self, request: Request, behaviour: Behaviour) -> None:
        if behaviour.until is not None:
            await behaviour.until.wait()
        await asyncio.sleep(behaviour.latency)
        if behaviour.hang_after == -1:
            await asyncio.Event().wait()
        if behaviour.refuse or behaviour.raw is not None or behaviour.status != HTTPStatus.OK:
            self._at_once(request, behaviour)
            return
        pieces, tail, ending = stream(request, behaviour)
        self._write(_STREAM_HEAD)
        for piece in pieces:
            if request.sent == behaviour.hang_after:
                await self._say_no_more(behaviour)
            if behaviour.pace:
                await asyncio.sleep(behaviour.pace)
            self._write(_http_chunk(piece))
            request.sent += 1
        if behaviour.hang_after is not None:
            await self._say_no_more(behaviour)
        end = [b"0\r\n\r\n"] if ending == "answered" else []
        self._finish(b"".join([*map(_http_chunk, tail), *end]), ending)

    async def _say_no_more(self, behaviour: Behaviour) -> None:
        """Until the client closes the connection."""
        while behaviour.trickle is not None:
            self._write(_http_chunk(behaviour.trickle))
            await asyncio.sleep(behaviour.pace)
        await asyncio.Event().wait()

    def _finish(self, data: bytes, ending: str) -> None:
        # The line is in the log before the client can have read the end of the answer.
        if ending == "answered":
            self._end("end", ending)
            self._write(data)
        else:
            self._write(data)
            self._close(ending)

    def _close(self, outcome: str) -> None:
        self._end("end", outcome)
        if self._transport is not None:
            self._transport.close()

    def _end(self, event: str, outcome: str) -> None:
        if self._request is not None:
            self._server.end(self._request, event, outcome)
            self._request = None
            self._task = None
            self._timer = None

    def _plain(self, status: int, body: bytes, headers: tuple[tuple[str, str], ...] = ()) -> None:
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
        lines += ["content-type: application/json", f"content-length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers]
        self._write("\r\n".join([*lines, "", ""]).encode() + body)

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\n"
    b"content-type: text/event-stream; charset=utf-8\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)


def _http_chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
