"""Whether a council is still what the seed says, so that nothing is lost where another takes its place. Pure: no I/O."""

from __future__ import annotations

import json
import re
from typing import Any

from orchestrator.domain.drafts import AgentDraft
from orchestrator.graph.moving.form import Record
from orchestrator.graph.seating import stem_of
from orchestrator.graph.seeding import AgentSeed, CouncilSeed, Seed


def is_as_seeded(council: Record, seed: Seed | None) -> bool:
    """Whether one of the seed's councils would be made as this one is; its version and times say nothing."""
    if seed is None or "servesRole" not in council or "idempotencyKey" in council:
        return False
    return any(_is(council, wanted) for wanted in seed.councils)


def _is(council: Record, wanted: CouncilSeed) -> bool:
    draft, agents = wanted.draft(), council["agents"]
    seats = len(wanted.agents)
    told = (
        wanted.role,
        draft.rounds,
        draft.settled_quorum(seats),
        draft.protocol,
        draft.decision,
        seats,
    )
    found = (
        council["serves"],
        council["rounds"],
        council["quorum"],
        council["protocol"],
        council["decision"],
        len(agents),
    )
    return (
        told == found
        and _named(council["name"], wanted.name, wanted.role, "council")
        and all(map(_is_agent, agents, wanted.agents, draft.agents, [wanted.role] * seats))
    )


def _is_agent(agent: Record, wanted: AgentSeed, draft: AgentDraft, role: str) -> bool:
    metadata: Any = json.loads(agent["metadata"]) if "metadata" in agent else None
    speaks = {"default": True} if wanted.model is None else {"model": wanted.model}
    return (
        _named(agent["name"], wanted.name, role, "agent")
        and agent.get("persona") == wanted.persona
        and agent["temperature"] == draft.settled_temperature
        and agent["maxTokens"] == draft.settled_max_tokens
        and metadata == wanted.metadata
        and speaks.items() <= agent["speaksWith"].items()
        and ("default" in agent["speaksWith"]) == ("default" in speaks)
        and "boundTo" not in agent
        and "idempotencyKey" not in agent
    )


def _named(name: str, wanted: str | None, role: str, what: str) -> bool:
    if wanted is not None:
        return name == wanted
    return re.fullmatch(rf"{re.escape(stem_of(role))}-{what}-\d+", name) is not None
