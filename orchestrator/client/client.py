"""The client: one method for each thing that the API is asked for."""

from __future__ import annotations

import asyncio
import random
import uuid
from contextlib import aclosing
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx
from pydantic import TypeAdapter, ValidationError

from orchestrator.client import models
from orchestrator.client.documents import documents
from orchestrator.client.errors import AnswerError, QueryError, RefusedError, UnreachableError
from orchestrator.client.subscriptions import LostError, UnmadeError, reason, subscribe
from orchestrator.domain.deliberations import Priority

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
    from datetime import timedelta
    from types import TracebackType

T = TypeVar("T")
Shown = TypeVar("Shown", bound=models.Shown)

_ACCEPTED = "application/graphql-response+json, application/json;q=0.9"
_PAGE = 100
_ATTEMPTS = 4
_STEADY_SECONDS = 15.0
"""Longer than an attempt that fails can take."""
_NODE: TypeAdapter[models.Node] = TypeAdapter(models.Node)
_TURN: TypeAdapter[models.Turn] = TypeAdapter(models.Turn)
_EVENT: TypeAdapter[models.Event] = TypeAdapter(models.Event)


class CouncilClient:
    """Speaks to one service, as long as it is open: `async with CouncilClient(url) as client`.

    Everything that it sends may be sent twice (queries change nothing, `deliberate` and `retry`
    always carry a key, and what is cancelled stays so), so it repeats by itself what a broken connection left unanswered.

    Every method raises UnreachableError, AnswerError and QueryError.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        timeout: float = 30.0,
        patience: float = 60.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Open nothing yet.

        Args:
            url: where the service is, such as http://127.0.0.1:8080.
            token: sent as a bearer token.
            timeout: how long one answer may take, in seconds.
            patience: for how long `events` tries to come back to a service that went away, in seconds.
            transport: instead of httpx's own.

        Raises:
            ValueError: `url` is no address of the web.
        """
        base = httpx.URL(url.strip().rstrip("/").removesuffix("/graphql"))
        if base.scheme not in {"http", "https"} or not base.host:
            raise ValueError(f"{url!r} is no address such as http://127.0.0.1:8080")
        self.url: str = str(base).rstrip("/")
        self._socket_url: str = f"ws{self.url.removeprefix('http')}/graphql"
        self._headers: dict[str, str] = (
            {} if token is None else {"Authorization": f"Bearer {token}"}
        )
        # A proxy of the environment is for the way out; this machine isn't on it.
        self._direct: bool = _is_loopback(base.host)
        self._timeout: float = timeout
        self._patience: float = patience
        self._http: httpx.AsyncClient = httpx.AsyncClient(
            headers={"Accept": _ACCEPTED, **self._headers},
            timeout=httpx.Timeout(timeout, connect=min(timeout, 5.0)),
            transport=transport,
            trust_env=not self._direct,
        )

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._http.__aexit__(kind, error, traceback)

    # ------------------------------------------------------------ what there is

    async def service(self) -> models.Service:
        """Say how the service is."""
        data = await self._ask("Service", {})
        return self._read(models.Service, data["service"])

    async def councils(
        self, *, role: str | None = None, include_archived: bool = False
    ) -> AsyncIterator[models.Council]:
        """Yield all councils, newest first, page by page."""
        where = {"role": role, "includeArchived": include_archived}
        async for node in self._pages("Councils", "councils", {"filter": where}):
            yield self._read(models.Council, node)

    async def council(
        self, *, id: str | None = None, role: str | None = None
    ) -> models.Council | None:
        """Find a council by its id, or the one that serves a role now."""
        by = {"id": id} if role is None else {"role": role}
        data = await self._ask("Council", {"by": by})
        return self._read_found(models.Council, data["council"])

    async def agents(self) -> AsyncIterator[models.Agent]:
        """Yield all agents, newest first, page by page."""
        async for node in self._pages("Agents", "agents", {}):
            yield self._read(models.Agent, node)

    async def agent(self, *, id: str | None = None, name: str | None = None) -> models.Agent | None:
        """Find an agent by its id or its name."""
        data = await self._ask("Agent", {"by": {"id": id} if name is None else {"name": name}})
        return self._read_found(models.Agent, data["agent"])

    async def task(self, id: str) -> models.Task | None:
        """Find a task, with the newest deliberations on it."""
        data = await self._ask("Task", {"id": id})
        return self._read_found(models.Task, data["task"])

    async def node(self, id: str) -> models.Node | None:
        """Find a role, a model, an endpoint or a turn."""
        data = await self._ask("Node", {"id": id})
        return None if data["node"] is None else self._adapted(_NODE, data["node"])

    # ------------------------------------------------------------ deliberations

    async def deliberate(
        self,
        task: models.TaskInput,
        *,
        role: str | None = None,
        council: str | None = None,
        rounds: int | None = None,
        priority: Priority | None = None,
        deadline: timedelta | None = None,
        token_budget: int | None = None,
        idempotency_key: str | None = None,
    ) -> models.Deliberation:
        """Lay a task before the council that serves `role`, or the one with the id `council`.

        Returns once it is in the graph. The same `idempotency_key` brings back the same deliberation;
        left out, one is made for this call.

        Raises:
            RefusedError: nothing was written.
        """
        sent: dict[str, Any] = {
            "council": {"id": council} if role is None else {"role": role},
            "task": task.model_dump(by_alias=True, exclude_defaults=True),
            "rounds": rounds,
            "priority": priority,
            "deadlineSeconds": None if deadline is None else round(deadline.total_seconds()),
            "tokenBudget": token_budget,
            "idempotencyKey": _key(idempotency_key),
        }
        return await self._change("Deliberate", "deliberate", sent)

    async def cancel(self, id: str, *, reason: str | None = None) -> models.Deliberation:
        """End a deliberation without a verdict; one that was cancelled before is returned as it is.

        Raises:
            RefusedError: there is none, or it has ended otherwise.
        """
        return await self._change(
            "CancelDeliberation", "cancelDeliberation", {"id": id, "reason": reason}
        )

    async def retry(self, id: str, *, idempotency_key: str | None = None) -> models.Deliberation:
        """Have a new deliberation on the task of one that failed or was cancelled, and return it.

        The key is as of `deliberate`.

        Raises:
            RefusedError: there is none, or it has not ended without a verdict; nothing was written.
        """
        return await self._change(
            "RetryDeliberation",
            "retryDeliberation",
            {"id": id, "idempotencyKey": _key(idempotency_key)},
        )

    async def transcript(self, id: str) -> models.Transcript | None:
        """Find a deliberation with its whole transcript."""
        turns: list[models.Turn] = []
        after: str | None = None
        while True:
            data = await self._ask("Deliberation", {"id": id, "first": _PAGE, "after": after})
            found = data["deliberation"]
            if found is None:
                return None
            page = found["turns"]
            turns.extend(self._adapted(_TURN, edge["node"]) for edge in page["edges"])
            if not page["pageInfo"]["hasNextPage"]:
                deliberation = self._read(models.Deliberation, found)
                return models.Transcript(deliberation=deliberation, turns=tuple(turns))
            after = page["pageInfo"]["endCursor"]

    async def events(
        self,
        id: str,
        *,
        after: int | None = None,
        on_lost: Callable[[str], None] | None = None,
    ) -> AsyncGenerator[models.Event]:
        """Yield the events of a deliberation after the sequence given, all where none is, to its end.

        Where the connection breaks off it is made again, and goes on after the last event seen: no
        recorded event is left out and none comes twice. `on_lost` is told why, each time.

        Raises:
            UnreachableError: nothing answered at first, or the service stayed away for as long as the patience lasts.
        """
        absence = _Absence(self.url, self._patience)
        reached = False
        while True:
            absence.try_again()
            unavailable: QueryError | None = None
            results = subscribe(
                self._socket_url,
                documents()["DeliberationEvents"],
                {"id": id, "after": after},
                headers=self._headers,
                direct=self._direct,
                timeout=min(self._timeout, 10.0),
            )
            try:
                async with aclosing(results):
                    async for data in results:
                        reached = True
                        absence.end()
                        event = self._adapted(_EVENT, data["deliberationEvents"])
                        after = event.sequence
                        yield event
                        if isinstance(event, models.DeliberationEnded):
                            return
                why = "the service ended the stream"
            except LostError as error:
                if isinstance(error, UnmadeError) and not reached:
                    raise UnreachableError(self.url, str(error)) from error
                why = str(error)
            except QueryError as error:
                if not error.unavailable:
                    raise
                unavailable = error
                why = str(error)
            reached = True
            pause = absence.pause(why, unavailable)
            if on_lost is not None:
                on_lost(why)
            await asyncio.sleep(pause)

    # ------------------------------------------------------------ the wire

    async def _change(
        self, operation: str, field: str, sent: Mapping[str, Any]
    ) -> models.Deliberation:
        """Send a mutation of a deliberation, without what is none; return what came of it."""
        data = await self._ask(
            operation,
            {"input": {name: value for name, value in sent.items() if value is not None}},
        )
        payload = data[field]
        if payload["errors"]:
            raise RefusedError(
                tuple(self._read(models.Mistake, mistake) for mistake in payload["errors"])
            )
        return self._read(models.Deliberation, payload["deliberation"])

    async def _ask(self, operation: str, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        """Send one of the documents; again where the connection broke off before the answer, or the service says when to."""
        body = {
            "query": documents()[operation],
            "operationName": operation,
            "variables": dict(variables),
        }
        pauses = _pauses()
        put_off = False
        for attempt in range(1, _ATTEMPTS + 1):
            pause = next(pauses)
            try:
                response = await self._http.post(f"{self.url}/graphql", json=body)
                return self._data(response)
            except QueryError as error:
                # Once: behind one address another process may have taken over from one that ends.
                if put_off or error.retry_after is None or attempt == _ATTEMPTS:
                    raise
                put_off, pause = True, error.retry_after
            except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError) as error:
                if attempt == _ATTEMPTS:
                    raise UnreachableError(
                        self.url, "the connection broke off", sent=True
                    ) from error
            except httpx.TimeoutException as error:
                raise UnreachableError(
                    self.url, f"no answer within {self._timeout:g} seconds", sent=True
                ) from error
            except (httpx.TransportError, httpx.InvalidURL) as error:
                raise UnreachableError(self.url, reason(error)) from error
            await asyncio.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _data(self, response: httpx.Response) -> Mapping[str, Any]:
        try:
            answer = response.json()
        except ValueError:
            answer = None
        match answer:
            case {"errors": [*errors]} if errors:
                raise QueryError(tuple(self._read(models.Fault, error) for error in errors))
            case {"data": data} if data is not None:
                return data
            case _:
                raise AnswerError(self.url, f"HTTP {response.status_code}, and no GraphQL in it")

    async def _pages(
        self, operation: str, field: str, variables: Mapping[str, Any]
    ) -> AsyncIterator[Any]:
        after: str | None = None
        while True:
            data = await self._ask(operation, {**variables, "first": _PAGE, "after": after})
            for edge in data[field]["edges"]:
                yield edge["node"]
            if not data[field]["pageInfo"]["hasNextPage"]:
                return
            after = data[field]["pageInfo"]["endCursor"]

    def _read(self, kind: type[Shown], data: object) -> Shown:
        return self._adapted(TypeAdapter(kind), data)

    def _read_found(self, kind: type[Shown], data: object) -> Shown | None:
        return None if data is None else self._read(kind, data)

    def _adapted(self, kind: TypeAdapter[T], data: object) -> T:
        try:
            return kind.validate_python(data)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(step) for step in first["loc"])
            raise AnswerError(self.url, f"{where}: {first['msg']}") from error


