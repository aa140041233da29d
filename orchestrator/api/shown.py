"""What the types of the schema that show a value of the domain have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

S = TypeVar("S")


class Shown(Generic[S]):
    """Shows a value of the domain: a field without a resolver is the value's attribute of that name.

    Nothing is copied: a page of councils has hundreds of seats, and of each only some fields are asked for.
    """

    source: S  # pyright: ignore[reportUninitializedInstanceVariable] - `of` sets it: Strawberry writes its own __init__

    @classmethod
    def of(cls, source: S) -> Self:
        """Show a value."""
        shown = cls.__new__(cls)
        shown.source = source
        return shown

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name == "source":
                raise AttributeError(name)
            return getattr(self.source, name)
