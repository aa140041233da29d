"""How many values the variables of an operation have: each is read and copied wherever its variable is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from orchestrator.api.limits import LimitError

MOST_VALUES = 10_000
"""Of all variables together, lists and objects among them. Metadata of the longest kind has half as many."""


def too_many_values(variables: Mapping[str, Any] | None) -> tuple[LimitError, ...]:
    """Say that there are too many, where there are; how many more is not counted."""
    count = 0
    waiting: list[object] = [variables or {}]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            within = list(cast("dict[str, object]", value).values())
        elif isinstance(value, list):
            within = cast("list[object]", value)
        else:
            continue
        count += len(within)
        if count > MOST_VALUES:
            message = (
                f"the variables have {count} values or more, and may have {MOST_VALUES} at most"
            )
            return (LimitError("values", count, MOST_VALUES, message),)
        waiting += within
    return ()
