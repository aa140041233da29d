"""The connection to Neo4j: which database, how long to wait, how to route, and what its errors mean."""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Collection,
    Generator,
    Mapping,
)
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, LiteralString, Protocol, TypeVar, cast
from urllib.parse import SplitResult, urlsplit

from neo4j import (
    READ_ACCESS,
    WRITE_ACCESS,
    AsyncDriver,
    AsyncGraphDatabase,
    AsyncManagedTransaction,
    AsyncSession,
    NotificationMinimumSeverity,
    Query,
    Record,
    unit_of_work,
)
from neo4j.api import AsyncBookmarkManager
from neo4j.exceptions import ConfigurationError, DriverError, Neo4jError
from typing_extensions import override

from orchestrator import __version__
from orchestrator.domain.addresses import graph_mistake
from orchestrator.domain.errors import UnavailableError
from orchestrator.engine.patience import retried
from orchestrator.graph.errors import (
    MisconfiguredError,
    StatementRefusedError,
    passes,
    translated,
)
from orchestrator.graph.logins import spare_logins
from orchestrator.graph.statements import statement, statements

T = TypeVar("T")

_FETCH = 1000
"""Records that a stream asks for at a time."""

_FIRST_WAIT = 0.05
"""Seconds until a transaction that failed for a passing reason is run again; each wait after that is twice as long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How long to wait, in seconds.

    `transaction` is what the server is told; `retry` is for how long a transaction that failed for a
    passing reason is repeated. `answer` bounds a whole read or write from outside, since a
    server that is stopped or cut off keeps its connections open and says nothing. docs/reliability.md says why so long.
    """

    connect: float = 5.0
    acquire: float = 10.0
    transaction: float = 15.0
    retry: float = 5.0
    answer: float = 30.0
    pool: int = 64
    """Connections, not seconds: more than one process shares a server, and what waits for one is bounded here."""
    lifetime: float = 3600.0
    """Of a connection."""
    idle: float = 30.0
    """Balancers drop what is idle without a word; asking first costs a round trip, and only then."""


class Reads(Protocol):
    """What is asked of a graph that is only read."""

    async def read(self, name: str, /, **parameters: Any) -> list[Record]:
        """Run a reading statement."""
        ...


class Transaction:
    """A transaction under way; what is run in it is committed together or not at all."""

    def __init__(self, transaction: AsyncManagedTransaction) -> None:
        self._transaction = transaction

    async def run(self, name: str, /, **parameters: Any) -> list[Record]:
        """Run a statement by its name."""
        _check(parameters)
        result = await self._transaction.run(statement(name), parameters)
        return [record async for record in result]


class _Bookmarks(AsyncBookmarkManager):
    """What this process has seen committed, as Neo4j names it: a server of a cluster that does not have it yet waits for it."""

    _seen: frozenset[str] = frozenset()

    @override
    async def get_bookmarks(self) -> Collection[str]:
        return self._seen

    @override
    async def update_bookmarks(
        self, previous_bookmarks: Collection[str], new_bookmarks: Collection[str]
    ) -> None:
        self._seen = self._seen.difference(previous_bookmarks).union(new_bookmarks)

    def forget(self) -> None:
        """Have nothing waited for that was committed before."""
        self._seen = frozenset()


