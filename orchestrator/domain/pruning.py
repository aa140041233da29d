"""What is taken out of a graph that has grown, and how large it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Keep(StrEnum):
    """What stays of a deliberation that is pruned."""

    WINNERS = "winners"
    """Every node, but no content other than the winning proposal's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruning:
    """What to prune: whatever ended before a moment. Where nothing is kept, it is removed whole."""

    before: datetime
    keep: Keep | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """How many nodes were removed; where winners are kept, how many deliberations and turns were emptied."""

    deliberations: int = 0
    turns: int = 0
    seats: int = 0
    claims: int = 0
    verdicts: int = 0
    tasks: int = 0
    processes: int = 0
    """That had ended long ago, and were on no claim any more."""

    def __add__(self, other: Pruned) -> Pruned:
        """Add up two."""
        return Pruned(
            deliberations=self.deliberations + other.deliberations,
            turns=self.turns + other.turns,
            seats=self.seats + other.seats,
            claims=self.claims + other.claims,
            verdicts=self.verdicts + other.verdicts,
            tasks=self.tasks + other.tasks,
            processes=self.processes + other.processes,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphSize:
    """How much is in the graph."""

    councils: int
    agents: int
    tasks: int
    deliberations: int
    turns: int
    nodes: int
    relationships: int
