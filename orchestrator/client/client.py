"""The client: a method for each thing that those ask for who lay tasks before councils, and one for all else."""

from __future__ import annotations

import asyncio
import sys
import uuid
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from pydantic import BaseModel, ValidationError

from orchestrator.client import models
from orchestrator.client.connection import growing
from orchestrator.client.errors import AnswerError, QueryError, UnreachableError
from orchestrator.client.generated.deliberation_events import DeliberationEvents
from orchestrator.client.generated.documents import DELIBERATION_EVENTS_GQL
from orchestrator.client.generated.find_node import FindNodeNodeNode
from orchestrator.client.generated.input_types import (
    AgentBy,
    CancelDeliberationInput,
    CouncilBy,
    CouncilFilter,
    DeliberateInput,
    DeliberationFilter,
    RetryDeliberationInput,
    TaskInput,
)
from orchestrator.client.generated.operations import Operations
from orchestrator.client.subscriptions import LostError, UnmadeError

if TYPE_CHECKING:
    from collections.abc import (
        AsyncGenerator,
        AsyncIterator,
        Awaitable,
        Callable,
        Iterable,
        Mapping,
        Sequence,
    )
    from datetime import timedelta
    from types import TracebackType

T = TypeVar("T")
Input = TypeVar("Input", bound=BaseModel)
T_co = TypeVar("T_co", covariant=True)

_PAGE = 100
_PAGE_OF_TASKS = 50
"""The descriptions of a hundred, where each is as long as it may be, would be more than one answer may have."""
_LONGEST_WAIT = 30
"""Seconds that the service is asked to wait at a time: what stands between may close a silent connection."""
_STEADY_SECONDS = 15.0
"""Longer than an attempt that fails can take."""


