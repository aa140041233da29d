"""Asking a model: which endpoint, one streamed chat completion, and what became of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, cast

import httpx
import orjson
import structlog

from orchestrator.domain import limits
from orchestrator.domain.deliberations import Priority
from orchestrator.domain.errors import ModelError
from orchestrator.domain.ids import turn_named
from orchestrator.engine.ports import Answer, Call
from orchestrator.vllm import failures
from orchestrator.vllm.admission import Admission, Observer, Rehearsing
from orchestrator.vllm.breaker import Trouble
from orchestrator.vllm.connections import Connections, HeldBackError, Line
from orchestrator.vllm.gate import Place
from orchestrator.vllm.reading import LONGEST_LINE, Reading
from orchestrator.vllm.shapes import as_list
from orchestrator.vllm.unicode import valid

_log = structlog.get_logger()

_ERROR_SECONDS: Final = 5.0
"""How long the body of an error, or the list of models after one, is waited for."""

_END_SECONDS: Final = 1.0
"""How long the end of a stream is waited for once everything was said: for its usage, and to keep its connection."""

_MODELS_SHOWN: Final = 8

_MOST_MODELS: Final = 1000
"""Of an endpoint, that are taken notice of."""

_PRIORITIES: Final = {Priority.HIGH: -1, Priority.LOW: 1}
"""vLLM serves lower numbers first; NORMAL is its 0."""

_OK: Final = 200
_PLAIN: Final = "identity"
_NO_PRIORITIES: Final = ("priority",)
"""In the words of servers that have none, or take no argument of that name."""
_NO_SCHEMAS: Final = ("response_format", "response format", "json_schema")
"""In the words of servers that have no structured output, or none for a model: one or the other."""
_REFUSALS: Final = frozenset({400, 422, 500})
"""Statuses of what was not understood: of vLLM, of FastAPI's own, of llama-cpp-python."""
_NO_SUCH_MODEL: Final = ("not found", "does not exist", "invalid model name")
"""In the words of llama.cpp, llama-cpp-python and LiteLLM, whose status for that is 400."""
_BAD_REQUEST: Final = 400
_NOT_FOUND: Final = 404
_TOO_MANY: Final = 429
_SERVER_ERRORS: Final = 500


async def _at_once() -> None:
    """Nothing is to be done before a call is sent."""


def _always() -> bool:
    """Nothing holds a call back."""
    return True


