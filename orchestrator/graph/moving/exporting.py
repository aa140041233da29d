"""Reads a graph in pages by id and yields the lines of a file.

A page is held in memory, and of each deliberation the digests by which `Known` tells whether a later line fits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Callable

from neo4j import Record as Row

from orchestrator.domain.errors import Conflict, Mistake, RefusedError
from orchestrator.graph.driver import Reads
from orchestrator.graph.migrations import refuse_unmigrated
from orchestrator.graph.moving import rows
from orchestrator.graph.moving.checking import Check
from orchestrator.graph.moving.form import Contents, Kind, Line, Record, encode, end, header
from orchestrator.graph.moving.mistakes import NotImportedError, words
from orchestrator.graph.moving.rows import UnsoundGraphError

PAGE = 100
"""How many are read at once of what is small."""

PAGE_OF_DELIBERATIONS = 16
"""Each comes with all that was said in it."""

TURNS_OF_PAGE = 256
"""Of the deliberations that are read at once, but for a larger one alone; a task counts for four."""

_PAGES: dict[Kind, tuple[str, Callable[[Row], Record], int]] = {
    Kind.ROLE: ("moving/list_roles", rows.role, PAGE),
    Kind.ENDPOINT: ("moving/list_endpoints", rows.endpoint, PAGE),
    Kind.REMOVED_ENDPOINT: ("moving/list_removed_endpoints", rows.removed_endpoint, PAGE),
    Kind.MODEL: ("moving/list_models", rows.model, PAGE),
    Kind.COUNCIL: ("moving/list_councils", rows.council, PAGE),
    Kind.AGENT: ("moving/list_retired_agents", rows.retired_agent, PAGE),
    Kind.PROCESS: ("moving/list_processes", rows.process, PAGE),
    Kind.DELIBERATION: ("moving/list_deliberations", rows.deliberation, PAGE_OF_DELIBERATIONS),
}

Exported = tuple[Kind | None, str]
"""A line, and of which kind its record is; the first and the last are of none."""

_HISTORY = frozenset({Kind.PROCESS, Kind.DELIBERATION})


class NotExportedError(UnsoundGraphError):
    """What was read fits into no file, or would be refused by an import."""

    def __init__(self, of: str, what: str, why: str) -> None:
        """`why` is all of it in words."""
        super().__init__(of, what)
        self.args = (
            f"{why}: nothing is exported. Changed meanwhile: run it again. Where it stays, `council doctor` names the place",
        )


async def export(graph: Reads, contents: Contents) -> AsyncGenerator[Exported]:
    """Yield the lines of a file with the councils, or with everything.

    History is exported only while no process is at work: what was accepted meanwhile would be
    missing, and what is under way would go on here and where it is imported.

    Raises:
        RefusedError: everything is wanted and a process is at work, or was before the end.
        NotMigratedError, UnknownMigrationError: the graph has not the form that this version knows.
        NotExportedError: the graph holds what no file could say, or no import would take.
    """
    await refuse_unmigrated(graph)
    kinds = [kind for kind in Kind if contents is Contents.EVERYTHING or kind not in _HISTORY]
    (clock,) = await graph.read("graph/read_clock")
    if contents is Contents.EVERYTHING:
        await _nobody_is_at_work(graph)
    looking = _Looking()
    yield None, looking.line("header", header(contents, clock["now"]))
    counts: Counter[Kind] = Counter()
    for kind in kinds:
        async for record in _all(graph, kind):
            counts[kind] += 1
            yield kind, looking.line(f"{kind} {record['id']}", record)
    if contents is Contents.EVERYTHING:
        await _nobody_was_at_work(graph, clock["now"])
    last = looking.line("end", end({kind: counts[kind] for kind in kinds}))
    looking.close()
    yield None, last


class _Looking:
    """Looks at each line as an import would: what is read in several transactions may not fit together."""

    def __init__(self) -> None:
        # Whether an address that is there may be used is for the graph to say that it goes to.
        self._check = Check(allow_link_local=True)

    def line(self, place: str, record: Record) -> str:
        text = encode(record)
        self._check.look(Line(place=place, text=text))
        if self._check.mistakes:
            raise _not_taken(self._check.mistakes[0])
        return text

    def close(self) -> None:
        try:
            self._check.close()
        except NotImportedError as refused:
            raise _not_taken(refused.mistakes[0]) from refused


def _not_taken(mistake: Mistake) -> NotExportedError:
    return NotExportedError(mistake.path[0], mistake.message, words(mistake))


async def _all(graph: Reads, kind: Kind) -> AsyncGenerator[Record]:
    try:
        async for record in records(graph, kind):
            yield record
    except UnsoundGraphError as error:
        raise NotExportedError(error.of, error.what, f"{error.of} {error.what}") from error


async def records(graph: Reads, kind: Kind) -> AsyncGenerator[Record]:
    """Yield all of a kind, in the order of their ids.

    Raises:
        UnsoundGraphError: the graph holds what no file could say.
    """
    name, record_of, limit = _PAGES[kind]
    bounds = {"turns": TURNS_OF_PAGE} if kind is Kind.DELIBERATION else {}
    after = ""
    while page := await graph.read(name, after=after, limit=limit, **bounds):
        for row in page:
            yield record_of(row)
        after = page[-1]["id"]


async def _nobody_is_at_work(graph: Reads) -> None:
    living = await graph.read("moving/find_living_processes")
    if living:
        raise RefusedError(
            *(
                Conflict(
                    message=f"process {row['id']} on {row['host']} is at work, or was until a moment ago: its lease lasts {row['seconds']:.0f} s longer. Stop every `council serve` and `council up` on this graph, and export again",
                    path=("everything",),
                    existing=row["id"],
                )
                for row in living
            )
        )


async def _nobody_was_at_work(graph: Reads, since: str) -> None:
    found = await graph.read("moving/find_processes_since", since=since)
    if found:
        raise RefusedError(
            *(
                Conflict(
                    message=f"process {row['id']} on {row['host']} was at work while this was under way, so that something may be missing. Stop every `council serve` and `council up` on this graph, and export again",
                    path=("everything",),
                    existing=row["id"],
                )
                for row in found
            )
        )