class CouncilClient:
    """Speaks to one service, as long as it is open: `async with CouncilClient(url) as client`.

    It repeats by itself what a broken connection left unanswered, where that may be sent twice: queries change nothing,
    `deliberate` and `retry` always carry a key, and what is cancelled stays so.

    Every method raises UnreachableError, AnswerError and QueryError; ValueError, where JSON cannot hold what was to be sent; and once the
    client is closed RuntimeError, save `events`, whose connection is its own.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        timeout: float = 30.0,
        patience: float = 60.0,
    ) -> None:
        """Open nothing yet.

        Args:
            url: where the service is, such as http://127.0.0.1:8080.
            token: sent as a bearer token.
            timeout: how long one answer may take, in seconds.
            patience: for how long `events` and `ended` try to come back to a service that went away, in seconds.

        Raises:
            ValueError: `url` is no address of the web, or `token` has characters that no token has; it is not quoted.
        """
        self._operations: Operations = Operations(url, token=token, timeout=timeout)
        self.url: str = self._operations.url
        self._patience: float = patience

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._operations.aclose()

    # ------------------------------------------------------------ what there is

    async def service(self) -> models.Service:
        """Say how the service is."""
        return await self._told(self._operations.read_service())

    async def councils(
        self, *, role: str | None = None, include_archived: bool = False
    ) -> AsyncIterator[models.Council]:
        """Yield all councils, newest first, page by page."""
        where = _given(CouncilFilter, role=role, include_archived=include_archived)
        async for edge in self._pages(
            lambda first, after: self._operations.list_councils(first, after, where)
        ):
            yield edge.node

    async def council(
        self, *, id: str | None = None, role: str | None = None
    ) -> models.Council | None:
        """Find a council by its id, or the one that serves a role now.

        Raises:
            ValueError: not exactly one of the two is given.
        """
        _hold_to_one(id=id, role=role)
        return await self._told(self._operations.find_council(_council(id, role)))

    async def agents(self) -> AsyncIterator[models.Agent]:
        """Yield all agents, newest first, page by page."""
        async for edge in self._pages(self._operations.list_agents):
            yield edge.node

    async def agent(self, *, id: str | None = None, name: str | None = None) -> models.Agent | None:
        """Find an agent by its id or its name.

        Raises:
            ValueError: not exactly one of the two is given.
        """
        _hold_to_one(id=id, name=name)
        by = AgentBy(id=id) if name is None else AgentBy(name=name)
        return await self._told(self._operations.find_agent(by))

    async def task(self, id: str) -> models.Task | None:
        """Find a task, with the newest deliberations on it."""
        return await self._told(self._operations.find_task(id))

    async def node(self, id: str) -> models.Node | None:
        """Find a role, a model, an endpoint or a turn."""
        found = await self._told(self._operations.find_node(id))
        return None if isinstance(found, FindNodeNodeNode) else found

    async def deliberations(
        self,
        *,
        council: str | None = None,
        role: str | None = None,
        statuses: Iterable[models.DeliberationStatus] | None = None,
        at_most: int | None = None,
    ) -> AsyncIterator[models.ListedDeliberation]:
        """Yield deliberations, newest first, page by page: of the council with an id, of a role, at one of some statuses."""
        where = _given(
            DeliberationFilter,
            council_id=council,
            role=role,
            statuses=None if statuses is None else list(statuses),
        )
        async for edge in self._pages(
            lambda first, after: self._operations.list_deliberations(first, after, where),
            at_most,
            largest=_PAGE_OF_TASKS,
        ):
            yield edge.node

    async def search(self, text: str, *, at_most: int | None = None) -> AsyncIterator[models.Found]:
        """Yield the tasks and last revisions in which any of the words is found, the best first, page by page."""
        async for edge in self._pages(
            lambda first, after: self._operations.search(text, first, after), at_most
        ):
            yield edge

    # ------------------------------------------------------------ changing it

    async def update_council(self, change: models.UpdateCouncilInput) -> models.Council:
        """Change a council: what is left out of `change` stays as it is.

        Raises:
            RefusedError: nothing was written; CONFLICT where the council is no longer at the `expected_version`.
        """
        payload = await self._told(
            self._operations.update_council(
                # Sent twice, the second would find the version that the first has made.
                change,
                repeatable=change.expected_version is None,
            )
        )
        return self._changed(payload and payload.council)

    async def update_agent(self, change: models.UpdateAgentInput) -> models.Agent:
        """Change an agent: what is left out of `change` stays as it is, and None clears it where it can be empty.

        Raises:
            RefusedError: nothing was written.
        """
        payload = await self._told(self._operations.update_agent(change))
        return self._changed(payload and payload.agent)

    # ------------------------------------------------------------ deliberations

    async def deliberate(
        self,
        task: models.TaskInput,
        *,
        role: str | None = None,
        council: str | None = None,
        rounds: int | None = None,
        priority: models.Priority | None = None,
        deadline: timedelta | None = None,
        token_budget: int | None = None,
        idempotency_key: str | None = None,
    ) -> models.Deliberation:
        """Lay a task before the council that serves `role`, or the one with the id `council`.

        Returns once it is in the graph. The same `idempotency_key` brings back the same deliberation;
        left out, one is made for this call.

        Raises:
            ValueError: not exactly one of `role` and `council` is given.
            RefusedError: nothing was written.
        """
        _hold_to_one(council=council, role=role)
        sent = _given(
            DeliberateInput,
            council=_council(council, role),
            task=_given(TaskInput, **dict(task)),
            rounds=rounds,
            priority=priority,
            deadline_seconds=None if deadline is None else round(deadline.total_seconds()),
            token_budget=token_budget,
            idempotency_key=_key(idempotency_key),
        )
        payload = await self._told(self._operations.deliberate(sent))
        return self._changed(payload and payload.deliberation)

    async def cancel(self, id: str, *, reason: str | None = None) -> models.Deliberation:
        """End a deliberation without a verdict; one that was cancelled before is returned as it is.

        Raises:
            RefusedError: there is none, or it has ended otherwise.
        """
        sent = _given(CancelDeliberationInput, id=id, reason=reason)
        payload = await self._told(self._operations.cancel_deliberation(sent))
        return self._changed(payload and payload.deliberation)

    async def retry(self, id: str, *, idempotency_key: str | None = None) -> models.Deliberation:
        """Have a new deliberation on the task of one that failed or was cancelled, and return it.

        The key is as of `deliberate`.

        Raises:
            RefusedError: there is none, or it has not ended without a verdict; nothing was written.
        """
        sent = RetryDeliberationInput(id=id, idempotency_key=_key(idempotency_key))
        payload = await self._told(self._operations.retry_deliberation(sent))
        return self._changed(payload and payload.deliberation)

    async def deliberation(self, id: str) -> models.Deliberation | None:
        """Find a deliberation, with its verdict where it has one."""
        return await self._told(self._operations.find_deliberation(id))

    async def ended(self, id: str) -> models.Deliberation | None:
        """Wait until a deliberation has ended, and return it; for those who cannot subscribe.

        A service is waited for that goes away: whose connection breaks off, that lacks its graph (503), or in whose place a
        gateway answers 502, 503 or 504, or 408, 425, 429 or 500, without a word of GraphQL.

        Raises:
            UnreachableError: no service was there at first, or the service stayed away for as long as the patience lasts.
        """
        absence = _Absence(self.url, self._patience)
        reached = False
        while True:
            absence.try_again()
            unavailable: QueryError | None = None
            held = True
            try:
                found = await self._told(
                    self._operations.find_deliberation(id, _LONGEST_WAIT, patience=_LONGEST_WAIT)
                )
            except UnreachableError as error:
                if not (reached or error.reached):
                    raise
                held, why = error.reached, error.reason
            except AnswerError as error:
                if not error.passing:
                    raise
                held, why = False, error.reason
            except QueryError as error:
                if not error.unavailable:
                    raise
                unavailable = error
                why = str(error)
            else:
                if found is None or found.finished_at is not None:
                    return found
                reached = True
                absence.end()
                continue
            reached = True
            await asyncio.sleep(absence.pause(why, unavailable, held=held))

    async def transcript(self, id: str) -> models.Transcript | None:
        """Find a deliberation with its whole transcript."""
        turns: list[models.Turn] = []
        after: str | None = None
        while True:
            found = await self._told(self._operations.find_transcript(id, _PAGE, after))
            if found is None:
                return None
            turns.extend(edge.node for edge in found.turns.edges)
            if not found.turns.page_info.has_next_page:
                return models.Transcript(deliberation=found, turns=tuple(turns))
            after = found.turns.page_info.end_cursor

    async def events(
        self,
        id: str,
        *,
        after: int | None = None,
        on_lost: Callable[[str], None] | None = None,
    ) -> AsyncGenerator[models.Event]:
        """Yield the events of a deliberation after the sequence given, all where none is, to its end; none where all are known.

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
            results = self._operations.execute_ws(
                DELIBERATION_EVENTS_GQL, "DeliberationEvents", {"id": id, "after": after}
            )
            try:
                async with aclosing(results):
                    async for data in results:
                        reached = True
                        absence.end()
                        event = self._operations.read(DeliberationEvents, data).deliberation_events
                        after = event.sequence
                        yield event
                        if isinstance(event, models.DeliberationEnded):
                            return
            except LostError as error:
                if isinstance(error, UnmadeError) and not reached:
                    raise UnreachableError(self.url, str(error)) from error
                why = str(error)
            except QueryError as error:
                if not error.unavailable:
                    raise
                unavailable = error
                why = str(error)
            else:
                # All was told, be it before, or before it was pruned: whoever ends with more to tell breaks the connection off.
                return
            reached = True
            pause = absence.pause(why, unavailable)
            if on_lost is not None:
                on_lost(why)
            await asyncio.sleep(pause)

    # ------------------------------------------------------------ all else

    async def execute(
        self,
        document: str,
        variables: Mapping[str, object] | None = None,
        *,
        repeatable: bool = False,
    ) -> Mapping[str, Any]:
        """Send a query or a mutation of one's own and return the data of the answer.

        The mistakes in the input of a mutation are in its `errors`, where the document asks for them.

        Args:
            document: with one operation.
            variables: its variables by their names, such as the inputs among the models.
            repeatable: whether it may be sent twice, as a query and a mutation with a key may; where not, a connection that breaks off
                before the answer is an UnreachableError.
        """
        return await self._operations.execute(
            document, None, variables or {}, repeatable=repeatable
        )

    # ------------------------------------------------------------ what comes

    async def _told(self, answer: Awaitable[T]) -> T:
        """Wait for an answer, and say what is wrong with one of another shape."""
        try:
            return await answer
        except ValidationError as error:
            raise self._operations.misread(error) from error

    def _changed(self, what: T | None) -> T:
        """Return what a mutation has changed."""
        if what is None:
            raise AnswerError(self.url, "a mutation answered neither what it did nor why not")
        return what

    async def _pages(
        self,
        ask: Callable[[int, str | None], Awaitable[_Page[T] | None]],
        at_most: int | None = None,
        *,
        largest: int = _PAGE,
    ) -> AsyncIterator[T]:
        """Yield what is on all pages; a page is asked for when what is on it is needed."""
        left = sys.maxsize if at_most is None else at_most
        after: str | None = None
        while left > 0:
            page = await self._told(ask(min(largest, left), after))
            if page is None:
                return
            for edge in page.edges:
                yield edge
            left -= len(page.edges)
            after = page.page_info.end_cursor
            # Without a cursor the next page would be the first one again.
            if not page.page_info.has_next_page or after is None:
                return