class ModelClient:
    """The models, wherever they are served: what the engine calls Models."""

    def __init__(self, *, connections: Connections, watch: Observer, rehearsal: Rehearsing) -> None:
        """All three belong to whoever joins them, and are closed there."""
        self._watch: Final = watch
        self._admission: Final = Admission(
            connections=connections, watch=watch, rehearsal=rehearsal
        )

    async def ask(
        self,
        call: Call,
        on_token: Callable[[str], None],
        on_begin: Callable[[], Awaitable[None]] = _at_once,
        may_send: Callable[[], bool] = _always,
    ) -> Answer:
        """Ask once, telling each piece of the answer as it comes; raises ModelError.

        An endpoint that is not well is waited for as long as the call says; `on_begin` is awaited before
        anything is sent, also where an endpoint that did not take the call is asked again. `may_send` has
        the last word, when there is a connection: a call that may not be sent is begun anew. Cancelling
        closes the connection, which makes the server stop.
        """
        async with self._admission.errand(call) as errand:
            while True:
                async with self._admission.place(errand) as (line, place):
                    await on_begin()
                    try:
                        return await self._ask_at(line, place, call, on_token, may_send)
                    except HeldBackError:
                        pass
                    except failures.EndpointError as exc:
                        if not exc.trouble.untaken:
                            raise
                        errand.refused(exc)

    def obstacles(self, turn: str) -> tuple[str, ...]:
        """Say what the call for a turn waits for, in words; none where it waits for nothing."""
        return self._admission.obstacles(turn)

    def stranded(self, turn: str) -> bool:
        """Whether the call for a turn waits, and each endpoint that could take it is down or fails."""
        return self._admission.stranded(turn)

    async def _ask_at(
        self,
        line: Line,
        place: Place,
        call: Call,
        on_token: Callable[[str], None],
        may_send: Callable[[], bool],
    ) -> Answer:
        try:
            answer = await self._ask(line, place, call, on_token, may_send)
        except HeldBackError:
            raise
        except failures.CALL_ERRORS as exc:
            raise self._judged(line, place, failures.of_exception(line, exc)) from exc
        except ModelError as exc:
            raise self._judged(line, place, exc) from exc
        except Exception as exc:
            # What a foreign server or a name can provoke is not to be enumerated, and one endpoint
            # must not fail a whole deliberation: its seat is absent.
            self._watch.suspect(line.endpoint)
            deliberation, key = turn_named(call.turn) or (None, None)
            _log.exception(
                "call_failed_unforeseen",
                endpoint=line.endpoint.name,
                deliberation=deliberation,
                epoch=call.epoch,
                turn=call.turn,
                seat=None if key is None else key.seat,
                error=type(exc).__name__,
            )
            raise failures.unforeseen(line.endpoint, exc) from exc
        place.heard()
        return answer

    def _judged(self, line: Line, place: Place, error: ModelError) -> ModelError:
        """Take in what a failure tells of the endpoint, and return what the caller is told."""
        if not isinstance(error, failures.EndpointError):
            return error
        again = place.silent_before and error.trouble is Trouble.SILENT
        place.failed(error.trouble, error.reason, error.retry_after)
        self._watch.suspect(line.endpoint)
        # Each silence costs a minute, and this was the second that the endpoint was given.
        return failures.silent_again(error) if again else error

    async def _ask(
        self,
        line: Line,
        place: Place,
        call: Call,
        on_token: Callable[[str], None],
        may_send: Callable[[], bool],
        *,
        in_order: bool = True,
        in_form: bool = True,
    ) -> Answer:
        """Send a call, with its priority where it is to be taken in that order and the endpoint takes any, and so with its schema."""
        takes = in_order and line.takes_priorities
        priority = _PRIORITIES.get(call.priority) if takes else None
        model = call.seat.model.name
        schema = call.answer_schema if in_form and model not in line.schemaless else None
        body = request_body(call, schema, priority)
        async with asyncio.timeout(line.opening_seconds):
            response = await line.post(line.address.completions, body, call.turn, may_send)
        try:
            if response.status_code == _OK:
                return await _read(line, place, response, on_token)
            if response.status_code < _SERVER_ERRORS and response.status_code != _TOO_MANY:
                place.heard()  # it works, and does not like what it was asked
            error = await self._error(line, response, call)
        finally:
            await response.aclose()
        if response.status_code not in _REFUSALS:
            raise error
        # The names of an endpoint and a model may have any of these words in them, too.
        said = (
            error.reason.removeprefix(f"endpoint {line.endpoint.name}").replace(model, "").lower()
        )
        understood = response.status_code < _SERVER_ERRORS
        if priority is not None and understood and any(words in said for words in _NO_PRIORITIES):
            # vLLM takes priorities only where it schedules by them, and doesn't say so beforehand.
            answer = await self._ask(
                line, place, call, on_token, may_send, in_order=False, in_form=in_form
            )
            line.takes_priorities = False
            return answer
        if schema is not None and any(words in said for words in _NO_SCHEMAS):
            # The prompt asks for the form, too.
            answer = await self._ask(
                line, place, call, on_token, may_send, in_order=in_order, in_form=False
            )
            line.schemaless.add(model)
            return answer
        raise error

    async def _error(self, line: Line, response: httpx.Response, call: Call) -> ModelError:
        status = response.status_code
        if response.is_redirect:
            return failures.redirected(line, status, response.headers.get("location", ""))
        try:
            async with asyncio.timeout(_ERROR_SECONDS):
                body = await bounded_body(response, LONGEST_LINE)
        except failures.CALL_ERRORS:
            body = b""  # the status speaks for itself
        text = "" if _is_compressed(response) else body.decode("utf-8", "replace")
        advice = None
        said = failures.words_of(text).lower()
        no_such = status == _BAD_REQUEST and any(words in said for words in _NO_SUCH_MODEL)
        if "model" in said and (status == _NOT_FOUND or no_such):
            advice = await _served(line, call.seat.model.name)
        return failures.of_status(
            line, status, text, response.headers, now=datetime.now(UTC), advice=advice
        )


