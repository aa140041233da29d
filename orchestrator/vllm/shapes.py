"""What a server's JSON is, looked at before it is used: a server may send anything."""

from __future__ import annotations

from typing import Any, Final, cast

_LARGEST_COUNT: Final = 2**31
"""More is none: what is counted of many calls together has to be a number of JSON."""


def as_object(told: Any) -> dict[str, Any] | None:
    """Return a JSON object; none where it is something else."""
    return cast("dict[str, Any]", told) if isinstance(told, dict) else None


def as_list(told: Any) -> list[Any]:
    """Return a JSON array; an empty one where it is something else."""
    return cast("list[Any]", told) if isinstance(told, list) else []


def as_text(told: Any) -> str | None:
    """Return a JSON string; none where it is something else."""
    return told if isinstance(told, str) else None


def as_count(told: Any) -> int:
    """Return a number of things; 0 where it is none."""
    # Of JSON, 500.0 is the same number as 500.
    whole = isinstance(told, int) or (isinstance(told, float) and told.is_integer())
    counted = whole and not isinstance(told, bool) and 0 <= told < _LARGEST_COUNT
    return int(told) if counted else 0
