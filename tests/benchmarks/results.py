"""What a benchmark has measured: figures with their spread, as a table and as JSON."""

from __future__ import annotations

import dataclasses
import math
import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

_SURE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One thing measured, as often as there are values.

    `target` is what the figure ought to be, in words. It is shown beside it and judged by readers: a
    busy machine is no reason for a program to fail.
    """

    what: str
    unit: str
    values: tuple[float, ...]
    target: str = ""

    @property
    def median(self) -> float:
        """The middle of the values."""
        return statistics.median(self.values)

    @property
    def interval(self) -> tuple[float, float] | None:
        """Between what the median lies, in 95 of 100 such measurements; none of too few values.

        By their order alone: how many of n values lie below the median is as with n coins.
        """
        count = len(self.values)
        outside, tail = 0, 0.0
        while (tail := tail + math.comb(count, outside) / 2**count) <= (1 - _SURE) / 2:
            outside += 1
        ordered = sorted(self.values)
        return (ordered[outside - 1], ordered[count - outside]) if outside else None

    def to_json(self) -> dict[str, Any]:
        """Return it with median, the median's interval, least and most."""
        return {
            **dataclasses.asdict(self),
            "runs": len(self.values),
            "median": self.median,
            "interval": self.interval,
            "min": min(self.values),
            "max": max(self.values),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The figures of one benchmark, and what a reader has to know beside them."""

    name: str
    figures: tuple[Figure, ...]
    remarks: tuple[str, ...] = ()
    load_before: float
    load_after: float

    def show(self, console: Console) -> None:
        """Print it as a table."""
        table = Table(
            title=f"{self.name} (load of the machine {self.load_before:.1f} before, {self.load_after:.1f} after)",
            title_justify="left",
            title_style="bold",
        )
        table.add_column("what", overflow="fold")
        for column in ("median", "95 %", "min", "max", "runs"):
            table.add_column(column, justify="right", no_wrap=True)
        table.add_column("unit", overflow="fold")
        table.add_column("target", overflow="fold")
        for figure in self.figures:
            interval = figure.interval
            table.add_row(
                figure.what,
                _shown(figure.median),
                "" if interval is None else " to ".join(map(_shown, interval)),
                _shown(min(figure.values)),
                _shown(max(figure.values)),
                str(len(figure.values)),
                figure.unit,
                figure.target,
            )
        console.print(table)
        for remark in self.remarks:
            console.print(f"  {remark}", highlight=False)
        console.print()

    def to_json(self) -> dict[str, Any]:
        """Return all of it."""
        return {
            "name": self.name,
            "load_before": self.load_before,
            "load_after": self.load_after,
            "figures": [figure.to_json() for figure in self.figures],
            "remarks": list(self.remarks),
        }


def ratio(what: str, ours: Sequence[float], theirs: Sequence[float], *, target: str = "") -> Figure:
    """Compare values that were measured in turns, each of ours with the one beside it."""
    pairs = zip(ours, theirs, strict=True)
    return Figure(what=what, unit="ratio", values=tuple(a / b for a, b in pairs), target=target)


def load() -> float:
    """Return how many processes wanted a core, over the last minute."""
    return os.getloadavg()[0]


def _shown(value: float) -> str:
    if value == 0:
        return "0"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    return f"{value:,.{digits}f}"
