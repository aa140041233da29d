"""Whether an agent could answer now, and what a deliberation waits for, as far as one process can tell."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from orchestrator.domain.councils import DEFAULT_ENDPOINT, Agent, Endpoint, Model, Seat
from orchestrator.domain.deliberations import Deliberation, Status
from orchestrator.domain.health import EndpointHealth, EndpointStatus

Health = Callable[[Endpoint], EndpointHealth]


class AgentStatus(StrEnum):
    """Whether an agent could answer now."""

    READY = "READY"
    BUSY = "BUSY"
    OFFLINE = "OFFLINE"
    RETIRED = "RETIRED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """Who holds a deliberation that is under way, by the graph."""

    process: str | None = None
    """None where it was given back."""
    host: str | None = None
    lapsed: datetime | None = None
    """When its lease ran out; none while it runs."""


def agent_status(
    agent: Agent, endpoints: Collection[Endpoint], health: Health, *, busy: bool, rehearsal: bool
) -> AgentStatus:
    """Say how an agent is; `endpoints` are those that serve its model, `busy` says that it has a seat in a running deliberation.

    An endpoint that has not been looked at yet counts as not up: an agent is only called ready
    where something was seen to answer for it.
    """
    if agent.retired:
        return AgentStatus.RETIRED
    if busy:
        return AgentStatus.BUSY
    bound = () if agent.endpoint is None else (agent.endpoint,)
    if agent.model.rehearsal or (rehearsal and not _elsewhere((*bound, *endpoints))):
        return AgentStatus.READY
    for endpoint in _asked(agent.endpoint, endpoints):
        seen = health(endpoint)
        if seen.status is EndpointStatus.UP and seen.may_serve(agent.model.name):
            return AgentStatus.READY
    return AgentStatus.OFFLINE


def waiting_for(
    deliberation: Deliberation,
    models: Mapping[str, Model],
    health: Health,
    *,
    service_waits_for: str | None,
    obstacles: Collection[str] | None,
    holding: Holding | None,
) -> str | None:
    """Say in words why nothing moves; none where nothing is known to stand in the way.

    `models` are those of the seats, by their ids, with the endpoints that serve them now. `obstacles` are
    what its seats wait for, none where another process runs it: of that, `holding` says what the graph
    knows, and the endpoints are as they are seen from here.
    """
    if deliberation.status.ended:
        return None
    if service_waits_for is not None:
        return f"the service is not ready; it waits for {service_waits_for}"
    if deliberation.status is Status.QUEUED:
        return "no process has had room for it yet, or another transaction of the graph locks it"
    if obstacles is None:
        obstacles = _lost(holding) or {
            health(endpoint).obstacle
            or health(endpoint).reason
            or f"endpoint {endpoint.name} is down"
            for seat in deliberation.seats
            for endpoint in _blocking(seat, models.get(seat.model.id, seat.model), health)
        }
    return "; ".join(sorted(obstacles)) or None


def _lost(holding: Holding | None) -> Collection[str]:
    """Say why nobody runs a deliberation that is under way; nothing where somebody does."""
    if holding is None:
        return ()
    if holding.process is None:
        return ("it waits its turn: no process has had room for it since another left it",)
    if holding.lapsed is None:
        return ()
    until = f"{holding.lapsed:%Y-%m-%dT%H:%M:%SZ}"
    return (
        f"process {holding.process} on {holding.host} has not renewed its lease, which ran until {until}; another will take it over",
    )


def _asked(bound: Endpoint | None, serving: Collection[Endpoint]) -> Collection[Endpoint]:
    """Who is bound is asked there and nowhere else."""
    return serving if bound is None else (bound,)


def _elsewhere(endpoints: Collection[Endpoint]) -> bool:
    return any(endpoint.name != DEFAULT_ENDPOINT for endpoint in endpoints)


def _blocking(seat: Seat, model: Model, health: Health) -> Collection[Endpoint]:
    """The endpoints of a seat, where every one of them is down."""
    if model.rehearsal:
        return ()
    asked = _asked(seat.endpoint, model.endpoints)
    down = all(health(endpoint).status is EndpointStatus.DOWN for endpoint in asked)
    return asked if down else ()
