"""A scriptable OpenAI-compatible server on a real socket, which answers, fails and logs as it is told.

In a test's own loop:

    async with ModelServer() as server:
        server.script(Behaviour(status=500), turn="*-b0-*", attempts=1)
        ...
        assert [request.outcome for request in server.requests] == ["answered"]

As a process, whose log is judged from outside:

    python -m tests.support.model_server --port 8001 --latency 0.05 --log FILE

The log has one JSON object a line: {"event": "begin", "at", "id", "attempt", "model", "caller", "tokens"} before
the answer's first byte, then "end" with its outcome ("answered", "status 500", "cut by server", …), or
"cut" where the client closed the connection first; "tokens" is what was used by then. `id` is the X-Request-Id, `caller` the API key. Scripts can be changed
while it runs: POST /script takes a list of {"turn", "model", "attempts", "behaviour": {…}}.

It is one asyncio protocol over httptools: benchmarks use it, and its cost is not what they measure.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import time
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Self

import uvloop

from tests.support.model_behaviour import Behaviour, Request, Rule
from tests.support.model_connection import Connection
from tests.support.ports import free_port


class ModelServer:
    """The server; an async context manager that listens."""

    def __init__(
        self,
        *,
        models: tuple[str, ...] = ("tiny",),
        behaviour: Behaviour | None = None,
        api_key: str | None = None,
        priorities: bool = False,
        port: int = 0,
        log: Path | None = None,
        keep: bool = True,
    ) -> None:
        """`keep` requests in memory, or not in a benchmark; without `priorities` they are refused."""
        self.models = models
        self.behaviour = behaviour or Behaviour()
        self.api_key = api_key
        self.priorities = priorities
        self.has_health = True
        self.health_status = 200
        self.health_body = b""
        self.health_hung = False
        """Nothing but /health is not answered."""
        self.looks_at_health = 0
        self.queue: tuple[int, int] | None = None
        """Requests that run and that wait, as /metrics tells them; none: there is no /metrics."""
        self.looks_at_metrics = 0
        self.metrics_status = 200
        self.models_status = 200
        self.models_in_data = True
        """Or as a list with nothing around it."""
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
        self.open: set[Connection] = set()
        self.keep = keep
        self._port = port
        self._log = log
        self._log_file: int | None = None
        self._listener: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Where it listens, with /v1."""
        return f"http://127.0.0.1:{self._port}/v1"

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
        self._port = self._port or free_port()
        self._listener = await asyncio.get_running_loop().create_server(
            lambda: Connection(self), "127.0.0.1", self._port, backlog=4096
        )

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
                "caller": request.headers.get("authorization", "").removeprefix("Bearer "),
                "tokens": request.tokens,
            }
            if request.outcome is not None:
                told["outcome"] = request.outcome
            os.write(self._log_file, json.dumps(told).encode() + b"\n")


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
