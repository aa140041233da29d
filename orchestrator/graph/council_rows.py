"""From the positional lists of statements to roles, councils, agents, models, endpoints and seats."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

from neo4j import Record

from orchestrator.domain.councils import (
    Agent,
    Council,
    Decision,
    Endpoint,
    Model,
    ProtocolName,
    Role,
    Seat,
)
from orchestrator.domain.errors import UnreadableError

_NUMBER = itemgetter(0)


class Rows:
    """Builds values and shares those that come again, such as the one model that most agents speak with."""

    def __init__(self) -> None:
        self.endpoints: dict[str, Endpoint] = {}
        self.models: dict[str, Model] = {}
        self._agents: dict[str, Agent] = {}
        self._texts: dict[str, str] = {}

    def endpoint(self, row: Sequence[Any]) -> Endpoint:
        """Build an endpoint from id, name, url, apiKeyVariable."""
        key, name, url, variable = row
        found = self.endpoints.get(key)
        if found is None:
            found = Endpoint(id=key, name=name, url=url, api_key_variable=variable)
            self.endpoints[key] = found
        return found

    def model(self, row: Sequence[Any]) -> Model:
        """Build a model from id, name, rehearsal and its endpoints, given whole or by their ids.

        Raises:
            UnreadableError: an endpoint that was given by its id was not built before: it was registered since.
        """
        key, name, rehearsal, endpoints = row
        found = self.models.get(key)
        if found is None:
            served = (
                self.endpoints[one] if isinstance(one, str) else self.endpoint(one)
                for one in endpoints
            )
            with _naming_newer(key):
                ordered = tuple(sorted(served, key=lambda endpoint: endpoint.name))
            found = Model(id=key, name=name, rehearsal=bool(rehearsal), endpoints=ordered)
            self.models[key] = found
        return found

    def agent(self, row: Sequence[Any]) -> Agent:
        """Build an agent from a list of its own, with its model and endpoint whole.

        Raises:
            UnreadableError: it has no model: that is changed for another, for all to see how far Neo4j has come with it, or it is a fault
                of the graph.
        """
        (
            key,
            name,
            persona,
            temperature,
            tokens,
            model,
            endpoint,
            retired,
            metadata,
            council,
        ) = row
        found = self._agents.get(key)
        if found is None:
            if model is None:
                raise UnreadableError(key)
            found = Agent(
                id=key,
                name=name,
                persona=self._text(persona),
                temperature=temperature,
                max_tokens=tokens,
                model=self.model(model),
                endpoint=None if endpoint is None else self.endpoint(endpoint),
                retired=retired,
                metadata=metadata,
                council_id=council,
            )
            self._agents[key] = found
        return found

    def accepted_seat(self, row: Sequence[Any]) -> Seat:
        """Build a seat as `deliberation/read` has it: as it was at accept, of an agent as it is now."""
        number, persona, temperature, tokens, model, endpoint, agent = row
        return Seat(
            number=number,
            agent=self.agent(agent),
            persona=self._text(persona),
            temperature=temperature,
            max_tokens=tokens,
            model=self.model(model),
            endpoint=None if endpoint is None else self.endpoint(endpoint),
        )

    def council(self, row: Sequence[Any]) -> Council:
        """Build a council from council, role, seats, what is bound to an endpoint, and how many sit on it.

        Raises:
            UnreadableError: not each of them was found once. Seats are numbered anew, and a model is changed for another, for all to
                see how far Neo4j has come with it; an agent without a model is a fault of the graph.
        """
        council, role, seats, bound, sitting = row
        key = council[0]
        seats.sort(key=_NUMBER)
        if [seat[0] for seat in seats] != list(range(1, sitting + 1)):
            raise UnreadableError(key)
        endpoints = {agent: self.endpoint(endpoint) for agent, endpoint in bound}
        return _council(council, role, [self._council_seat(seat, endpoints, key) for seat in seats])

    def _council_seat(
        self, row: Sequence[Any], endpoints: Mapping[str, Endpoint], council: str
    ) -> Seat:
        number, key, name, persona, temperature, tokens, metadata, model = row
        agent = Agent(
            id=key,
            name=name,
            persona=persona,
            temperature=temperature,
            max_tokens=tokens,
            model=self.model(model),
            endpoint=endpoints.get(key),
            metadata=metadata,
            council_id=council,
        )
        return _seat(number, agent)

    def rehydrated(
        self, row: Sequence[Any], role: Sequence[Any], seats: Sequence[Sequence[Any]]
    ) -> Council:
        """Build a council whose models and endpoints were built before.

        Raises:
            UnreadableError: one of them was not: it came into the graph after they were read.
        """
        with _naming_newer(row[0]):
            rehydrated = [self._rehydrated_seat(seat, row[0]) for seat in seats]
        return _council(row, role, rehydrated)

    def _rehydrated_seat(self, row: Sequence[Any], council: str) -> Seat:
        number, key, name, persona, temperature, tokens, metadata, model_id, endpoint_id = row
        model = self.models[model_id]
        endpoint = None if endpoint_id is None else self.endpoints[endpoint_id]
        agent = Agent(
            id=key,
            name=name,
            persona=self._text(persona),
            temperature=temperature,
            max_tokens=tokens,
            model=model,
            endpoint=endpoint,
            metadata=metadata,
            council_id=council,
        )
        return _seat(number, agent)

    def _text(self, text: str | None) -> str | None:
        return None if text is None else self._texts.setdefault(text, text)


@contextmanager
def _naming_newer(key: str) -> Generator[None]:
    """Say what names something that was not there yet when the part of the statement before it was read."""
    try:
        yield
    except KeyError as exc:
        raise UnreadableError(key) from exc


def _council(row: Sequence[Any], role: Sequence[Any], seats: Sequence[Seat]) -> Council:
    key, name, protocol, rounds, quorum, decision, version, created, updated, archived = row
    return Council(
        id=key,
        name=name,
        role=role_from(role),
        seats=tuple(seats),
        protocol=ProtocolName(protocol),
        rounds=rounds,
        quorum=quorum,
        decision=Decision(decision),
        version=version,
        created_at=_instant(created),
        updated_at=_instant(updated),
        archived_at=None if archived is None else _instant(archived),
    )


def _seat(number: int, agent: Agent) -> Seat:
    """Build a seat of a council, which is as its agent is."""
    return Seat(
        number=number,
        agent=agent,
        persona=agent.persona,
        temperature=agent.temperature,
        max_tokens=agent.max_tokens,
        model=agent.model,
        endpoint=agent.endpoint,
    )


def role_from(row: Sequence[Any]) -> Role:
    """Build a role from id, name, description and the id of the council that serves it."""
    key, name, description, council = row
    return Role(id=key, name=name, description=description, council_id=council)


def councils_from(records: Sequence[Record]) -> tuple[Council, ...]:
    """Build the councils of an answer of one record."""
    rows = Rows()
    return tuple([rows.council(row) for row in records[0]["councils"]])


def agents_from(records: Sequence[Record]) -> tuple[Agent, ...]:
    """Build the agents of an answer of one record."""
    rows = Rows()
    return tuple([rows.agent(row) for row in records[0]["agents"]])


def _instant(milliseconds: int) -> datetime:
    """Read an instant from an integer: ten times as fast as the driver's own DateTime."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
