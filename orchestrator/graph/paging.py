"""Pages of a list that goes by ids: which ids to look between, and what one item too many says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from orchestrator.domain.ids import Prefix, with_prefix
from orchestrator.domain.pages import Page, PageRequest

T = TypeVar("T")

_BEFORE_ALL = ""
_AFTER_ALL = "~"
"""Greater than every id: `~` follows all letters, digits and `_`."""

_CLOCKS_DIFFER = timedelta(days=1)
"""By how much, at most, the clock of whoever made an id differs from Neo4j's."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The ids between which a statement looks, neither of them included."""

    above: str = _BEFORE_ALL
    below: str = _AFTER_ALL


def span(page: PageRequest) -> Span:
    """Where a page lies in a list whose newest item comes first."""
    if page.key is None:
        return Span()
    return Span(above=page.key) if page.backward else Span(below=page.key)


def narrowed(span: Span, prefix: Prefix, since: datetime | None, before: datetime | None) -> Span:
    """Leave out what by its id is far older or newer, so that a bound in time doesn't walk a whole index.

    The times themselves are compared by the statement: an id is made by another clock.
    """
    above, below = span.above, span.below
    if since is not None:
        above = max(above, _made_at(prefix, _moved(since, -_CLOCKS_DIFFER)))
    if before is not None:
        below = min(below, _made_at(prefix, _moved(before, _CLOCKS_DIFFER)))
    return Span(above=above, below=below)


def page_of(request: PageRequest, found: Sequence[T]) -> Page[T]:
    """Make a page of one item more than was asked for: the one too many says that there are more."""
    more = len(found) > request.limit
    items = tuple(found[: request.limit])
    # A key is a cursor that came from an item, so where one was given there is something behind it.
    if request.backward:
        return Page(items=items[::-1], has_next=request.key is not None, has_previous=more)
    return Page(items=items, has_next=more, has_previous=request.key is not None)


def _moved(moment: datetime, by: timedelta) -> datetime:
    """Move a moment; where the calendar ends before that, nothing lies beyond it either."""
    try:
        return moment + by
    except OverflowError:
        return moment


def _made_at(prefix: Prefix, moment: datetime) -> str:
    """The beginning of an id: a version 7 UUID begins with 48 bits of milliseconds."""
    milliseconds = max((moment - _EPOCH) // timedelta(milliseconds=1), 0)
    return with_prefix(prefix, f"{milliseconds:012x}")
