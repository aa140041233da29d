"""Seats, calls and an observer of endpoints, as the tests of the client need them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from orchestrator.domain.councils import Agent, Endpoint, Model, Seat
from orchestrator.domain.deliberations import Priority
from orchestrator.domain.health import EndpointHealth
from orchestrator.engine.ports import Call, Message
from orchestrator.vllm.connections import Connections

TURN = "trn_0198f00000000000-p0-s1"


def endpoint(url: str, name: str = "default", key: str | None = None) -> Endpoint:
    return Endpoint(id=f"end_{name}", name=name, url=url, api_key_variable=key)


def seat(
    *endpoints: Endpoint,
    model: str = "tiny",
    bound: Endpoint | None = None,
    rehearsal: bool = False,
    temperature: float = 0.7,
) -> Seat:
    spoken = Model(id="mdl_1", name=model, rehearsal=rehearsal, endpoints=endpoints)
    agent = Agent(
        id="agt_1",
        name="dev-agent-1",
        persona="You are terse.",
        temperature=temperature,
        max_tokens=512,
        model=spoken,
        endpoint=bound,
    )
    return Seat(
        number=1,
        agent=agent,
        persona=agent.persona,
        temperature=temperature,
        max_tokens=512,
        model=spoken,
        endpoint=bound,
    )


def call(
    asked: Seat,
    *,
    turn: str = TURN,
    text: str = "Propose.",
    priority: Priority = Priority.NORMAL,
    answer_schema: Mapping[str, Any] | None = None,
    wait: float | None = 0.0,
) -> Call:
    """`wait` is in seconds; none: for ever."""
    return Call(
        turn=turn,
        epoch=1,
        seat=asked,
        messages=(
            Message(role="system", content="A task."),
            Message(role="user", content=text),
        ),
        max_tokens=64,
        priority=priority,
        answer_schema=answer_schema,
        wait=None if wait is None else timedelta(seconds=wait),
    )


class Seen:
    """An observer of endpoints that is told what it sees."""

    def __init__(self) -> None:
        self.known: dict[str, EndpointHealth] = {}
        self.moved: dict[str, Endpoint] = {}
        self.removed: set[str] = set()
        self.lists: dict[str, list[Endpoint]] = {}
        self.suspected: list[str] = []

    async def latest(self, endpoint: Endpoint) -> Endpoint | None:
        return None if endpoint.id in self.removed else self.moved.get(endpoint.id, endpoint)

    def listing(self, model: str) -> list[Endpoint]:
        return self.lists.get(model, [])

    def health(self, endpoint: Endpoint) -> EndpointHealth:
        return self.known.get(endpoint.id, EndpointHealth())

    def suspect(self, endpoint: Endpoint) -> None:
        self.suspected.append(endpoint.name)


class NoRehearsal:
    """A rehearsal that must not be asked."""

    async def endpoint(self) -> Endpoint:
        raise AssertionError("the rehearsal was asked")


def load(connections: Connections, place: Endpoint) -> int:
    """Return the calls in flight to an endpoint and those that wait to be."""
    gate = connections.gate(place)
    return 0 if gate is None else gate.load


def in_flight(connections: Connections, place: Endpoint) -> int:
    """Return the calls in flight to an endpoint."""
    gate = connections.gate(place)
    return 0 if gate is None else gate.in_flight
