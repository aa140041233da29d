"""A scriptable OpenAI-compatible server on a real socket, which answers, fails and logs as it is told.

In a test's own loop:

    async with ModelServer() as server:
        server.script(Behaviour(status=500), turn="*-b0-*", attempts=1)
        ...
        assert [request.outcome for request in server.requests] == ["answered"]

As a process, whose log is judged from outside:

    python -m tests.support.model_server --port 8001 --latency 0.05 --log FILE

The log has one JSON object a line: {"event": "begin", "at", "id", "attempt", "model"} before the
answer's first byte, then "end" with its outcome ("answered", "status 500", "cut by server", …), or
"cut" where the client closed the connection first. `id` is the X-Request-Id. Scripts can be changed
while it runs: POST /script takes a list of {"turn", "model", "attempts", "behaviour": {…}}.

It is one asyncio protocol over httptools: benchmarks use it, and its cost is not what they measure.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import random
import signal
import time
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self, cast

import httptools
import uvloop
from typing_extensions import override

TYPES = {
    400: "BadRequestError",
    401: "AuthenticationError",
    404: "NotFoundError",
    429: "RateLimitError",
    500: "InternalServerError",
    503: "Service Unavailable",
}


def vllm_error(status: int, message: str) -> bytes:
    """Build an error's body as vLLM does."""
    kind = TYPES.get(status, "Error")
    return json.dumps(
        {"error": {"message": message, "type": kind, "param": None, "code": status}}
    ).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How a request is answered. Times are in seconds, pieces count from 0."""

    latency: float = 0.0
    """Before the first byte."""
    pace: float = 0.0
    """Between two pieces."""
    pieces: int = 5
    """Into which the content is cut."""
    content: str | None = None
    """None: a text that names the request, or a valid ballot where a schema was given."""
    length: int = 0
    """Characters that the default text has at least."""
    reasoning: str | None = None
    finish_reason: str = "stop"
    status: int = 200
    body: bytes | None = None
    """Of an error; none: vLLM's for the status."""
    headers: tuple[tuple[str, str], ...] = ()
    chunks: tuple[bytes, ...] | None = None
    """What the stream holds, as bytes, instead of an answer: each goes out as it is."""
    cut_after: int | None = None
    """Close the connection after so many pieces."""
    error_after: int | None = None
    """Send vLLM's error chunk after so many pieces, and then [DONE] as if nothing had happened."""
    hang_after: int | None = None
    """Fall silent after so many pieces; -1: before the status line."""
    trickle: bytes | None = None
    """Instead of silence after `hang_after` pieces: this, again and again, at the pace."""
    end_after: int | None = None
    """End the stream in good order after so many pieces, without finish_reason and [DONE]."""
    done: bool = True
    """Send [DONE]."""
    usage: bool = True
    raw: bytes | None = None
    """All that is sent, status line included; then the connection is closed."""
    refuse: bool = False
    """Close the connection instead of answering."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Which requests a behaviour is for. What is none fits all."""

    behaviour: Behaviour
    turn: str | None = None
    """A pattern of the X-Request-Id, as in a shell."""
    model: str | None = None
    attempts: int | None = None
    """Only the first so many requests of each id."""

    def fits(self, request: Request) -> bool:
        return (
            (self.turn is None or fnmatchcase(request.id, self.turn))
            and (self.model is None or self.model == request.model)
            and (self.attempts is None or request.attempt <= self.attempts)
        )


@dataclass(slots=True, kw_only=True)
class Request:
    """A request for a completion, as the server saw it; times by time.time()."""

    id: str
    attempt: int
    model: str
    begun: float
    ended: float | None = None
    outcome: str | None = None
    """answered, status N, cut by client, cut by server, refused; none while it is under way."""
    sent: int = 0
    """Pieces."""
    body: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