class Graph:
    """The graph. Every method names statements of `cypher/` and raises the errors of `graph.errors`.

    Transactions that fail for a passing reason are run again for a while, so each may run twice, also
    after a commit whose acknowledgement was lost: a write has to be idempotent.
    """

    def __init__(
        self,
        driver: AsyncDriver,
        address: str,
        database: str,
        bounds: Bounds,
        room: AbstractAsyncContextManager[None] | None = None,
        *,
        bookmarks: _Bookmarks | None = None,
    ) -> None:
        """Open one with `open_graph`; whatever is asked takes a place in the `room`, but for a stream and a migration."""
        self.driver: AsyncDriver = driver
        self.address: str = address
        """Where Neo4j is, for operators; a login cannot be in it."""
        self.database: str = database
        self.bounds: Bounds = bounds
        self._room: AbstractAsyncContextManager[None] = room or nullcontext()
        self._bookmarks = bookmarks

    def with_room_for(self, transactions: int) -> Graph:
        """Return the same graph for somebody who may have so many transactions at once, and leaves others their connections."""
        room = asyncio.Semaphore(transactions)
        return Graph(
            self.driver, self.address, self.database, self.bounds, room, bookmarks=self._bookmarks
        )

    async def read(self, name: str, /, **parameters: Any) -> list[Record]:
        """Run a reading statement."""
        return await self._execute(name, parameters, READ_ACCESS)

    async def write(
        self, name: str, /, *, seconds: float | None = None, **parameters: Any
    ) -> list[Record]:
        """Run a writing statement in a transaction of its own, which takes no longer than usual, or than `seconds`."""
        return await self._execute(name, parameters, WRITE_ACCESS, seconds)

    async def transact(
        self, work: Callable[[Transaction], Awaitable[T]], *, seconds: float | None = None
    ) -> T:
        """Do the work in one transaction; whatever it raises rolls everything back.

        The work may be called more than once. `seconds` replaces the usual bounds.
        """
        bound = unit_of_work(timeout=seconds or self.bounds.transaction)

        @bound
        async def unit(transaction: AsyncManagedTransaction) -> T:
            return await work(Transaction(transaction))

        with self._translating(WRITE_ACCESS):
            async with (
                asyncio.timeout(seconds or self.bounds.answer),
                self._room,
                self._session(WRITE_ACCESS) as session,
            ):
                return await session.execute_write(unit)

    async def stream(
        self, name: str, /, *, seconds: float | None = None, **parameters: Any
    ) -> AsyncGenerator[Record, None]:
        """Run a reading statement and yield its records as they come, not retried.

        Unless `seconds` says otherwise, each record may take as long as a whole answer, and the
        transaction ten times as long as others, since its reader sets the pace.
        """
        _check(parameters)
        transaction = 10 * self.bounds.transaction if seconds is None else seconds
        answer = self.bounds.answer if seconds is None else seconds
        with self._translating(READ_ACCESS):
            async with self._session(READ_ACCESS) as session:
                async with asyncio.timeout(answer):
                    result = await session.run(
                        Query(statement(name), timeout=transaction), parameters
                    )
                while True:
                    async with asyncio.timeout(answer):
                        record = await anext(result, None)
                    if record is None:
                        return
                    yield record

    async def migrate(self, parts: tuple[LiteralString, ...], *, seconds: float) -> None:
        """Run the statements of one migration in one transaction."""

        @unit_of_work(timeout=seconds)
        async def unit(transaction: AsyncManagedTransaction) -> None:
            for part in parts:
                await (await transaction.run(part)).consume()

        with self._translating(WRITE_ACCESS):
            async with asyncio.timeout(seconds), self._session(WRITE_ACCESS) as session:
                await session.execute_write(unit)

    async def server(self) -> str:
        """Reach the server, log in, and return its agent string, such as `Neo4j/5.26.30`."""
        with self._translating(READ_ACCESS):
            async with asyncio.timeout(self.bounds.answer), self._room:
                found = await self.driver.get_server_info()
                return found.agent

    @contextmanager
    def _translating(self, access: str) -> Generator[None, None, None]:
        try:
            yield
        except (Neo4jError, DriverError, TimeoutError, OSError) as exc:
            ours = translated(
                exc, self.address, self.bounds.transaction, writing=access == WRITE_ACCESS
            )
            if self._bookmarks is not None and isinstance(ours, UnavailableError):
                # What comes back may be an older copy: it would wait for what it never had.
                self._bookmarks.forget()
            if ours is exc:
                raise
            raise ours from exc

    def _session(self, access: str) -> AsyncSession:
        """Share bookmarks with all other reads and writes, so that each sees what this process wrote."""
        return self.driver.session(
            database=self.database,
            default_access_mode=access,
            bookmark_manager=self._bookmarks,
            fetch_size=_FETCH,
        )

    async def _execute(
        self,
        name: str,
        parameters: Mapping[str, Any],
        access: str,
        seconds: float | None = None,
    ) -> list[Record]:
        """Run a statement that commits itself.

        Told to begin and to commit as well, which the driver's own retries need, Neo4j answers after
        twice the time, at twice the cost for the driver.
        """
        _check(parameters)
        query = Query(statement(name), timeout=seconds or self.bounds.transaction)

        async def run() -> list[Record]:
            async with self._session(access) as session:
                result = await session.run(query, dict(parameters))
                return (await result.to_eager_result()).records

        with self._translating(access):
            async with asyncio.timeout(self.bounds.answer), self._room:
                return await retried(
                    run,
                    on=passes,
                    attempts=None,
                    within=self.bounds.retry,
                    wait_initial=_FIRST_WAIT,
                    wait_max=1.0,
                    wait_jitter=0.1,
                )


