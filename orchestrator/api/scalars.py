"""The scalars of the schema, beside GraphQL's own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NewType, TypeVar

import strawberry
from strawberry.types.scalar import ScalarDefinition

from graphql import GraphQLError, ValueNode, value_from_ast_untyped

T = TypeVar("T")

Count = NewType("Count", int)
"""A whole number of up to 2^53, which is what a JSON number can hold exactly everywhere."""

Json = NewType("Json", object)
"""Any JSON value, as Python has it."""

LARGEST_COUNT = 2**53

_LAST_READ = 16
"""Of stored JSON: under a hundred aliases the same is asked for a hundred times in a row."""

_RFC3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)


def parse_instant(value: object) -> datetime:
    """Read an RFC 3339 instant, as UTC."""
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        msg = "DateTime must be an RFC 3339 instant with its offset, such as 2026-01-31T12:00:00Z"
        raise GraphQLError(msg)
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        msg = f"DateTime must be a day and a time that exist; {value} does not"
        raise GraphQLError(msg) from exc


def literal(parse: Callable[[object], T]) -> Callable[[ValueNode, dict[str, Any] | None], T]:
    """Read what stands in a document as `parse` reads a value; where it is refused, say where it stands."""

    def parse_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> T:
        try:
            return parse(value_from_ast_untyped(node, variables))
        except GraphQLError as refusal:
            raise GraphQLError(refusal.message, nodes=node) from refusal

    return parse_literal


def print_instant(value: datetime) -> str:
    """Write an instant with its offset; one without is a fault of the service."""
    if value.tzinfo is None:
        msg = f"{value} has no offset"
        raise ValueError(msg)
    return value.isoformat()


def parse_count(value: object) -> int:
    """Read a whole number of up to 2^53; from where on it counts, the field says that takes it, as of an Int."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LARGEST_COUNT:
        msg = "Count must be a whole number of up to 2^53"
        raise GraphQLError(msg)
    return value


def print_count(value: int) -> int:
    """Write a count; one that JSON cannot hold is a fault of the service."""
    if not 0 <= value <= LARGEST_COUNT:
        msg = f"{value} is no count"
        raise ValueError(msg)
    return value


@lru_cache(_LAST_READ)
def read_stored(text: str | None) -> Json | None:
    """Read JSON as it is stored. What is returned is shared, and not to be changed."""
    return None if text is None else Json(json.loads(text))


def _same(value: object) -> object:
    return value


SCALARS: Mapping[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="An RFC 3339 instant with its offset.",
        specified_by_url="https://scalars.graphql.org/andimarek/date-time",
        serialize=print_instant,
        parse_value=parse_instant,
        parse_literal=literal(parse_instant),
    ),
    Json: strawberry.scalar(
        name="JSON", description="Any JSON value.", serialize=_same, parse_value=_same
    ),
    Count: strawberry.scalar(
        name="Count",
        description="A count of up to 2^53, as a JSON number: Int ends at 2^31.",
        serialize=print_count,
        parse_value=parse_count,
        parse_literal=literal(parse_count),
    ),
}
