"""Which process works on what: leases, claims and giving them back."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from orchestrator.engine.ports import Case, Held
from orchestrator.graph import reading
from orchestrator.graph.driver import Graph


async def enter(graph: Graph, process: str, host: str, lease: timedelta) -> None:
    """Write the node of a process, with its first lease."""
    await graph.write("claim/enter", process=process, host=host, lease=_milliseconds(lease))


async def renew(graph: Graph, process: str, lease: timedelta) -> tuple[Held, ...]:
    """Renew a lease, run out or not; returns everything that the process still holds."""
    (row,) = await graph.write("claim/renew", process=process, lease=_milliseconds(lease))
    held: list[tuple[str, int, int | None]] = row["held"]
    return tuple(
        Held(deliberation=deliberation, epoch=epoch, time_left=_duration(left))
        for deliberation, epoch, left in held
    )


async def claim(graph: Graph, process: str, room: int, gone: Collection[str]) -> tuple[Held, ...]:
    """Claim up to `room` deliberations; fewer only where there are no more.

    After an UnavailableError some may have been claimed: the next renewal names them.
    """
    claimed: list[Held] = []
    while len(claimed) < room:
        rows = await graph.write(
            "claim/claim", process=process, room=room - len(claimed), gone=list(gone)
        )
        got: list[tuple[str, int, int | None, bool, list[Any] | None]] = (
            rows[0]["claimed"] if rows else []
        )
        claimed += [
            Held(
                deliberation=deliberation,
                epoch=epoch,
                time_left=_duration(left),
                resumed=resumed,
                case=None
                if case is None
                else Case(deliberation=reading.deliberation(*case), turns=()),
            )
            for deliberation, epoch, left, resumed, case in got
        ]
        # What another process took while this one waited for its lock leaves room for others.
        if not rows or len(got) == rows[0]["sought"]:
            break
    return tuple(claimed)


async def release(graph: Graph, process: str) -> None:
    """Give back every claim of a process and end its lease."""
    await graph.write("claim/release", process=process)


def _milliseconds(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)


def _duration(milliseconds: int | None) -> timedelta | None:
    return None if milliseconds is None else timedelta(milliseconds=milliseconds)
