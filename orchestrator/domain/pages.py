"""Pages of a list that is ordered by a key, in both directions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

DEFAULT_PAGE = 20
LARGEST_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """`limit` items after (or, `backward`, before) the item with the key; from the end where it is none.

    Backward means the last `limit` items before the key. Either way the page comes in the list's order.
    """

    limit: int = DEFAULT_PAGE
    key: str | None = None
    backward: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """Items in the list's order, and whether there are more on either side."""

    items: tuple[T, ...]
    has_next: bool = False
    has_previous: bool = False
    ends: tuple[str, str] | None = None
    """The keys of the first and the last that were listed, where some of those are gone since: it goes on beyond them all the same."""
