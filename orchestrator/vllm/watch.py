"""How the endpoints are, looked at all the time and whether or not anybody asks."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from datetime import UTC, datetime
from typing import Final

import structlog

from orchestrator.domain.councils import Endpoint
from orchestrator.domain.errors import CouncilError, ModelError
from orchestrator.domain.health import EndpointHealth, EndpointStatus
from orchestrator.engine.audience import Audience
from orchestrator.vllm import failures
from orchestrator.vllm.breaker import Trouble
from orchestrator.vllm.client import bounded_body, models_served
from orchestrator.vllm.connections import Connections, Line
from orchestrator.vllm.metrics import queue_of
from orchestrator.vllm.throttle import Queue

EVERY: Final = 1.0
"""Seconds between two looks at an endpoint."""

PATIENCE: Final = 1.5
"""Seconds that an endpoint has to answer."""

_SILENCES: Final = 2
"""An endpoint that is silent so many times in a row is down: with these three numbers within 4 s.

One silence alone is a server that is busy: it answers /health from the loop that splits prompts into
tokens.
"""

_LEAST_PAUSE: Final = 0.1
"""Seconds between two looks, however many calls fail."""

TELL_AGAIN: Final = 60.0
"""Seconds after which the graph is told again what an endpoint lists: models come into it by other ways than
an agent that names them, such as an import, and those are tied to no endpoint that was told before.
"""

_ASKS_ITS_MODELS: Final = b'"healthy_endpoints"'
"""In what LiteLLM says of its health: it has each of its models answer a call for that, and each of those is paid for."""

_QUEUE_PATIENCE: Final = 0.5
"""Seconds for /metrics, so that a look at a server that stops in that moment comes in time all the same."""

_LONGEST_HEALTH: Final = 4096
_LONGEST_METRICS: Final = 4 << 20

_OK: Final = 200
_NO_SUCH_METHOD: Final = 501
_NO_SUCH_PATH: Final = frozenset({404, 405, _NO_SUCH_METHOD})

Told = Callable[[Endpoint, tuple[str, ...]], Awaitable[None]]
"""Takes in which models an endpoint serves."""

_log = structlog.get_logger()


class Watch:
    """The endpoints that there are now, each looked at by a task of its own: a slow one delays no other."""

    def __init__(
        self,
        *,
        endpoints: Callable[[], Awaitable[Collection[Endpoint]]],
        connections: Connections,
        on_models: Told | None = None,
        every: float = EVERY,
        patience: float = PATIENCE,
        tell_again: float = TELL_AGAIN,
    ) -> None:
        """`endpoints` returns those of the graph; `on_models` is told when an endpoint lists other models, and now and then.

        Both may raise CouncilError, and are asked again later.
        """
        self._endpoints: Final = endpoints
        self._connections: Final = connections
        self._on_models: Final = on_models
        self._every: Final = every
        self._patience: Final = patience
        self._tell_again: Final = tell_again
        self._watched: Final[dict[str, _Watched]] = {}
        self._audience: Final[Audience[Endpoint, Endpoint]] = Audience()
        self._changed: Final = asyncio.Event()
        self._known: bool = False
        """Whether the graph has said which endpoints there are."""
        self._removed: Final[set[str]] = set()
        """Endpoints that were asked for, by id, and were not there any more."""
        self._readings = 0
        """How often the graph was asked which endpoints there are, and which of these times it answered last."""
        self._answered = 0
        self._reading: Final = asyncio.Condition()
        """Notified of each answer."""

    def changes(self) -> AsyncIterator[Endpoint]:
        """Listen to endpoints that come, go, change, go up or down, or serve other models."""
        return self._audience.listen()

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._readings += 1
                try:
                    now = await self._endpoints()
                except CouncilError as exc:
                    # Which endpoints there are is not known now; those known are watched on.
                    _log.debug("endpoints_unknown", reason=str(exc))
                else:
                    await self._adjust(now, tasks)
                    async with self._reading:
                        self._answered = self._readings
                        self._reading.notify_all()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._every):
                        await self._changed.wait()
                self._changed.clear()

    def look(self) -> None:
        """Read at once which endpoints there are: this process has changed that."""
        self._changed.set()

    async def latest(self, endpoint: Endpoint) -> Endpoint | None:
        """Return the endpoint as the graph had it last; none where it was removed: a deliberation under way may know older.

        One that is not watched may have come since the graph was read: it is read once more, and waited for.
        """
        if endpoint.id not in self._watched and endpoint.id not in self._removed:
            await self._read_anew()
        watched = self._watched.get(endpoint.id)
        if watched is None:
            self._removed.add(endpoint.id)
            return None
        return watched.endpoint

    def listing(self, model: str) -> list[Endpoint]:
        """Return the endpoints that list a model, or did when they last listed any."""
        return [one.endpoint for one in self._watched.values() if model in one.listed]

    def health(self, endpoint: Endpoint) -> EndpointHealth:
        """Return how the endpoint is, as this process sees it."""
        watched = self._watched.get(endpoint.id)
        gate = self._connections.gate(endpoint)
        return EndpointHealth(
            status=EndpointStatus.UNKNOWN if watched is None else watched.status,
            served_models=() if watched is None else watched.models,
            in_flight=0 if gate is None else gate.in_flight,
            reason=None if watched is None else watched.reason,
            obstacle=None if gate is None else gate.obstacle,
        )

    def suspect(self, endpoint: Endpoint) -> None:
        """A call failed there: look at it at once."""
        watched = self._watched.get(endpoint.id)
        if watched is not None:
            watched.suspected.set()

    async def _read_anew(self) -> None:
        """Wait until the graph has answered which endpoints there are, asked from now on."""
        before = self._readings
        self.look()
        async with self._reading:
            await self._reading.wait_for(lambda: self._answered > before)

    async def _adjust(self, now: Collection[Endpoint], tasks: asyncio.TaskGroup) -> None:
        there = {endpoint.id: endpoint for endpoint in now}
        for watched in tuple(self._watched.values()):
            if there.get(watched.endpoint.id) != watched.endpoint:
                if watched.watching is not None:
                    watched.watching.cancel()
                del self._watched[watched.endpoint.id]
                if watched.endpoint.id not in there:
                    await self._connections.drop(watched.endpoint)
                    self._tell_of(watched.endpoint)
        for endpoint in there.values():
            if endpoint.id not in self._watched:
                watched = _Watched(endpoint)
                watched.watching = tasks.create_task(
                    self._watch(watched, tasks), name=f"watch endpoint {endpoint.name}"
                )
                self._watched[endpoint.id] = watched
                if self._known:
                    self._tell_of(endpoint)
        self._known = True

    def _tell_of(self, endpoint: Endpoint) -> None:
        self._audience.tell(endpoint, endpoint)

    async def _watch(self, watched: _Watched, tasks: asyncio.TaskGroup) -> None:
        silences = 0
        while True:
            watched.suspected.clear()
            try:
                models = await self._look(watched)
            except TimeoutError:
                silences += 1
                watched.passes_over_health = not watched.passes_over_health
                if silences < _SILENCES:
                    continue
                reason = f"endpoint {watched.endpoint.name} did not answer within {self._patience} s, twice"
                if watched.goes_down(reason):
                    self._tell_of(watched.endpoint)
                self._tell_gate(watched, reason)
            except ModelError as exc:
                silences, watched.passes_over_health = 0, False
                if watched.goes_down(exc.reason):
                    self._tell_of(watched.endpoint)
                # Where it works but refuses us, calls are sent all the same, and fail with its own words.
                trouble = (
                    isinstance(exc, failures.EndpointError) and exc.trouble is not Trouble.LIMITED
                )
                self._tell_gate(watched, exc.reason if trouble else None)
            else:
                silences = 0
                watched.answered(models)
                if watched.goes_up(models):
                    self._tell_of(watched.endpoint)
                self._tell_gate(watched, None)
                await self._look_at_queue(watched)
                if watched.is_to_be_told(models, self._tell_again):
                    # In a task of its own: while the graph is away, endpoints are looked at all the same.
                    watched.telling = tasks.create_task(self._tell(watched, models))
            await asyncio.sleep(_LEAST_PAUSE)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(self._every - _LEAST_PAUSE, 0)):
                    await watched.suspected.wait()

    async def _look(self, watched: _Watched) -> tuple[str, ...]:
        """Return the models that an endpoint serves; empty where it is well and doesn't say.

        Raises:
            TimeoutError: it is silent.
            ModelError: it is not well.
        """
        try:
            line = await self._connections.line(watched.endpoint)
            async with asyncio.timeout(self._patience):
                try:
                    # Once more where it failed: an idle connection may have died with the server of before.
                    return await _once_more(lambda: _ask(watched, line))
                except failures.CALL_ERRORS as exc:
                    raise failures.of_exception(line, exc) from exc
        except (TimeoutError, ModelError):
            raise
        except Exception as exc:
            # What a foreign server or a name can provoke is not to be enumerated, and one endpoint
            # must not end the watch of all, and with it the process. It is logged as the endpoint
            # goes down, once, and not at each look.
            raise failures.unforeseen(watched.endpoint, exc) from exc

    def _tell_gate(self, watched: _Watched, trouble: str | None) -> None:
        gate = self._connections.gate(watched.endpoint)
        if gate is None:
            return
        if trouble is None:
            gate.up()
        else:
            gate.down(trouble)

    async def _look_at_queue(self, watched: _Watched) -> None:
        """Tell the gate what waits inside the server, where it shows that; that it doesn't is no failure."""
        gate = self._connections.gate(watched.endpoint)
        if gate is None or not watched.has_metrics:
            return
        queue = None
        try:
            queue = await self._queue(watched)
            watched.has_metrics = queue is not None
        except (*failures.CALL_ERRORS, ModelError):
            if not watched.queue_unread:
                watched.suspected.set()  # it may be stopping: look at it at once
            # Not seen is not empty: who was too busy to say it may have the longest of all.
            watched.queue_unread = True
            return
        except Exception as exc:  # noqa: BLE001 - as in `_look`: one endpoint must not end the watch of all
            watched.has_metrics = False
            _log.debug("queue_unread", endpoint=watched.endpoint.name, error=type(exc).__name__)
        watched.queue_unread = False
        gate.saw(queue)

    async def _queue(self, watched: _Watched) -> Queue | None:
        line = await self._connections.line(watched.endpoint)
        async with asyncio.timeout(min(_QUEUE_PATIENCE, self._patience)):
            response = await line.get(line.address.metrics)
            try:
                body = await bounded_body(response, _LONGEST_METRICS)
            finally:
                await response.aclose()
        text, status = body.decode("utf-8", "replace"), response.status_code
        if status in _NO_SUCH_PATH:
            return None
        if status != _OK:
            raise failures.of_status(line, status, text, response.headers, now=datetime.now(UTC))
        return queue_of(text)

    async def _tell(self, watched: _Watched, models: tuple[str, ...]) -> None:
        try:
            if self._on_models is not None:
                await self._on_models(watched.endpoint, models)
        except CouncilError as exc:
            # They are told again after the next look.
            _log.debug("served_models_untold", endpoint=watched.endpoint.name, reason=str(exc))
        else:
            watched.told, watched.told_at = models, time.monotonic()


