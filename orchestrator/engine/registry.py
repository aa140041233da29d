"""What a process knows of councils from its start: a cache, never the truth and never the input of a write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.domain.councils import Council


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """The serving councils by their ids, as they were when they were read.

    It answers how many there are. Whoever needs what holds now asks the graph: another process may have
    changed it since.
    """

    councils: Mapping[str, Council] = field(default_factory=dict[str, Council])

    @property
    def agents(self) -> int:
        """How many agents sit on the councils."""
        return sum(len(council.seats) for council in self.councils.values())
