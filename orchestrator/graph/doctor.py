"""Holds the whole graph against the rules that Community Edition cannot enforce: one statement a rule, in `cypher/doctor`."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol

from neo4j import Record

from orchestrator.graph.driver import Graph
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
    """Where a rule does not hold; the ids are of the nodes that its statement names."""

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
    """Check every rule; of each, the first thousand violations are returned."""
    known = parameters()
    found: list[Violation] = []
    for rule in rules():
        name = f"doctor/{rule.name}"
        of_this: list[Violation] = []
        records = graph.stream(name, seconds=_SECONDS, **_taken(name, known))
        async with aclosing(records):
            async for record in records:
                of_this.append(
                    Violation(rule=rule.name, meaning=rule.meaning, ids=tuple(record["ids"]))
                )
                if len(of_this) == MOST_OF_A_RULE:
                    break
        found += of_this
    return tuple(found)


async def endless_timeouts(graph: Graph) -> tuple[str, ...]:
    """Name the server's timeouts that are endless: the service bounds its own transactions, others' may hang."""
    return tuple(row["name"] for row in await graph.read("doctor/server/find_endless_timeouts"))


def _taken(name: str, known: dict[str, Any]) -> dict[str, Any]:
    """Pick the parameters that a statement takes: they are sent with each."""
    text = statements()[name]
    return {key: value for key, value in known.items() if f"${key}" in text}