class _Watched:
    """An endpoint, and how it was when it was last looked at."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint: Final = endpoint
        self.watching: asyncio.Task[None] | None = None
        self.telling: asyncio.Task[None] | None = None
        self.suspected: Final = asyncio.Event()
        self.status: EndpointStatus = EndpointStatus.UNKNOWN
        self.reason: str | None = None
        """Why it is down, by the last look; none where it is not."""
        self.models: tuple[str, ...] = ()
        self.listed: frozenset[str] = frozenset()
        """The models that it listed last, kept while it is down."""
        self.told: tuple[str, ...] = ()
        self.told_at: float = 0.0
        self.has_health: bool = True
        """False where the server doesn't show its /health, or not in time, and is judged by /v1/models."""
        self.passes_over_health: bool = False
        """Its /health was not answered in time just now, so that it is asked for /v1/models alone: it may be well, and slow there."""
        self.health_silences = 0
        """How often in a row that was so, and its models were listed."""
        self.has_metrics: bool = True
        """False where the server, as it runs now, shows no queue."""
        self.queue_unread: bool = False
        """Its queue could not be read when it was last looked at, although it has shown one."""

    def is_to_be_told(self, models: tuple[str, ...], again: float) -> bool:
        """Whether the graph should hear what it lists; who keeps that to itself leaves what was known."""
        if not models or (self.telling is not None and not self.telling.done()):
            return False
        return self.told != models or time.monotonic() - self.told_at >= again

    def answered(self, models: tuple[str, ...]) -> None:
        """It is well by its own word."""
        listed_instead = self.passes_over_health and bool(models)
        self.health_silences = self.health_silences + 1 if listed_instead else 0
        self.passes_over_health = False
        if self.health_silences == _SILENCES:
            self.has_health = False

    def goes_up(self, models: tuple[str, ...]) -> bool:
        """Return whether anything about it is another way now."""
        if self.status is not EndpointStatus.UP:
            _log.info("endpoint_up", endpoint=self.endpoint.name, models=models)
        before, self.status, self.models = (self.status, self.models), EndpointStatus.UP, models
        self.reason = None
        if models:
            self.listed = frozenset(models)
        return before != (self.status, self.models)

    def goes_down(self, reason: str) -> bool:
        """Return whether anything about it is another way now."""
        if self.status is not EndpointStatus.DOWN:
            _log.warning("endpoint_down", endpoint=self.endpoint.name, reason=reason)
        before, self.status, self.models = self.status, EndpointStatus.DOWN, ()
        self.reason = reason
        # It may be another server that comes up, or have been another that answered in its place.
        self.has_health = self.has_metrics = True
        self.health_silences = 0
        return before is not self.status


