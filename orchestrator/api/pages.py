"""Connections: pages of a list, by Relay's Cursor Connections specification, with opaque cursors."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Generic, TypeVar

import strawberry

from orchestrator.domain.errors import InvalidInput, RefusedError
from orchestrator.domain.pages import DEFAULT_PAGE, LARGEST_PAGE, Page, PageRequest

_LONGEST_CURSOR = 4_000
"""Characters: more than any that a list gives out, and few enough to be read as often as it is sent."""

T = TypeVar("T")
D = TypeVar("D")

First = Annotated[
    int | None,
    strawberry.argument(
        description=f"How many, from the beginning or after `after`: {DEFAULT_PAGE} unless told, {LARGEST_PAGE} at most."
    ),
]
After = Annotated[
    str | None,
    strawberry.argument(
        description="The cursor to go on after, with `first`; not together with `last` or `before`."
    ),
]
Last = Annotated[
    int | None,
    strawberry.argument(
        description="How many, from the end or before `before`; not together with `first`."
    ),
]
Before = Annotated[
    str | None,
    strawberry.argument(
        description="The cursor to go back from, with `last`; not together with `first` or `after`."
    ),
]


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    """Where a page stands."""

    has_next_page: bool = strawberry.field(
        description="Whether there are more after this page; with `before` it is true, as the list went on there when the cursor was given out."
    )
    has_previous_page: bool = strawberry.field(
        description="Whether there are more before this page; with `after` it is true, as the list began before the cursor when it was given out."
    )
    start_cursor: str | None = strawberry.field(description="The cursor of the first of the page.")
    end_cursor: str | None = strawberry.field(description="The cursor of the last of the page.")


def _cursor_of(self: Edge[Any]) -> str:
    return cursor(self.key)


@strawberry.type(description="One of a page, with its cursor.")
class Edge(Generic[T]):
    """One of a page."""

    cursor: str = strawberry.field(
        resolver=_cursor_of, description="Stays good while others are added and removed."
    )
    node: T = strawberry.field(description="What the page is a page of.")
    key: strawberry.Private[str]


@strawberry.type(description="A page of a list.")
class Connection(Generic[T]):
    """A page of a list."""

    edges: list[Edge[T]] = strawberry.field(description="The page, in the list's order.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
    count: strawberry.Private[Callable[[], Awaitable[int]]]

    @strawberry.field(
        description="How many the whole list has; counted only where it is asked for."
    )
    async def total_count(self) -> int:
        return await self.count()


def connection(
    page: Page[D],
    *,
    node: Callable[[D], T],
    key: Callable[[D], str],
    count: Callable[[], Awaitable[int]],
) -> Connection[T]:
    """Make a connection of a page; `key` is what the cursor of an item holds."""
    edges = [Edge(key=key(item), node=node(item)) for item in page.items]
    ends = page.ends or ((edges[0].key, edges[-1].key) if edges else None)
    return Connection(
        edges=edges,
        page_info=PageInfo(
            has_next_page=page.has_next,
            has_previous_page=page.has_previous,
            start_cursor=None if ends is None else cursor(ends[0]),
            end_cursor=None if ends is None else cursor(ends[1]),
        ),
        count=count,
    )


def cursor(key: str) -> str:
    """Hide the key of an item, so that nobody builds on it."""
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def page_request(
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
    *,
    is_key: Callable[[str], bool],
) -> PageRequest:
    """Read the arguments of a connection; `is_key` knows the keys of its cursors.

    Raises:
        RefusedError: an argument is wrong, or goes ill with another; all of them are named.
    """
    mistakes = [
        InvalidInput(message=message, path=(argument,))
        for argument, message in (
            ("first", _size_mistake("first", first)),
            ("last", _size_mistake("last", last)),
            ("last", _both_ways(first, after, last, before)),
            ("after", _cursor_mistake("after", after, is_key)),
            ("before", _cursor_mistake("before", before, is_key)),
        )
        if message is not None
    ]
    if mistakes:
        raise RefusedError(*mistakes)
    backward = last is not None or before is not None
    limit = last if backward else first
    cursor_given = before if backward else after
    return PageRequest(
        limit=DEFAULT_PAGE if limit is None else limit,
        key=None if cursor_given is None else _key(cursor_given),
        backward=backward,
    )


def _size_mistake(argument: str, size: int | None) -> str | None:
    if size is None or 0 <= size <= LARGEST_PAGE:
        return None
    return f"{argument} must be from 0 to {LARGEST_PAGE}, and is {size}"


def _both_ways(
    first: int | None, after: str | None, last: int | None, before: str | None
) -> str | None:
    forward = first is not None or after is not None
    backward = last is not None or before is not None
    if forward and backward:
        return "a page goes one way: give first and after, or last and before"
    return None


def _cursor_mistake(argument: str, given: str | None, is_key: Callable[[str], bool]) -> str | None:
    if given is None:
        return None
    key = _key(given) if len(given) <= _LONGEST_CURSOR else None
    if key is None or cursor(key) != given or not is_key(key):
        return f"{argument} must be a cursor that this list gave out"
    return None


def _key(given: str) -> str | None:
    try:
        padded = given.encode() + b"=" * (-len(given) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (UnicodeError, binascii.Error):
        return None
