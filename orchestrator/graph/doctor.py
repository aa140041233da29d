"""Holds the whole graph against the rules that Community Edition cannot enforce: one statement a rule, in `cypher/doctor`."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol

from neo4j import Record

from orchestrator.graph.driver import Graph, Reads
from orchestrator.graph.indexes import lacking
from orchestrator.graph.statements import statements
from orchestrator.graph.vocabulary import parameters

MOST_OF_A_RULE = 1000
"""Violations of one rule that are listed; a broken graph is not read into memory whole."""

_SECONDS = 3600.0
"""How long one rule may take on a large graph."""

_NAME = re.compile(r"doctor/(?P<rule>\w+)")


class Streams(Protocol):
    """What is asked of a graph: records as they come."""

    def stream(
        self, name: str, /, *, seconds: float | None = None, **parameters: Any
    ) -> AsyncGenerator[Record, None]:
        """Run a reading statement."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What must hold; `meaning` is the sentence with which its statement begins."""

    name: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """Where a rule does not hold; the ids are of the nodes that its statement names, of the schema they are words."""

    rule: str
    meaning: str
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What was found: where the graph is not sound, and which timeouts of its server are endless."""

    violations: tuple[Violation, ...]
    endless_timeouts: tuple[str, ...]


def rules() -> tuple[Rule, ...]:
    """List the rules by name."""
    return tuple(
        Rule(name=match["rule"], meaning=text.partition("\n")[0].removeprefix("// "))
        for name, text in sorted(statements().items())
        if (match := _NAME.fullmatch(name))
    )


async def examine(graph: Streams) -> tuple[Violation, ...]:
    """Check every rule; of each, the first thousand violations are returned.

    What is violated is looked at again: of what a service writes meanwhile, a rule may have seen a part before and a part after that.
    """
    found: list[Violation] = []
    for rule in rules():
        seen = await _broken(graph, rule)
        if seen:
            found += await _broken(graph, rule, among=seen)
    return tuple(found)


async def examine_schema(graph: Reads) -> tuple[Violation, ...]:
    """Check that what has to be unique is kept so, and what is looked up has its index."""
    return tuple(
        Violation(
            rule="schema_incomplete",
            meaning="Every constraint and index that the migrations make is there.",
            ids=(f"{lack}; to have it: {'; '.join(lack.cure)}",),
        )
        for lack in await lacking(graph)
    )


async def _broken(
    graph: Streams, rule: Rule, *, among: Iterable[Violation] | None = None
) -> list[Violation]:
    """List where a rule does not hold, of these places alone where they are given: what is listed with one may come in another order."""
    name = f"doctor/{rule.name}"
    places = None if among is None else {frozenset(one.ids) for one in among}
    found: list[Violation] = []
    records = graph.stream(name, seconds=_SECONDS, **_taken(name, parameters()))
    async with aclosing(records):
        async for record in records:
            ids = tuple(record["ids"])
            if places is None or frozenset(ids) in places:
                found.append(Violation(rule=rule.name, meaning=rule.meaning, ids=ids))
            if len(found) == MOST_OF_A_RULE:
                break
    return found


async def endless_timeouts(graph: Graph) -> tuple[str, ...]:
    """Name the server's timeouts that are endless: the service bounds its own transactions, others' may hang."""
    return tuple(row["name"] for row in await graph.read("doctor/server/find_endless_timeouts"))


def _taken(name: str, known: dict[str, Any]) -> dict[str, Any]:
    """Pick the parameters that a statement takes: they are sent with each."""
    text = statements()[name]
    return {key: value for key, value in known.items() if f"${key}" in text}
