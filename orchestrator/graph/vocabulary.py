"""What may be in the graph: labels with their properties, and relationships. `doctor` holds the graph against it."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from orchestrator.domain.councils import Decision, ProtocolName
from orchestrator.domain.deliberations import (
    Priority,
    Status,
    StopReason,
    TurnKind,
    TurnOutcome,
)
from orchestrator.domain.ids import Prefix

TEXT = ("STRING NOT NULL",)
WHOLE = ("INTEGER NOT NULL",)
FRACTION = ("FLOAT NOT NULL",)
TRUTH = ("BOOLEAN NOT NULL",)
INSTANT = ("ZONED DATETIME NOT NULL",)
TEXTS = ("LIST<STRING NOT NULL> NOT NULL", "LIST<NOTHING> NOT NULL")
"""Types, in the words of Cypher's valueType; an empty list has a type of its own."""

Types = dict[str, tuple[str, ...]]

_USAGE: Types = {
    "promptTokens": WHOLE,
    "cachedPromptTokens": WHOLE,
    "completionTokens": WHOLE,
    "calls": WHOLE,
}
_REQUEST: Types = {"idempotencyKey": TEXT, "inputDigest": TEXT}
_LOCK: Types = {"lock": TRUTH}
_AUTHORS: Types = {"createdBy": TEXT, "updatedBy": TEXT}
_NAMED: Types = {"id": TEXT, "name": TEXT}

REQUIRED: dict[str, Types] = {
    "Role": {**_NAMED, "agentsNamed": WHOLE, "councilsNamed": WHOLE},
    "Council": {
        **_NAMED,
        "protocol": TEXT,
        "rounds": WHOLE,
        "quorum": WHOLE,
        "decision": TEXT,
        "version": WHOLE,
        "createdAt": INSTANT,
        "updatedAt": INSTANT,
    },
    "Agent": {**_NAMED, "temperature": FRACTION, "maxTokens": WHOLE},
    "Model": {**_NAMED, "rehearsal": TRUTH},
    "Endpoint": {**_NAMED, "url": TEXT},
    "RemovedEndpoint": {**_NAMED, "url": TEXT, "removedAt": INSTANT},
    "Task": {"id": TEXT, "description": TEXT, "requirements": TEXTS},
    "Deliberation": {
        "id": TEXT,
        "councilId": TEXT,
        "role": TEXT,
        "councilVersion": WHOLE,
        "protocol": TEXT,
        "rounds": WHOLE,
        "quorum": WHOLE,
        "decision": TEXT,
        "priority": TEXT,
        "status": TEXT,
        "rehearsal": TRUTH,
        "acceptedAt": INSTANT,
        "epoch": WHOLE,
        "sequence": WHOLE,
        "resumptions": WHOLE,
        **_USAGE,
    },
    "Seat": {"number": WHOLE, "temperature": FRACTION, "maxTokens": WHOLE},
    "Turn": {
        "id": TEXT,
        "sequence": WHOLE,
        "seat": WHOLE,
        "kind": TEXT,
        "round": WHOLE,
        "sample": WHOLE,
        "outcome": TEXT,
        "attempts": WHOLE,
        "latencyMs": WHOLE,
        "startedAt": INSTANT,
        "finishedAt": INSTANT,
        **_USAGE,
    },
    "Verdict": {
        "id": TEXT,
        "margin": FRACTION,
        "partial": TRUTH,
        "decision": TEXT,
        "decidedAt": INSTANT,
    },
    "Claim": {"id": TEXT, "sequence": WHOLE, "epoch": WHOLE, "at": INSTANT, "resumed": TRUTH},
    "Process": {"id": TEXT, "host": TEXT, "startedAt": INSTANT, "leaseUntil": INSTANT},
    "Migration": {"name": TEXT, "checksum": TEXT, "appliedAt": INSTANT},
    "Seeding": {"at": INSTANT, "councils": WHOLE},
    "Lock": {"name": TEXT},
    **{label: {} for label in ("Queued", "Running", "Decided", "Failed", "Cancelled")},
    **{label: {} for label in ("Proposal", "Critique", "Ballot", "Final")},
}
"""The labels, with what each node of theirs has."""

