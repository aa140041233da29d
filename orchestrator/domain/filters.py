"""Which councils or deliberations a list is to hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from orchestrator.domain.deliberations import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class CouncilFilter:
    """What is none does not filter."""

    role: str | None = None
    name_contains: str | None = None
    include_archived: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliberationFilter:
    """What is none does not filter; `task` is an id."""

    statuses: tuple[Status, ...] | None = None
    role: str | None = None
    council_id: str | None = None
    task: str | None = None
    accepted_since: datetime | None = None
    accepted_before: datetime | None = None
    external_id: str | None = None