@asynccontextmanager
async def open_graph(
    uri: str, user: str, password: str | None, database: str, bounds: Bounds | None = None
) -> AsyncGenerator[Graph, None]:
    """Open the graph without connecting yet; leaving the context closes it.

    Without a password no login is sent, for a Neo4j that asks for none.

    Raises:
        MisconfiguredError: the URI is none.
    """
    statements()
    bounds = bounds or Bounds()
    try:
        if mistake := graph_mistake(uri):
            msg = f"it {mistake}"
            raise ValueError(msg)  # noqa: TRY301 - one way out for all that is wrong with it
        driver = AsyncGraphDatabase.driver(
            uri,
            auth=None if password is None else (user, password),
            user_agent=f"graph-council/{__version__}",
            connection_timeout=bounds.connect,
            connection_acquisition_timeout=bounds.acquire,
            connection_write_timeout=bounds.answer,
            max_transaction_retry_time=bounds.retry,
            # The driver's own is a second: who was given up for a deadlock may have the locks at once.
            initial_retry_delay=_FIRST_WAIT,
            # Who gave each other up had better not meet again.
            retry_delay_jitter_factor=0.5,
            max_connection_pool_size=bounds.pool,
            max_connection_lifetime=bounds.lifetime,
            liveness_check_timeout=bounds.idle,
            keep_alive=True,
            # A test explains each statement and fails on any notification; at run time they say nothing new.
            notifications_min_severity=NotificationMinimumSeverity.OFF,
            telemetry_disabled=True,
        )
    except (ConfigurationError, ValueError) as exc:
        raise MisconfiguredError(f"NEO4J_URI cannot be used: {exc}") from exc
    spare_logins(driver)
    async with driver:
        parts = urlsplit(uri)
        # One server has what it wrote; of a cluster another may be asked next.
        bookmarks = _Bookmarks() if parts.scheme.startswith("neo4j") else None
        yield Graph(driver, _address(parts), database, bounds, bookmarks=bookmarks)


def _address(uri: SplitResult) -> str:
    return f"{uri.scheme}://{uri.netloc}"


def _check(value: Any) -> None:
    """Refuse what cannot be sent before a connection is spoiled by half of it: a lone surrogate, a huge integer."""
    match value:
        case str():
            if not value.isascii():
                try:
                    value.encode()
                except UnicodeEncodeError as exc:
                    raise StatementRefusedError(
                        "InvalidText", "a text is not valid Unicode"
                    ) from exc
        case int():
            if not -(2**63) <= value < 2**63:
                raise StatementRefusedError("InvalidNumber", "an integer has more than 64 bits")
        case dict():
            for key, item in cast("dict[str, Any]", value).items():
                _check(key)
                _check(item)
        case list() | tuple():
            for item in cast("list[Any]", value):
                _check(item)
        case _:
            pass
