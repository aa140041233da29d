"""Holds a record against the vocabulary: its fields, their types and values, its id. Pure: no I/O."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, cast

from orchestrator.domain import limits
from orchestrator.domain.callers import LONGEST_KEYSPACE
from orchestrator.domain.validation import Inspection, Path
from orchestrator.graph.moving.form import LEFT_OUT, Record
from orchestrator.graph.vocabulary import (
    ENUMS,
    FRACTION,
    INSTANT,
    PREFIXES,
    REQUIRED,
    TEXT,
    TEXTS,
    TRUTH,
    WHOLE,
    properties_of,
)

_INSTANT: Final = re.compile(
    r"""
    [1-9]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])
    T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?Z
    """,
    re.ASCII | re.VERBOSE,
)
_ID: Final = re.compile(r"[a-z]{3}_[A-Za-z0-9_-]{1,200}", re.ASCII)

_LONGEST_KEY: Final = LONGEST_KEYSPACE + 1 + limits.NAME + 1 + 4 * limits.IDEMPOTENCY_KEY
"""Bytes of the longest key that the service makes: whose it is, of which mutation, and what he sent. An index of Neo4j takes twice as much."""


class Field(Enum):
    """What a field holds that is no property."""

    NAME = "a text"
    NUMBER = "a whole number"
    FRACTION = "a number"
    NAMES = "a list of texts"
    OBJECT = "an object"
    OBJECTS = "a list of objects"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The fields of a record: the properties of a label, and what its relationships lead to."""

    label: str | None = None
    required: Mapping[str, Field]
    optional: Mapping[str, Field]


def inspect_shape(inspection: Inspection, path: Path, record: Record, shape: Shape) -> bool:
    """Keep every mistake in the fields of one object, and say whether there was none."""
    before = inspection.found
    required = REQUIRED[shape.label] if shape.label else {}
    known = properties_of(shape.label) if shape.label else {}
    properties = {key: types for key, types in known.items() if key not in LEFT_OUT}
    for key in record:
        if key not in properties and key not in shape.required and key not in shape.optional:
            inspection.add((*path, key), f"there is no field {key[:50]!r} here")
    for key in (*required, *shape.required):
        if key not in record:
            inspection.add((*path, key), f"{key} is missing")
    for key, types in properties.items():
        if key in record and (wrong := _property_mistake(types, record[key])):
            inspection.add((*path, key), f"{key} {wrong}")
    for key, field in {**shape.required, **shape.optional}.items():
        if key in record and not _holds(field, record[key]):
            inspection.add((*path, key), f"{key} must be {field.value}")
    if inspection.found == before and shape.label:
        _inspect_values(inspection, path, record, shape.label)
    return inspection.found == before


def objects(record: Record, key: str) -> list[Record]:
    """Return a list of objects whose shape was looked at."""
    return cast("list[Record]", record.get(key, []))


def _inspect_values(inspection: Inspection, path: Path, record: Record, label: str) -> None:
    for key, enum in ENUMS.get(label, {}).items():
        if key in record and record[key] not in {member.value for member in enum}:
            known = ", ".join(member.value for member in enum)
            inspection.add((*path, key), f"{key} must be one of {known}")
    prefix = PREFIXES.get(label)
    if prefix and not (_ID.fullmatch(record["id"]) and record["id"].startswith(f"{prefix}_")):
        inspection.add((*path, "id"), f"the id must begin with {prefix}_ and is none of a {label}")
    if ("idempotencyKey" in record) != ("inputDigest" in record):
        inspection.add(
            (*path, "idempotencyKey"), "idempotencyKey and inputDigest come together, or not at all"
        )
    for key in ("idempotencyKey", "inputDigest"):
        if len(record.get(key, "").encode()) > _LONGEST_KEY:
            inspection.add((*path, key), f"{key} must not be longer than {_LONGEST_KEY} bytes")


def _property_mistake(types: tuple[str, ...], value: Any) -> str | None:
    if types == TEXT:
        return _text_mistake(value)
    if types == INSTANT:
        return None if _is_instant(value) else "must be an instant in UTC, as 2026-01-02T03:04:05Z"
    if types == WHOLE:
        return None if _is_whole(value) else "must be a whole number of 64 bits, from 0"
    if types == FRACTION:
        return None if _is_fraction(value) else "must be a number"
    if types == TRUTH:
        return None if isinstance(value, bool) else "must be true or false"
    if types == TEXTS:
        return (
            None
            if isinstance(value, list)
            and all(_text_mistake(one) is None for one in cast("list[Any]", value))
            else "must be a list of texts"
        )
    raise NotImplementedError(types)  # a type that the vocabulary has had since


def _text_mistake(value: Any) -> str | None:
    if not isinstance(value, str):
        return "must be a text"
    try:
        value.encode()
    except UnicodeEncodeError:
        return "must be valid Unicode, without lone surrogates"
    return None


def _is_instant(value: Any) -> bool:
    return isinstance(value, str) and _INSTANT.fullmatch(value) is not None and _is_a_day(value)


def _is_a_day(value: str) -> bool:
    year, month, day = int(value[:4]), int(value[5:7]), int(value[8:10])
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    longest = (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    return day <= longest[month - 1]


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _is_fraction(value: Any) -> bool:
    """Whether it is a finite number; a whole one may be too large to be compared as a fraction."""
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and abs(value) <= sys.float_info.max
    )


def _holds(field: Field, value: Any) -> bool:
    match field:
        case Field.NAME:
            return _is_name(value)
        case Field.NUMBER:
            return _is_whole(value)
        case Field.FRACTION:
            return _is_fraction(value)
        case Field.NAMES:
            return isinstance(value, list) and all(map(_is_name, cast("list[Any]", value)))
        case Field.OBJECT:
            return isinstance(value, dict)
        case Field.OBJECTS:
            return isinstance(value, list) and all(
                isinstance(one, dict) for one in cast("list[Any]", value)
            )


def _is_name(value: Any) -> bool:
    return _text_mistake(value) is None and len(value) <= limits.NAME
