"""The values of the API's enums."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from typing_extensions import override


class Word(StrEnum):
    """One of the values that were known when the client was made, or any that a newer service has."""

    @override
    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        unknown = str.__new__(cls, value)
        unknown._name_ = unknown._value_ = value
        return unknown
