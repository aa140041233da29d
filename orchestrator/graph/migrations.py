"""Migrations: `cypher/migrations/V001__name.cypher` and so on, each applied once, in order, under a lock."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import LiteralString, TypeVar

from neo4j import Record

from orchestrator.domain.errors import CouncilError, GivenUpError
from orchestrator.graph.driver import Graph, Reads, Transaction
from orchestrator.graph.errors import LockTimeoutError, MisconfiguredError, StatementRefusedError
from orchestrator.graph.schema import Index, index_of, lacks, made_by
from orchestrator.graph.statements import statements

T = TypeVar("T")

LOCKED_SECONDS = 600.0
"""How long migrations and seeding may take together with waiting for another process that does them."""

_CONSTRAIN_LOCK = "constrain_lock"

_NAME = re.compile(r"migrations/(?P<name>V\d{3}__\w+)")


class ChangedMigrationError(CouncilError):
    """A migration that this graph has seen is not the one of this version."""

    def __init__(self, name: str) -> None:
        """`name` is the migration's."""
        self.name: str = name
        super().__init__(
            f"migration {name} was changed after it had been applied to this graph: run the version that applied it, or one that comes after it"
        )


class UnknownMigrationError(CouncilError):
    """The graph was migrated by a later version of this service."""

    def __init__(self, name: str) -> None:
        """`name` is the migration's."""
        self.name: str = name
        super().__init__(
            f"this graph has migration {name}, which this version does not know: run the version that applied it, or a later one"
        )


class NotMigratedError(CouncilError):
    """The graph has not the form that this version knows."""

    def __init__(self, name: str) -> None:
        """`name` is the first migration that is missing."""
        self.name: str = name
        super().__init__(
            f"the graph lacks the migration {name}: run `council migrate`, and then this again"
        )


class StrangersGraphError(MisconfiguredError):
    """The graph is somebody else's: it has nodes that would be taken for ours, and no migration of ours."""

    def __init__(self, labels: Sequence[str]) -> None:
        """`labels` are those of such nodes."""
        self.labels: tuple[str, ...] = tuple(labels)
        super().__init__(
            f"NEO4J_URI names a graph that holds something else ({', '.join(labels)}): give the service a database of its own"
        )


class ObstructedError(MisconfiguredError):
    """Where a migration has to make a constraint or an index, the graph has one of somebody else's."""

    def __init__(self, name: str, in_the_way: Sequence[Index]) -> None:
        """`name` is the migration's."""
        self.name: str = name
        self.in_the_way: tuple[Index, ...] = tuple(in_the_way)
        removals = "".join(f"\n  {index.remove};" for index in in_the_way)
        super().__init__(
            f"migration {name} cannot be applied, since in its way is {' and '.join(map(str, in_the_way))}: give the service a database of its own, or run this in Neo4j Browser, and start again:{removals}"
        )


async def migrate(graph: Graph) -> tuple[str, ...]:
    """Bring the schema up to date and return the names of the migrations applied.

    New indexes are filled after that: `indexes.await_indexes` waits for them, and sees that all are there.
    Any number of processes may call it at once: one works, the others wait and find nothing to do.

    Raises:
        StrangersGraphError: the graph was in use before, and not by this service.
        ObstructedError: it has constraints or indexes of somebody else's that ours cannot be beside.
        ChangedMigrationError: one that was applied has another text now.
        UnknownMigrationError: one was applied that is not here.
    """
    if not await missing(graph):
        return ()

    async def work(transaction: Transaction) -> tuple[str, ...]:
        to_apply = _missing(await transaction.run("migrations/list_applied"))
        for name in to_apply:
            # Schema and data cannot share a transaction, and this one holds the lock: each migration
            # has its own, and is written down after it. Cut off in between, it is simply done again.
            parts = migrations()[name]
            async with _telling_what_is_in_the_way(graph, name, parts):
                await graph.migrate(parts, seconds=LOCKED_SECONDS)
            await graph.write("migrations/record_applied", name=name, checksum=checksum_of(parts))
        return to_apply

    return await locked(graph, work)


