"""The schema: which constraints and indexes the statements of migrations make, and what of them a graph lacks."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from neo4j import Record
from typing_extensions import override

_CREATE = re.compile(
    r"""
    ^CREATE\s(?:(?P<type>\w+)\s)?(?P<kind>CONSTRAINT|INDEX)\s(?P<name>\w+)\sIF\sNOT\sEXISTS
    \sFOR\s\(n:(?P<labels>[\w|]+)\)\s(?:REQUIRE|ON(?:\sEACH)?)\s(?P<properties>[^\n;]+).*
    """,
    re.MULTILINE | re.DOTALL | re.VERBOSE,
)
_DROP = re.compile(r"^DROP (?:CONSTRAINT|INDEX) (?P<name>\w+)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An index, or a constraint, of which Neo4j has an index by the same name."""

    name: str
    type: str
    entity: str
    """NODE or RELATIONSHIP, as Neo4j calls it."""
    labels: frozenset[str]
    properties: tuple[str, ...]
    constraint: bool

    @property
    def kind(self) -> str:
        """What Cypher calls it."""
        return "CONSTRAINT" if self.constraint else "INDEX"

    @property
    def remove(self) -> str:
        """The statement that takes it away; a name of somebody else's may be any text."""
        name = self.name.replace("`", "``")
        return f"DROP {self.kind} `{name}`"

    def is_in_the_way_of(self, other: Index) -> bool:
        """Whether there cannot be both: no two have one name, or are of one type over the same."""
        return self.name == other.name or self._over == other._over

    @property
    def _over(self) -> tuple[object, ...]:
        return self.type, self.entity, self.labels, self.properties

    @override
    def __str__(self) -> str:
        """Say it to a person."""
        return f"the {self.kind.lower()} {self.name} of {'|'.join(sorted(self.labels))}({', '.join(self.properties)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """What is not there as migrations make it."""

    index: Index
    create: str
    """The statement that makes it."""
    in_the_way: tuple[Index, ...]
    """What keeps it from being made."""

    @property
    def cure(self) -> tuple[str, ...]:
        """The statements after which it is there."""
        return (*(other.remove for other in self.in_the_way), self.create)

    @override
    def __str__(self) -> str:
        """Say it to a person."""
        others = " and ".join(map(str, self.in_the_way))
        return f"{self.index} is missing" + (f", and in its place is {others}" if others else "")


def made_by(parts: Iterable[str]) -> dict[Index, str]:
    """Map what is there after these statements to the one that makes it."""
    made: dict[Index, str] = {}
    for part in parts:
        if found := _CREATE.search(part):
            index = Index(
                name=found["name"],
                type=found["type"] or "RANGE",
                entity="NODE",
                labels=frozenset(found["labels"].split("|")),
                properties=tuple(re.findall(r"n\.(\w+)", found["properties"])),
                constraint=found["kind"] == "CONSTRAINT",
            )
            made[index] = found[0].strip()
        elif found := _DROP.search(part):
            made = {index: create for index, create in made.items() if index.name != found["name"]}
    return made


def index_of(row: Record) -> Index:
    """Read a row of `migrations/list_indexes`."""
    return Index(
        name=row["name"],
        type=row["type"],
        entity=row["entity"],
        labels=frozenset(row["labels"]),
        properties=tuple(row["properties"]),
        constraint=row["constraint"],
    )


def lacks(made: Mapping[Index, str], there: Collection[Index]) -> tuple[Lack, ...]:
    """List what of it is not there."""
    return tuple(
        Lack(
            index=index,
            create=create,
            in_the_way=tuple(other for other in there if other.is_in_the_way_of(index)),
        )
        for index, create in made.items()
        if index not in there
    )
