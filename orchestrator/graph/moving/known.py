"""What a file has said so far: whatever a later line names must be among it. Pure: no I/O."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, cast

from orchestrator.domain.validation import Inspection, Path
from orchestrator.graph.moving.form import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """A deliberation that is a retry `of` another one, and the id of its task."""

    id: str
    of: str
    task: str


@dataclass(slots=True)
class Known:
    """What a file has said so far; of deliberations only digests are kept."""

    roles: dict[str, str] = field(default_factory=dict)
    """Name to id."""
    endpoints: dict[str, str] = field(default_factory=dict)
    removed_endpoints: set[str] = field(default_factory=set)
    models: dict[str, bool] = field(default_factory=dict)
    """Name to whether it is a rehearsal model."""
    default_model: str | None = None
    councils: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Id to role and version."""
    serving: dict[str, str] = field(default_factory=dict)
    agents: set[str] = field(default_factory=set)
    agent_names: set[str] = field(default_factory=set)
    processes: set[str] = field(default_factory=set)
    digests: dict[bytes, bytes] = field(default_factory=dict)

    broken: set[str] = field(default_factory=set)
    """Ids and names in lines whose fields are wrong: nobody is blamed for naming them."""

    def remember(self, record: Record) -> None:
        """Know what a broken line is about, as far as it can be known."""
        agents = record.get("agents")
        for one in (record, *(cast("list[Any]", agents) if isinstance(agents, list) else ())):
            if isinstance(one, dict):
                fields = cast("Record", one)
                named = (fields.get(key) for key in ("id", "name"))
                self.broken.update(value for value in named if isinstance(value, str))

    def lacks(self, known: Collection[str], named: str) -> bool:
        """Whether no line so far, not even a broken one, is about what is named."""
        return named not in known and named not in self.broken

    def deliberated(self, identifier: str, task: str) -> None:
        """Keep what a deliberation is about, for those that retry it."""
        self.digests[_name("deliberation", "about", identifier)] = _digest(task)

    def retried(self, retry: Retry) -> None:
        """Keep what a deliberation retries."""
        name = _name("deliberation", "retries", retry.id)
        self.digests[name] = _name("deliberation", "retries", retry.of)

    def retries_itself(self, identifier: str) -> bool:
        """Whether what a deliberation retries, in the end, is itself."""
        start = at = _name("deliberation", "retries", identifier)
        passed: set[bytes] = set()
        while at not in passed and at in self.digests:
            passed.add(at)
            at = self.digests[at]
        return at == start and bool(passed)

    def undecided(self, identifier: str) -> None:
        """Keep that a deliberation has ended without a verdict: no other can be retried."""
        self.digests[_name("deliberation", "undecided", identifier)] = b""

    def is_undecided(self, identifier: str) -> bool:
        """Whether a deliberation so far has ended without a verdict."""
        return _name("deliberation", "undecided", identifier) in self.digests

    def is_about(self, identifier: str, task: str) -> bool | None:
        """Whether a deliberation so far is about a task; none where there is no such deliberation."""
        found = self.digests.get(_name("deliberation", "about", identifier))
        return None if found is None else found == _digest(task)

    def once(
        self, inspection: Inspection, path: Path, area: str, key: str, *, content: str = ""
    ) -> None:
        """Keep a mistake where the same key came before, unless it came with the same content."""
        name = _name(area, path[-1], key)
        found = _digest(content) if content else b""
        if name not in self.digests:
            self.digests[name] = found
        elif not content:
            inspection.add(path, f"another {area} in this file has this {path[-1]}")
        elif self.digests[name] != found:
            inspection.add(path, f"this {area} came before, with another content")


def _name(area: str, field: str, key: str) -> bytes:
    return _digest(f"{area}\0{field}\0{key}")


def unknown(what: str, name: Any) -> str:
    return f"the file has no {what} {shown(name)} before this line"


def shown(value: Any) -> str:
    return repr(value)[:100]


def metadata_of(text: str | None) -> tuple[object, bool]:
    """Read what is stored as JSON text, as the API does."""
    if text is None:
        return None, True
    try:
        return json.loads(text), True
    except (ValueError, RecursionError):
        return None, False


def _digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=16).digest()