async def missing(graph: Reads) -> tuple[str, ...]:
    """Name, in order, the migrations that the graph has not seen.

    Raises:
        StrangersGraphError, ChangedMigrationError, UnknownMigrationError: as `migrate` does.
    """
    applied = await graph.read("migrations/list_applied")
    if not applied:
        for row in await graph.read("migrations/find_strangers"):
            raise StrangersGraphError(row["labels"])
    return _missing(applied)


async def refuse_unmigrated(graph: Reads) -> None:
    """See that the graph has the form that this version knows, neither less nor more.

    Raises:
        NotMigratedError: a migration is missing.
        StrangersGraphError, ChangedMigrationError, UnknownMigrationError: as `migrate` does.
    """
    for name in await missing(graph):
        raise NotMigratedError(name)


async def locked(graph: Graph, work: Callable[[Transaction], Awaitable[T]]) -> T:
    """Do the work in a transaction that holds the one lock on which all processes wait.

    Raises:
        GivenUpError: another process has it for longer than Neo4j lets anybody wait for a lock.
        ObstructedError: something of somebody else's is where the lock's constraint has to be.
    """
    async with _telling_what_is_in_the_way(graph, _CONSTRAIN_LOCK, [_constrain_lock()]):
        await graph.write(f"migrations/{_CONSTRAIN_LOCK}")
    held = False

    async def unit(transaction: Transaction) -> T:
        nonlocal held
        held = False
        await transaction.run("migrations/take_lock")
        held = True
        return await work(transaction)

    try:
        return await graph.transact(unit, seconds=LOCKED_SECONDS)
    except LockTimeoutError as error:
        if held:
            raise
        raise GivenUpError("another process is migrating or seeding this graph") from error


def migrations() -> dict[str, tuple[LiteralString, ...]]:
    """Map the names, in order, to their statements, which end with a semicolon at the end of a line."""
    found: dict[str, LiteralString] = {
        match["name"]: text
        for name, text in statements().items()
        if (match := _NAME.fullmatch(name))
    }
    return {
        name: tuple(part for part in found[name].split(";\n") if part.strip())
        for name in sorted(found)
    }


def schema() -> dict[Index, str]:
    """Map all that is there once every migration is applied to the statement that makes it."""
    parts = [part for parts in migrations().values() for part in parts]
    return made_by([_constrain_lock(), *parts])


def checksum_of(parts: tuple[str, ...]) -> str:
    """Tell two texts of a migration apart."""
    return sha256(";\n".join(parts).encode()).hexdigest()


def _constrain_lock() -> str:
    return statements()[f"migrations/{_CONSTRAIN_LOCK}"]


@asynccontextmanager
async def _telling_what_is_in_the_way(
    graph: Graph, name: str, parts: Iterable[str]
) -> AsyncGenerator[None]:
    """Where Neo4j refuses these statements, say so in words that it does not have: it may not name what is there."""
    try:
        yield
    except StatementRefusedError as error:
        there = [index_of(row) for row in await graph.read("migrations/list_indexes")]
        lacking = lacks(made_by(parts), there)
        in_the_way = list(dict.fromkeys(index for lack in lacking for index in lack.in_the_way))
        if not in_the_way:
            raise
        raise ObstructedError(name, in_the_way) from error


def _missing(rows: Sequence[Record]) -> tuple[str, ...]:
    """Compare what was applied with what there is, and return the names of those still to apply, in order."""
    known = migrations()
    applied = {row["name"]: row["checksum"] for row in rows}
    for name, checksum in applied.items():
        if name not in known:
            raise UnknownMigrationError(name)
        if checksum != checksum_of(known[name]):
            raise ChangedMigrationError(name)
    return tuple(name for name in known if name not in applied)
