"""Which deliberation is claimed first, by the number that `waiting` has."""

from __future__ import annotations

from typing import Final

from orchestrator.domain.deliberations import Priority

_FIRST_TO_LAST: Final = (Priority.HIGH, Priority.NORMAL, Priority.LOW)


def place_in_queue(priority: Priority, *, under_way: bool) -> int:
    """Return the number of one that nobody holds: of one priority, those under way come before new ones.

    A statement that gives a place to what it finds in the graph numbers it itself; a test holds that alike.
    """
    return 2 * _FIRST_TO_LAST.index(priority) + (not under_way)
