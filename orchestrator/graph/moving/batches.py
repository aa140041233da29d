"""A file that was looked at, in portions that one transaction carries: a kind each, bounded in what is in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from orchestrator.graph.moving.form import END, HEADER, Kind, Line, Record, decode

Lines = Callable[[], Iterable[Line]]
"""A file, to be read from its beginning as often as it is called."""

MOST: Final = 200
"""Records in one transaction."""

MOST_CHARACTERS: Final = 4_000_000
"""Of their lines; a longer line goes alone. Neo4j holds a transaction in memory, at some ten times its text, and at four times what was said in turns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A record, and the line that it was read from."""

    place: str
    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Records of one kind, in the order of the file."""

    kind: Kind
    items: tuple[Placed, ...]

    @property
    def records(self) -> list[Record]:
        """What was read."""
        return [item.record for item in self.items]

    @property
    def ids(self) -> list[str]:
        """Their ids."""
        return [item.record["id"] for item in self.items]


def batches(lines: Lines) -> Iterator[Batch]:
    """Read a file whose every line was found sound."""
    kind: Kind | None = None
    items: list[Placed] = []
    characters = 0
    for line in lines():
        record = decode(line.text)
        named = record.pop("kind")
        if named in {HEADER, END}:
            continue
        full = len(items) == MOST or characters + len(line.text) > MOST_CHARACTERS
        if kind is not None and items and (named != kind or full):
            yield Batch(kind=kind, items=tuple(items))
            items, characters = [], 0
        kind = Kind(named)
        items.append(Placed(place=line.place, record=record))
        characters += len(line.text)
    if kind is not None and items:
        yield Batch(kind=kind, items=tuple(items))
