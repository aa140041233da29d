"""Which process works on what: leases, claims and giving them back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

import structlog

from orchestrator.domain.errors import GivenUpError, UnavailableError
from orchestrator.engine.ports import Case, Held
from orchestrator.graph import reading
from orchestrator.graph.driver import Graph
from orchestrator.graph.errors import OutOfMemoryError

_log = structlog.get_logger(__name__)

_RACES = 16
"""How often in a row others may be quicker; each time they were, what is left is less."""

_ALONE_SECONDS = 1.0
"""How long one by itself is waited for, where one was locked; Neo4j may take two more to notice."""

_LOCKED = 4
"""How many locked ones are passed over before what comes after them is left for the next time."""


async def enter(graph: Graph, process: str, host: str, lease: timedelta) -> None:
    """Write the node of a process, with its first lease."""
    await graph.write("claim/enter", process=process, host=host, lease=_milliseconds(lease))


async def renew(
    graph: Graph, process: str, lease: timedelta, known: Mapping[str, int]
) -> tuple[Held, ...] | None:
    """Renew a lease, run out or not; returns everything that the process still holds, none where it is not there."""
    rows = await graph.write(
        "claim/renew", process=process, lease=_milliseconds(lease), known=dict(known)
    )
    if not rows:
        return None
    held: list[tuple[str, int, int | None]] = rows[0]["held"]
    return tuple(
        Held(deliberation=deliberation, epoch=epoch, time_left=_duration(left))
        for deliberation, epoch, left in held
    )


class Claims:
    """What a process claims; it knows whether it was held up when it last did, such as by a lock that somebody had."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._held_up = False

    async def claim(
        self, process: str, room: int, gone: Collection[str], known: Collection[str], due: int
    ) -> tuple[Held, ...]:
        """Claim up to `room` deliberations; fewer only where there are no more, or others have their locks.

        Up to `due` of them, whose deadline has passed, take none of the room.

        Where an acknowledgement was lost, what it would have told is among them: the process holds it, and does not know it
        from what is `known`.
        """
        claimed: list[Held] = []
        everything = room + due
        most = 1 if self._held_up else everything
        passed_over = 0
        empty_handed = 0
        while len(claimed) < everything:
            overdue = min(due, sum(one.due for one in claimed))
            within = min(most, room - len(claimed) + overdue)
            held = [*known, *(one.deliberation for one in claimed)]
            try:
                rows = await self._graph.write(
                    "claim/claim",
                    seconds=_ALONE_SECONDS if self._held_up else None,
                    process=process,
                    room=within,
                    due=min(most - within, due - overdue),
                    # In a map, or Neo4j would plan it for a second when for the first time a process is gone.
                    knows={"gone": list(gone), "held": held, "past": passed_over},
                )
            except OutOfMemoryError as error:
                # With each goes its case: fewer of them may fit into a transaction.
                if most == 1:
                    self._tell_of(error)
                    raise
                most //= 2
                continue
            except GivenUpError as error:
                # A transaction has all of them or none. One by one, the others are had.
                if not self._held_up:
                    self._tell_of(error)
                    most = 1
                    continue
                if claimed:
                    return tuple(claimed)
                if passed_over == _LOCKED:
                    # It may not be locks at all: the next time all are sought at once again, and for as long as usual.
                    self._held_up = False
                    raise
                passed_over += 1
                continue
            got: list[tuple[str, int, int | None, bool, bool, list[Any] | None]] = (
                rows[0]["claimed"] if rows else []
            )
            new = [
                Held(
                    deliberation=deliberation,
                    epoch=epoch,
                    time_left=_duration(left),
                    resumed=resumed,
                    rehearsal=rehearsal,
                    case=_case(deliberation, epoch, case),
                )
                for deliberation, epoch, left, resumed, rehearsal, case in got
            ]
            claimed += new
            # What another process took while this one waited for its lock leaves room for others.
            sought = rows[0]["sought"] if rows else 0
            empty_handed = 0 if got else empty_handed + 1
            # What is due may have stood before others in their lines.
            whole = most == everything and len(got) == sought and not any(one.due for one in new)
            if sought == 0 or whole or empty_handed == _RACES:
                break
        if self._held_up and not passed_over:
            _log.info("claims_go_on")
            self._held_up = False
        return tuple(claimed)

    def _tell_of(self, error: UnavailableError) -> None:
        if not self._held_up:
            _log.warning("claims_held_up", what=error.what)
        self._held_up = True


def _case(deliberation: str, epoch: int, row: list[Any] | None) -> Case | None:
    if row is None:
        return None
    try:
        return Case(deliberation=reading.deliberation(*row), turns=())
    except Exception as exc:  # noqa: BLE001 - one that cannot be read must not keep the others from being claimed
        # Whoever runs it loads it again, fails at that as well, and ends it.
        _log.warning(
            "case_unreadable",
            deliberation=deliberation,
            epoch=epoch,
            error=type(exc.__cause__ or exc).__name__,
        )
        return None


async def release(graph: Graph, process: str) -> None:
    """Give back every claim of a process and end its lease."""
    await graph.write("claim/release", process=process)


def _milliseconds(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)


def _duration(milliseconds: int | None) -> timedelta | None:
    return None if milliseconds is None else timedelta(milliseconds=milliseconds)
