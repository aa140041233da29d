"""Finds in a graph what a file speaks of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from neo4j import Record as Row

from orchestrator.graph.driver import Reads
from orchestrator.graph.moving import rows
from orchestrator.graph.moving.batches import Batch
from orchestrator.graph.moving.exporting import records
from orchestrator.graph.moving.form import Kind, Record

BY_NAME: Final = frozenset({Kind.ROLE, Kind.ENDPOINT, Kind.MODEL})
"""Kinds of which a graph that has one of that name keeps its own."""

_FEW: Final = (Kind.ROLE, Kind.ENDPOINT, Kind.REMOVED_ENDPOINT, Kind.MODEL)

_BY_ID: Final[dict[Kind, tuple[str, Callable[[Row], Record]]]] = {
    Kind.COUNCIL: ("moving/read_councils", rows.council),
    Kind.AGENT: ("moving/read_retired_agents", rows.retired_agent),
    Kind.PROCESS: ("moving/read_processes", rows.process),
    Kind.DELIBERATION: ("moving/read_deliberations", rows.deliberation),
}

_TOGETHER: Final = 16
"""Deliberations that are read back at once."""


class Lookup:
    """A graph, as a file meets it. What is few is read once, at the beginning."""

    def __init__(self, graph: Reads, few: dict[Kind, dict[str, Record]]) -> None:
        """Made by `look_up`."""
        self.graph: Reads = graph
        self.few: dict[Kind, dict[str, Record]] = few
        """By name; of removed endpoints, by id."""

    @property
    def default_model(self) -> str | None:
        """The name of the default model, where there is one."""
        models = self.few[Kind.MODEL].values()
        return next((model["name"] for model in models if model.get("isDefault")), None)

    async def found(self, batch: Batch) -> dict[str, Record]:
        """Return what is there of a batch, by the ids in the file."""
        kind = batch.kind
        if kind in _FEW:
            few = self.few[kind]
            key = "name" if kind in BY_NAME else "id"
            return {
                record["id"]: few[record[key]] for record in batch.records if record[key] in few
            }
        name, record_of = _BY_ID[kind]
        found: dict[str, Record] = {}
        ids = batch.ids
        for first in range(0, len(ids), _TOGETHER):
            for row in await self.graph.read(name, ids=ids[first : first + _TOGETHER]):
                found[row["id"]] = kindless(record_of(row))
        return found


async def look_up(graph: Reads) -> Lookup:
    """Read what is few."""
    few: dict[Kind, dict[str, Record]] = {}
    for kind in _FEW:
        key = "name" if kind in BY_NAME else "id"
        few[kind] = {record[key]: kindless(record) async for record in records(graph, kind)}
    return Lookup(graph, few)


def kindless(record: Record) -> Record:
    """Return a record without the field that says what it is about."""
    return {key: value for key, value in record.items() if key != "kind"}