async def _once_more(ask: Callable[[], Awaitable[tuple[str, ...]]]) -> tuple[str, ...]:
    try:
        return await ask()
    except failures.CALL_ERRORS:
        return await ask()


async def _ask(watched: _Watched, line: Line) -> tuple[str, ...]:
    if watched.has_health and not watched.passes_over_health:
        response = await line.get(line.address.health)
        try:
            body = await bounded_body(response, _LONGEST_HEALTH)
        finally:
            await response.aclose()
        if response.status_code == _OK:
            try:
                models = await models_served(line)
            except ModelError:
                return ()  # it is well, and keeps its models to itself
            watched.has_health = _ASKS_ITS_MODELS not in body
            return models
        error = failures.of_status(
            line,
            response.status_code,
            body.decode("utf-8", "replace"),
            response.headers,
            now=datetime.now(UTC),
        )
        if isinstance(error, failures.EndpointError) and response.status_code != _NO_SUCH_METHOD:
            raise error
        # Any other status is about the path or who asks for it: calls may be answered all the same.
        watched.has_health = False
    try:
        return await models_served(line)
    except ModelError as exc:
        if watched.has_health and not isinstance(exc, failures.EndpointError):
            # A proxy in front of it may refuse that for a server that is silent.
            raise TimeoutError from exc
        raise