class _PageInfo(Protocol):
    @property
    def has_next_page(self) -> bool: ...

    @property
    def end_cursor(self) -> str | None: ...


class _Page(Protocol[T_co]):
    """A page of a connection."""

    @property
    def edges(self) -> Sequence[T_co]: ...

    @property
    def page_info(self) -> _PageInfo: ...


class _Absence:
    """How long a service has been away while attempts to come back to it fail."""

    def __init__(self, url: str, patience: float) -> None:
        self._url = url
        self._patience = patience
        self._clock = asyncio.get_running_loop()
        self._pauses = growing()
        self._since: float | None = None
        self._began = self._clock.time()

    def try_again(self) -> None:
        """Note that an attempt begins."""
        self._began = self._clock.time()

    def end(self) -> None:
        """Note that the service is there."""
        self._since = None
        self._pauses = growing()

    def pause(self, why: str, unavailable: QueryError | None, *, held: bool = True) -> float:
        """Return how long to wait before the next attempt; `held`: what lasted was a connection, and not the wait for one or for a word.

        Raises:
            UnreachableError: the patience is over.
            QueryError: the same, and the service answers: it is `unavailable`, what it lacks.
        """
        now = self._clock.time()
        # A connection that held for a while and then broke off begins an absence of its own.
        if held and now - self._began > _STEADY_SECONDS:
            self.end()
        if self._since is None:
            self._since = now
        if now - self._since > self._patience:
            raise UnreachableError(self._url, why) if unavailable is None else unavailable
        return next(self._pauses)


def _hold_to_one(**ways: str | None) -> None:
    """Raise ValueError unless exactly one of the ways to name something is given."""
    if sum(given is not None for given in ways.values()) != 1:
        raise ValueError(f"give either {' or '.join(ways)}, and not both")


def _council(id: str | None, role: str | None) -> CouncilBy:
    return CouncilBy(id=id) if role is None else CouncilBy(role=role)


def _given(kind: type[Input], **values: object) -> Input:
    """Make an input without what is none: null is something else than what was left out."""
    return kind.model_validate({name: one for name, one in values.items() if one is not None})


def _key(given: str | None) -> str:
    """Return the key that was given, be it one that the service refuses; else a new one."""
    return uuid.uuid4().hex if given is None else given