async def models_served(line: Line) -> tuple[str, ...]:
    """Return the names of the models that an endpoint lists; the caller bounds the time.

    Raises:
        ModelError: it answered, but not with a list of models.
    """
    response = await line.get(line.address.models)
    try:
        body = await bounded_body(response, LONGEST_LINE)
        status = response.status_code
    finally:
        await response.aclose()
    if status != _OK:
        raise failures.of_status(
            line, status, body.decode("utf-8", "replace"), response.headers, now=datetime.now(UTC)
        )
    try:
        told = json.loads(body)
        # Together lists them without anything around.
        names = [one["id"] for one in as_list(told) or told["data"]]
    except (ValueError, KeyError, TypeError, RecursionError) as exc:
        raise failures.unusable(line, "what is no list of models") from exc
    return tuple(name for name in names[:_MOST_MODELS] if _is_name(name))


def _is_name(told: Any) -> bool:
    """Whether a model can bear it in the graph; one that cannot could not be asked for either."""
    return isinstance(told, str) and 0 < len(told) <= limits.NAME and valid(told) == told


async def _served(line: Line, model: str) -> str | None:
    """Say which models there are, after one that there is not."""
    try:
        async with asyncio.timeout(_ERROR_SECONDS):
            names = await models_served(line)
    except (*failures.CALL_ERRORS, ModelError):
        return f"model {model} is not served there"
    shown = ", ".join(names[:_MODELS_SHOWN]) or "no model"
    more = f" and {len(names) - _MODELS_SHOWN} more" if len(names) > _MODELS_SHOWN else ""
    return f"it serves {shown}{more}"


async def _read(
    line: Line, place: Place, response: httpx.Response, on_token: Callable[[str], None]
) -> Answer:
    if _is_compressed(response):
        raise failures.unusable(line, "an answer compressed without having been asked to")
    reading = Reading(line, on_token)
    try:
        async with asyncio.timeout(line.silence_seconds) as patience:
            if not response.headers.get("content-type", "").lower().startswith("text/event-stream"):
                return reading.whole(await bounded_body(response, LONGEST_LINE))
            stream = aiter(_stream(response))
            await _feed(reading, stream, patience, line.silence_seconds, place.heard)
            if reading.done:
                await _read_to_end(stream)
    except TimeoutError as exc:
        if not reading.finished:
            raise failures.silent(line) from exc
    except failures.CALL_ERRORS as exc:
        if not reading.finished:
            raise failures.of_exception(line, exc, begun=True) from exc
    return reading.answer()


def _is_compressed(response: httpx.Response) -> bool:
    """Whether the body is, although nobody asked for that."""
    return (response.headers.get("content-encoding") or _PLAIN).strip().lower() != _PLAIN


async def _feed(
    reading: Reading,
    stream: Any,
    patience: asyncio.Timeout,
    seconds: float,
    on_heard: Callable[[], None],
) -> None:
    """Read a stream to its end; whatever is new of the answer is told, and buys so many seconds more while it is not finished."""
    loop = asyncio.get_running_loop()
    heard = reading.heard
    async for data in stream:
        reading.feed(data)
        if reading.done:
            return
        if reading.heard != heard:
            heard = reading.heard
            on_heard()
            patience.reschedule(loop.time() + (_END_SECONDS if reading.finished else seconds))


async def _read_to_end(stream: Any) -> None:
    """Read what follows the last event, so that the connection can be used again."""
    try:
        async with asyncio.timeout(_END_SECONDS):
            async for _ in stream:
                pass
    except failures.CALL_ERRORS:
        pass  # the answer is complete; only the connection is lost


async def bounded_body(response: httpx.Response, most: int) -> bytes:
    """Read a response's body, and no more than `most` bytes of it."""
    parts: list[bytes] = []
    size = 0
    async for part in _stream(response):
        parts.append(part)
        size += len(part)
        if size > most:
            break
    return b"".join(parts)[:most]


def _stream(response: httpx.Response) -> httpx.AsyncByteStream:
    """Return the body as it comes; httpx's own iterators decode and cut it once more."""
    return cast("httpx.AsyncByteStream", response.stream)


def request_body(call: Call, schema: Mapping[str, Any] | None, priority: int | None) -> bytes:
    """Return what a call sends; a schema of the answer and a priority where the endpoint takes them."""
    told: dict[str, Any] = {
        "model": call.seat.model.name,
        "messages": [{"role": one.role, "content": one.content} for one in call.messages],
        "max_tokens": call.max_tokens,
        "temperature": call.seat.temperature,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if priority is not None:
        told["priority"] = priority
    if schema is not None:
        told["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": schema, "strict": True},
        }
    try:
        return orjson.dumps(told)
    except orjson.JSONEncodeError:
        # ASCII: a lone surrogate, should one have come this far, is escaped and not a crash.
        return json.dumps(told, separators=(",", ":")).encode()
