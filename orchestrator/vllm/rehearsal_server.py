"""The server of the rehearsal model: what of a vLLM's API the service asks, on a real socket of this process."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from orchestrator.domain.councils import REHEARSAL, Endpoint
from orchestrator.vllm.rehearsal_speech import answer
from orchestrator.vllm.shapes import as_list, as_object

_PIECE: Final = re.compile(r"\S+\s*|^\s+")


class RehearsalServer:
    """It, from its start to its end."""

    def __init__(self, *, pace: float) -> None:
        """`pace` is in seconds between two words."""
        self._pace: Final = pace
        self._listener: asyncio.Server | None = None
        self._state: Final = ServerState()
        self.speaking = 0
        """Answers under way."""

    async def start(self) -> Endpoint:
        """Listen on a free port of this machine, and return where that is."""
        config = uvicorn.Config(
            self._app(), http="httptools", ws="none", lifespan="off", log_config=None
        )
        config.load()

        def connection() -> HttpToolsProtocol:
            protocol = HttpToolsProtocol(config=config, server_state=self._state, app_state={})
            protocol.access_log = False
            return protocol

        bound = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._listener = await asyncio.get_running_loop().create_server(connection, sock=bound)
        return Endpoint(
            id=REHEARSAL, name=REHEARSAL, url=f"http://127.0.0.1:{bound.getsockname()[1]}/v1"
        )

    async def close(self) -> None:
        """Stop listening and break off what is being said."""
        if self._listener is None:
            return
        self._listener.close()
        for connection in tuple(self._state.connections):
            connection.shutdown()
        tasks = tuple(self._state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._listener = None

    def _app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/health", self._health),
                Route("/v1/models", self._models),
                Route("/v1/chat/completions", self._complete, methods=["POST"]),
            ]
        )

    async def _health(self, _: Request) -> Response:
        return Response()

    async def _models(self, _: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": REHEARSAL, "object": "model"}]})

    async def _complete(self, request: Request) -> Response:
        try:
            asked = as_object(json.loads(await request.body())) or {}
        except (ValueError, RecursionError):
            return _refusal(400, "the request is not JSON")
        if asked.get("model") != REHEARSAL:
            return _refusal(404, f"The model `{asked.get('model')}` does not exist.")
        try:
            spoken = _speech(asked, request.headers.get("x-request-id", ""))
        except ValueError as exc:
            return _refusal(400, str(exc))
        if not asked.get("stream"):
            return JSONResponse(spoken.whole())
        return StreamingResponse(self._say(spoken), media_type="text/event-stream")

    async def _say(self, speech: _Speech) -> AsyncGenerator[bytes]:
        self.speaking += 1
        try:
            yield speech.chunk({"role": "assistant", "content": ""})
            for word in speech.words:
                if self._pace:
                    await asyncio.sleep(self._pace)
                yield speech.chunk({"content": word})
            yield speech.chunk({}, finish_reason=speech.finish_reason)
            yield speech.last()
            yield b"data: [DONE]\n\n"
        finally:
            self.speaking -= 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Speech:
    """An answer. A word with the space after it counts as a token, and so does a word of the prompt."""

    id: str
    words: tuple[str, ...]
    finish_reason: str
    prompt_words: int
    created: int

    def chunk(self, delta: Mapping[str, str], *, finish_reason: str | None = None) -> bytes:
        """Return an event of the stream."""
        return self._event([{"index": 0, "delta": delta, "finish_reason": finish_reason}])

    def last(self) -> bytes:
        """Return the event that tells the usage."""
        return self._event([], usage=self._usage())

    def whole(self) -> dict[str, Any]:
        """Return the answer that is not streamed."""
        message = {"role": "assistant", "content": "".join(self.words)}
        choice = {"index": 0, "message": message, "finish_reason": self.finish_reason}
        return self._head("chat.completion") | {"choices": [choice], "usage": self._usage()}

    def _event(self, choices: Sequence[Mapping[str, Any]], **more: Any) -> bytes:
        told = self._head("chat.completion.chunk") | {"choices": choices} | more
        return b"data: " + json.dumps(told).encode() + b"\n\n"

    def _head(self, what: str) -> dict[str, Any]:
        return {"id": self.id, "object": what, "created": self.created, "model": REHEARSAL}

    def _usage(self) -> dict[str, Any]:
        return {
            "prompt_tokens": self.prompt_words,
            "completion_tokens": len(self.words),
            "total_tokens": self.prompt_words + len(self.words),
            "prompt_tokens_details": None,
        }


def _speech(asked: Mapping[str, Any], request_id: str) -> _Speech:
    messages = [one for one in map(as_object, as_list(asked.get("messages"))) if one is not None]
    form = as_object(asked.get("response_format"))
    schema = None if form is None else (as_object(form.get("json_schema")) or {}).get("schema")
    temperature = asked.get("temperature")
    text = answer(
        messages,
        float(temperature) if isinstance(temperature, int | float) else 1.0,
        as_object(schema),
    )
    words = tuple(_PIECE.findall(text))
    most = asked.get("max_tokens")
    room = most if isinstance(most, int) and most > 0 else len(words)
    return _Speech(
        id=f"chatcmpl-{request_id}",
        words=words[:room],
        finish_reason="stop" if len(words) <= room else "length",
        prompt_words=sum(len(str(one.get("content") or "").split()) for one in messages),
        created=int(time.time()),
    )


def _refusal(status: int, words: str) -> Response:
    kind = "NotFoundError" if status == 404 else "BadRequestError"  # noqa: PLR2004
    return JSONResponse(
        {"error": {"message": words, "type": kind, "param": None, "code": status}},
        status_code=status,
    )
