"""Compares a file with a graph after an import: what is missing or different, by its place and field, and how much there is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from orchestrator.graph.driver import Reads
from orchestrator.graph.moving.batches import Lines, batches
from orchestrator.graph.moving.differences import differences, has_gone_on
from orchestrator.graph.moving.form import Kind, Record
from orchestrator.graph.moving.lookup import look_up

MOST = 1000
"""Differences that are told; after that, only that there are more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How much the source has and how much of it the graph has, by what it is, and each difference."""

    source: Counter[str]
    graph: Counter[str]
    differences: tuple[str, ...]


async def compare(graph: Reads, lines: Lines) -> Comparison:
    """Compare everything in a sound file."""
    lookup = await look_up(graph)
    source: Counter[str] = Counter()
    found: Counter[str] = Counter()
    told: list[str] = []
    for batch in batches(lines):
        there = await lookup.found(batch)
        for item in batch.items:
            record = item.record
            _count(source, batch.kind, record)
            other = there.get(record["id"])
            named = f"{batch.kind} {record.get('name') or record['id']}"
            if other is None:
                told.append(f"{named} ({item.place}) is not in the graph")
                continue
            _count(found, batch.kind, other)
            if batch.kind is Kind.DELIBERATION and has_gone_on(record, other):
                continue
            told += [f"{named}: {one}" for one in differences(batch.kind, record, other)]
        if len(told) > MOST:
            told = [*told[:MOST], "and more, which were not looked for"]
            break
    return Comparison(source=source, graph=found, differences=tuple(told))


def _count(counts: Counter[str], kind: Kind, record: Record) -> None:
    counts[_PLURAL[kind]] += 1
    if kind is Kind.COUNCIL:
        counts["agents"] += len(record["agents"])
    if kind is Kind.DELIBERATION:
        counts[f"deliberations {record['status']}"] += 1
        counts["turns"] += len(record["turns"])
        counts["claims"] += len(record["claims"])
        counts["verdicts"] += "verdict" in record


_PLURAL = {
    Kind.ROLE: "roles",
    Kind.ENDPOINT: "endpoints",
    Kind.REMOVED_ENDPOINT: "removed endpoints",
    Kind.MODEL: "models",
    Kind.COUNCIL: "councils",
    Kind.AGENT: "agents",
    Kind.PROCESS: "processes",
    Kind.DELIBERATION: "deliberations",
}