OPTIONAL: dict[str, Types] = {
    "Role": {"description": TEXT, "createdBy": TEXT, **_REQUEST, **_LOCK},
    "Council": {"servesRole": TEXT, "archivedAt": INSTANT, **_AUTHORS, **_REQUEST, **_LOCK},
    "Agent": {"persona": TEXT, "metadata": TEXT, "retired": TRUTH, **_AUTHORS, **_REQUEST, **_LOCK},
    "Model": {"isDefault": TRUTH},
    "Endpoint": {"apiKeyVariable": TEXT, "listedModels": TEXTS, **_AUTHORS, **_REQUEST, **_LOCK},
    "RemovedEndpoint": {"apiKeyVariable": TEXT, **_AUTHORS, **_REQUEST, **_LOCK},
    "Task": {"context": TEXT, "rubric": TEXT, "externalId": TEXT, "metadata": TEXT, **_LOCK},
    "Deliberation": {
        "externalId": TEXT,
        "stopReason": TEXT,
        "failure": TEXT,
        "waiting": WHOLE,
        "holder": TEXT,
        "startedAt": INSTANT,
        "finishedAt": INSTANT,
        "deadline": INSTANT,
        "tokenBudget": WHOLE,
        "tokensReserved": WHOLE,
        "tokensSettled": WHOLE,
        "prunedAt": INSTANT,
        "pruning": TRUTH,
        "createdBy": TEXT,
        "cancelledBy": TEXT,
        **_REQUEST,
        **_LOCK,
    },
    "Seat": {"persona": TEXT},
    "Turn": {
        "content": TEXT,
        "reasoning": TEXT,
        "absence": TEXT,
        "finishReason": TEXT,
        "promptVersion": TEXT,
    },
    "Verdict": {"agreement": FRACTION},
    "Lock": _LOCK,
}
"""What a node may have besides."""

ENUMS: dict[str, dict[str, type[StrEnum]]] = {
    "Council": {"protocol": ProtocolName, "decision": Decision},
    "Deliberation": {
        "protocol": ProtocolName,
        "decision": Decision,
        "priority": Priority,
        "status": Status,
        "stopReason": StopReason,
    },
    "Turn": {"kind": TurnKind, "outcome": TurnOutcome},
    "Verdict": {"decision": Decision},
}
"""Properties that name one of a few things."""

PREFIXES: dict[str, Prefix] = {
    "Role": Prefix.ROLE,
    "Council": Prefix.COUNCIL,
    "Agent": Prefix.AGENT,
    "Model": Prefix.MODEL,
    "Endpoint": Prefix.ENDPOINT,
    "RemovedEndpoint": Prefix.ENDPOINT,
    "Task": Prefix.TASK,
    "Deliberation": Prefix.DELIBERATION,
    "Turn": Prefix.TURN,
    "Verdict": Prefix.VERDICT,
    "Claim": Prefix.CLAIM,
    "Process": Prefix.PROCESS,
}

RELATIONSHIPS: tuple[tuple[str, str, str], ...] = (
    ("SERVES", "Council", "Role"),
    ("SITS_ON", "Agent", "Council"),
    ("SPEAKS_WITH", "Agent", "Model"),
    ("SPEAKS_WITH", "Seat", "Model"),
    ("SERVED_BY", "Model", "Endpoint"),
    ("BOUND_TO", "Agent", "Endpoint"),
    ("BOUND_TO", "Seat", "Endpoint"),
    ("BOUND_TO", "Seat", "RemovedEndpoint"),
    ("HELD", "Council", "Deliberation"),
    ("ABOUT", "Deliberation", "Task"),
    ("RETRIES", "Deliberation", "Deliberation"),
    ("SEATS", "Deliberation", "Seat"),
    ("OF", "Seat", "Agent"),
    ("HAS_TURN", "Deliberation", "Turn"),
    ("TOOK", "Seat", "Turn"),
    ("REVISES", "Proposal", "Proposal"),
    ("CRITIQUES", "Critique", "Proposal"),
    ("ANSWERS", "Proposal", "Critique"),
    ("RANKS", "Ballot", "Proposal"),
    ("REACHED", "Deliberation", "Verdict"),
    ("RANKED", "Verdict", "Proposal"),
    ("CHOSE", "Verdict", "Proposal"),
    ("CLAIMED", "Deliberation", "Claim"),
    ("BY", "Claim", "Process"),
)
"""Types of relationships, each from one label to another."""

RELATIONSHIPS_REQUIRE: dict[str, Types] = {
    "SITS_ON": {"seat": WHOLE},
    "RANKS": {"position": WHOLE},
    "RANKED": {"rank": WHOLE, "score": FRACTION, "votes": WHOLE},
}
RELATIONSHIPS_MAY_HAVE: dict[str, Types] = {"SPEAKS_WITH": {"default": TRUTH}}


def properties_of(label: str) -> Types:
    """Return all that a node of a label may have."""
    return REQUIRED[label] | OPTIONAL.get(label, {})


def parameters() -> dict[str, Any]:
    """Return all of it as the statements in `cypher/doctor` take it."""
    return {
        "types": {
            label: {key: list(types) for key, types in properties_of(label).items()}
            for label in REQUIRED
        },
        "required": {label: list(types) for label, types in REQUIRED.items()},
        "values": {
            label: {key: [member.value for member in enum] for key, enum in enums.items()}
            for label, enums in ENUMS.items()
        },
        "prefixes": {label: prefix.value for label, prefix in PREFIXES.items()},
        "relationships": [list(one) for one in RELATIONSHIPS],
        "relationshipTypes": {
            name: {key: list(types) for key, types in properties.items()}
            for name, properties in (RELATIONSHIPS_REQUIRE | RELATIONSHIPS_MAY_HAVE).items()
        },
        "relationshipRequired": {name: list(keys) for name, keys in RELATIONSHIPS_REQUIRE.items()},
    }
