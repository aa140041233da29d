"""The form of the file: JSON Lines, a header, what each line is about, and the end. Pure: no I/O.

Properties have the names that they have in the graph, and instants are RFC 3339 in UTC, to the
nanosecond. What a relationship leads to is under a field with its type's name: roles, models and
endpoints by name, since a graph that has one of that name keeps its own, all else by id.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, cast

from orchestrator import __version__

FORMAT: Final = "graph-council"
SCHEMA: Final = 1
"""Goes up whenever an older version could not read what is written."""

Record = dict[str, Any]


class Kind(StrEnum):
    """What a line is about, in the order in which they come: none names what comes after it."""

    ROLE = "role"
    ENDPOINT = "endpoint"
    REMOVED_ENDPOINT = "removedEndpoint"
    MODEL = "model"
    COUNCIL = "council"
    """With the agents who sit on it."""
    AGENT = "agent"
    """A retired one: it sits on no council."""
    PROCESS = "process"
    DELIBERATION = "deliberation"
    """Whole: its task, seats, turns, claims and verdict."""


class Contents(StrEnum):
    """What is in a file."""

    COUNCILS = "councils"
    EVERYTHING = "everything"
    """History, too."""
    PREDECESSOR = "predecessor"
    """What was read from the predecessor: roles, models and endpoints have no ids worth keeping."""


HEADER: Final = "header"
END: Final = "end"

LEFT_OUT: Final = frozenset({"lock", "holder", "waiting", "listedModels"})
"""Properties that say nothing (`lock`), or who works on what and what servers list where the graph is that is left behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line as it was read; `place` is how a person finds it, such as `line 7`."""

    place: str
    text: str


class NotJSONError(ValueError):
    """A line that is no JSON object; the message says why."""


def header(contents: Contents, exported_at: str) -> Record:
    """Return the first line."""
    return {
        "kind": HEADER,
        "format": FORMAT,
        "schema": SCHEMA,
        "contents": contents.value,
        "version": __version__,
        "exportedAt": exported_at,
    }


def end(counts: Mapping[Kind, int]) -> Record:
    """Return the last line, by which a file that was cut off is known."""
    return {"kind": END, "counts": {kind.value: count for kind, count in counts.items()}}


def encode(record: Record) -> str:
    """Write a line, without its line break; the same record gives the same line."""
    return json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def decode(text: str) -> Record:
    """Read a line.

    Raises:
        NotJSONError: it is no JSON object, has a field twice, or a number that JSON has not.
    """
    try:
        value = json.loads(text, object_pairs_hook=_without_doubles, parse_constant=_no_constant)
    except NotJSONError:
        raise
    except RecursionError as exc:
        raise NotJSONError("is nested too deep") from exc
    except ValueError as exc:
        # Not json's own words alone: they may be about a character far inside of a long line.
        raise NotJSONError(f"is no JSON: {exc}") from exc
    if not isinstance(value, dict):
        raise NotJSONError("must be a JSON object")
    return cast("Record", value)


def place_of(kind: Kind) -> int:
    """Return the place of a kind in the order of the file."""
    return _ORDER[kind]


_ORDER: Final = {kind: place for place, kind in enumerate(Kind)}


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        doubled = next(name for name in names if names.count(name) > 1)
        raise NotJSONError(f"has the field {doubled[:50]!r} twice")
    return found


def _no_constant(name: str) -> Any:
    raise NotJSONError(f"has {name}, which is no JSON number")
