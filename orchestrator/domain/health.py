"""How an endpoint is, as one process sees it. It is an observation, so it is not in the graph."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class EndpointStatus(StrEnum):
    """Whether an endpoint answers."""

    UP = "UP"
    DOWN = "DOWN"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointHealth:
    """An endpoint as this process sees it."""

    status: EndpointStatus = EndpointStatus.UNKNOWN
    served_models: tuple[str, ...] = ()
    """What it lists; empty where it keeps that to itself, or is not UP."""
    in_flight: int = 0
    reason: str | None = None
    """Why it is DOWN, in words; none where it is not."""
    obstacle: str | None = None
    """Why nothing is sent there now, in words; none where it is."""

    def may_serve(self, model: str) -> bool:
        """Whether nothing is known against asking it for a model: only a list that lacks it is."""
        return not self.served_models or model in self.served_models