class ModelServer:
    """The server; an async context manager that listens."""

    def __init__(
        self,
        *,
        models: tuple[str, ...] = ("tiny",),
        behaviour: Behaviour | None = None,
        api_key: str | None = None,
        priorities: bool = False,
        has_health: bool = True,
        host: str = "127.0.0.1",
        port: int = 0,
        log: Path | None = None,
        keep: bool = True,
    ) -> None:
        """`keep` requests in memory, or not in a benchmark; without `priorities` they are refused."""
        self.models = models
        self.behaviour = behaviour or Behaviour()
        self.api_key = api_key
        self.priorities = priorities
        self.has_health = has_health
        self.healthy = True
        self.models_status = 200
        self.hung = False
        """Nothing is answered any more, /health included."""
        self.ignore = 0
        """So many of the next requests are not answered, /health included."""
        self.requests: list[Request] = []
        self.connections = 0
        """How many have ever been made."""
        self.in_flight = 0
        self.most_in_flight = 0
        self.rules: list[Rule] = []
        self.attempts: dict[str, int] = {}
        self.open: set[_Connection] = set()
        self.keep = keep
        self._host = host
        self._port = port
        self._log = log
        self._log_file: int | None = None
        self._listener: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Where it listens, with /v1."""
        return f"http://{self._host}:{self._port}/v1"

    async def __aenter__(self) -> Self:
        if self._log is not None:
            self._log_file = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        if self._log_file is not None:
            os.close(self._log_file)
            self._log_file = None

    async def listen(self) -> None:
        """Listen, on the port of before where there was one."""
        self._listener = await asyncio.get_running_loop().create_server(
            lambda: _Connection(self), self._host, self._port, backlog=4096
        )
        self._port = cast("tuple[str, int]", self._listener.sockets[0].getsockname())[1]

    async def stop(self) -> None:
        """Refuse connections, and cut those that there are, as a killed server does."""
        if self._listener is not None:
            self._listener.close()
            for connection in tuple(self.open):
                connection.abort()
            await self._listener.wait_closed()
            self._listener = None

    def script(
        self,
        behaviour: Behaviour,
        *,
        turn: str | None = None,
        model: str | None = None,
        attempts: int | None = None,
    ) -> None:
        """Answer those requests so; of several rules that fit, the one scripted first."""
        self.rules.append(Rule(behaviour=behaviour, turn=turn, model=model, attempts=attempts))

    def of(self, turn: str) -> list[Request]:
        """Return the requests whose id fits a pattern."""
        return [request for request in self.requests if fnmatchcase(request.id, turn)]

    def begin(self, request_id: str, body: dict[str, Any], headers: dict[str, str]) -> Request:
        attempt = self.attempts[request_id] = self.attempts.get(request_id, 0) + 1
        request = Request(
            id=request_id,
            attempt=attempt,
            model=str(body.get("model")),
            begun=time.time(),
            body=body,
            headers=headers,
        )
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        if self.keep:
            self.requests.append(request)
        self._write("begin", request)
        return request

    def end(self, request: Request, event: str, outcome: str) -> None:
        if request.outcome is None:
            request.ended = time.time()
            request.outcome = outcome
            self.in_flight -= 1
            self._write(event, request)

    def behaviour_for(self, request: Request) -> Behaviour:
        for rule in self.rules:
            if rule.fits(request):
                return rule.behaviour
        return self.behaviour

    def _write(self, event: str, request: Request) -> None:
        if self._log_file is not None:
            told: dict[str, Any] = {
                "event": event,
                "at": request.ended or request.begun,
                "id": request.id,
                "attempt": request.attempt,
                "model": request.model,
            }
            if request.outcome is not None:
                told["outcome"] = request.outcome
            os.write(self._log_file, json.dumps(told).encode() + b"\n")


class _Connection(asyncio.Protocol):
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
            self._plain(200 if server.healthy else 503, b"")
        elif path == "/v1/models":
            self._models()
        elif path == "/script":
            self._script()
        elif path == "/v1/chat/completions":
            self._completion()
        else:
            self._plain(404, b'{"detail":"Not Found"}')

    # ---------------------------------------------------------------- answers

    def _models(self) -> None:
        server = self._server
        if server.models_status != HTTPStatus.OK:
            self._plain(server.models_status, vllm_error(server.models_status, "no models now"))
            return
        data = [{"id": name, "object": "model", "owned_by": "vllm"} for name in server.models]
        self._plain(200, json.dumps({"object": "list", "data": data}).encode())

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
            if behaviour.pace or behaviour.hang_after is not None:
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
            pieces, tail, ending = _stream(request, behaviour)
            request.sent = len(pieces)
            data = [_STREAM_HEAD, *map(_http_chunk, pieces), *map(_http_chunk, tail)]
            if ending == "answered":
                data.append(b"0\r\n\r\n")
            self._finish(b"".join(data), ending)
        else:
            self._end("end", "answered")
            self._plain(200, json.dumps(_completion_of(request, behaviour)).encode())

    async def _slowly(self, request: Request, behaviour: Behaviour) -> None:
        await asyncio.sleep(behaviour.latency)
        if behaviour.hang_after == -1:
            await asyncio.Event().wait()
        if behaviour.refuse or behaviour.raw is not None or behaviour.status != HTTPStatus.OK:
            self._at_once(request, behaviour)
            return
        pieces, tail, ending = _stream(request, behaviour)
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


def _stream(request: Request, behaviour: Behaviour) -> tuple[list[bytes], list[bytes], str]:
    """Return the events that carry pieces, those after them, and the outcome."""
    if behaviour.chunks is not None:
        ending = "answered" if behaviour.cut_after is None else "cut by server"
        return [], list(behaviour.chunks), ending
    head = (
        f'data: {{"id":"chatcmpl-{request.id}","object":"chat.completion.chunk",'
        f'"created":{int(request.begun)},"model":{json.dumps(request.model)},"choices":'
    ).encode()

    def event(delta: dict[str, str], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return head + b"[" + json.dumps(choice).encode() + b"]}\n\n"

    content = content_of(request, behaviour)
    texts = cut_up(content, behaviour.pieces)
    pieces = [event({"content": text}) for text in texts]
    if behaviour.reasoning is not None:
        pieces.insert(0, event({"reasoning_content": behaviour.reasoning}))
    pieces.insert(0, event({"role": "assistant", "content": ""}))
    after = (behaviour.cut_after, behaviour.error_after, behaviour.end_after)
    if behaviour.cut_after is not None:
        return pieces[: 1 + behaviour.cut_after], [], "cut by server"
    if behaviour.error_after is not None:
        error = vllm_error(500, "EngineCore encountered an issue. See stack trace for the cause.")
        tail = [b"data: " + error + b"\n\n", b"data: [DONE]\n\n"]
        return pieces[: 1 + behaviour.error_after], tail, "answered"
    if any(one is not None for one in after):
        return pieces[: 1 + (behaviour.end_after or 0)], [], "answered"
    tail = [event({}, behaviour.finish_reason)]
    if behaviour.usage:
        tail.append(head + b'[],"usage":' + json.dumps(_usage(request, texts)).encode() + b"}\n\n")
    if behaviour.done:
        tail.append(b"data: [DONE]\n\n")
    return pieces, tail, "answered"


def _completion_of(request: Request, behaviour: Behaviour) -> dict[str, Any]:
    content = content_of(request, behaviour)
    message = {"role": "assistant", "content": content, "reasoning_content": behaviour.reasoning}
    return {
        "id": f"chatcmpl-{request.id}",
        "object": "chat.completion",
        "created": int(request.begun),
        "model": request.model,
        "choices": [{"index": 0, "message": message, "finish_reason": behaviour.finish_reason}],
        "usage": _usage(request, cut_up(content, behaviour.pieces)),
    }


def _usage(request: Request, pieces: list[str]) -> dict[str, Any]:
    """A piece is a token, and so are four characters of the prompt. vLLM's details may be null."""
    prompt = sum(len(one["content"]) for one in request.body.get("messages", ())) // 4
    return {
        "prompt_tokens": prompt,
        "completion_tokens": len(pieces),
        "total_tokens": prompt + len(pieces),
        "prompt_tokens_details": None,
    }