class _Absence:
    """How long a service has been away while attempts to come back to it fail."""

    def __init__(self, url: str, patience: float) -> None:
        self._url = url
        self._patience = patience
        self._clock = asyncio.get_running_loop()
        self._pauses = _pauses()
        self._since: float | None = None
        self._began = self._clock.time()

    def try_again(self) -> None:
        """Note that an attempt begins."""
        self._began = self._clock.time()

    def end(self) -> None:
        """Note that the service is there."""
        self._since = None
        self._pauses = _pauses()

    def pause(self, why: str, unavailable: QueryError | None) -> float:
        """Return how long to wait before the next attempt.

        Raises:
            UnreachableError: the patience is over.
            QueryError: the same, and the service answers: it is `unavailable`, what it lacks.
        """
        now = self._clock.time()
        # A connection that held for a while and then broke off begins an absence of its own.
        if now - self._began > _STEADY_SECONDS:
            self.end()
        if self._since is None:
            self._since = now
        if now - self._since > self._patience:
            raise UnreachableError(self._url, why) if unavailable is None else unavailable
        return next(self._pauses)


def _key(given: str | None) -> str:
    """Return the key that was given, be it one that the service refuses; else a new one."""
    return uuid.uuid4().hex if given is None else given


def _pauses() -> Iterator[float]:
    """Seconds between attempts: growing to five, and spread, so that many clients don't come back at once."""
    pause = 0.1
    while True:
        yield pause * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        pause = min(pause * 2, 5.0)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
