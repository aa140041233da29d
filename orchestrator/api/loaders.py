"""What the resolvers of one operation read by id: collected, so that a level costs one statement."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import TypeVar

from strawberry.dataloader import DataLoader

from orchestrator.api.ports import Councils, Records
from orchestrator.domain.availability import Holding
from orchestrator.domain.councils import Agent, Council, Endpoint, Model, Role
from orchestrator.domain.deliberations import Deliberation, Retries, Task
from orchestrator.domain.reading import Reading, read
from orchestrator.domain.transcripts import Transcript

T = TypeVar("T")


class Loaders:
    """One loader a kind of thing; each gives none for an id that leads nowhere."""

    def __init__(self, councils: Councils, records: Records) -> None:
        """Nothing is read until something is asked for."""
        self.roles: DataLoader[str, Role | None] = _by_id(councils.roles_by_id)
        self.councils: DataLoader[str, Council | None] = _by_id(councils.councils_by_id)
        self.agents: DataLoader[str, Agent | None] = _by_id(councils.agents_by_id)
        self.models: DataLoader[str, Model | None] = _by_id(councils.models_by_id)
        self.endpoints: DataLoader[str, Endpoint | None] = _by_id(councils.endpoints_by_id)
        self.tasks: DataLoader[str, Task | None] = _by_id(records.tasks_by_id)
        self.deliberations: DataLoader[str, Deliberation | None] = _by_id(
            records.deliberations_by_id
        )
        self.retries: DataLoader[str, Retries | None] = _by_id(records.retries)
        self.readings: DataLoader[str, Reading] = _readings(records)
        self.holdings: DataLoader[str, Holding | None] = _by_id(records.holdings)


def _by_id(
    fetch: Callable[[Collection[str]], Awaitable[Mapping[str, T]]],
) -> DataLoader[str, T | None]:
    async def load(ids: list[str]) -> list[T | None]:
        found = await fetch(ids)
        return [found.get(identifier) for identifier in ids]

    return DataLoader(load_fn=load)


def _readings(records: Records) -> DataLoader[str, Reading]:
    async def load(ids: list[str]) -> list[Reading]:
        found = await records.transcripts(ids)
        return [read(found.get(identifier) or _nothing_recorded(identifier)) for identifier in ids]

    return DataLoader(load_fn=load)


def _nothing_recorded(deliberation: str) -> Transcript:
    return Transcript(deliberation=deliberation, turns=(), claims=(), outcome=None, ended=None)