def content_of(request: Request, behaviour: Behaviour) -> str:
    """Return what a request is answered with."""
    if behaviour.content is not None:
        return behaviour.content
    form = request.body.get("response_format")
    if form is not None:
        return json.dumps(ballot(request.id, form["json_schema"]["schema"]))
    words = f"Answer to {request.id}, attempt {request.attempt}."
    if behaviour.length > len(words):
        filling = " It is as long as it was told to be."
        words += filling * (1 + (behaviour.length - len(words)) // len(filling))
    return words


def ballot(request_id: str, schema: dict[str, Any]) -> dict[str, str]:
    """Vote as the schema wants it; how is derived from the request's id alone."""
    chance = random.Random(sha256(request_id.encode()).digest())  # noqa: S311 - no secret
    ranking = schema["properties"]["ranking"]
    if "enum" in ranking:
        order = chance.choice(ranking["enum"])
    else:
        first, last = (
            ranking["pattern"].removeprefix("^[")[0],
            ranking["pattern"].partition("]")[0][-1],
        )
        letters = [chr(code) for code in range(ord(first), ord(last) + 1)]
        chance.shuffle(letters)
        order = " > ".join(letters)
    return {"ranking": order, "reason": f"By the id {request_id}."}


def cut_up(text: str, pieces: int) -> list[str]:
    """Cut a text into so many pieces, none of them empty; into fewer where it is shorter."""
    pieces = max(1, min(pieces, len(text)))
    bounds = [len(text) * place // pieces for place in range(pieces + 1)]
    return [text[start:end] for start, end in itertools.pairwise(bounds)]


async def serve(options: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT, having printed where."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    behaviour = Behaviour(
        latency=options.latency,
        pace=options.pace,
        pieces=options.pieces,
        length=options.length,
    )
    async with ModelServer(
        models=tuple(options.model or ["tiny"]),
        behaviour=behaviour,
        api_key=options.api_key,
        priorities=options.priorities,
        port=options.port,
        log=options.log,
        keep=False,
    ) as server:
        print(server.url, flush=True)  # noqa: T201 - whoever started it reads the port here
        await stop.wait()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description="A scriptable OpenAI-compatible server.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one, which is printed")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before the answer")
    parser.add_argument("--pace", type=float, default=0.0, help="seconds between its pieces")
    parser.add_argument("--pieces", type=int, default=5)
    parser.add_argument("--length", type=int, default=0, help="characters of an answer, at least")
    parser.add_argument("--model", action="append", help="that it serves; may be given again")
    parser.add_argument("--api-key")
    parser.add_argument("--priorities", action="store_true", help="take priorities")
    parser.add_argument("--log", type=Path, help="a file that requests are appended to")
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
