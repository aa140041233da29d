"""The way that is compared with ours: one document a council in a key-value store."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, cast

import redis

from orchestrator.domain.councils import Agent, Council, Endpoint

_PREFIX = "council:"
_TOGETHER = 500


def store(client: redis.Redis, councils: Iterable[Council]) -> None:
    """Replace all that it holds by these."""
    client.flushall()
    with client.pipeline(transaction=False) as pipeline:
        for number, council in enumerate(councils, 1):
            pipeline.set(_PREFIX + council.id, json.dumps(document(council)))
            if number % _TOGETHER == 0:
                pipeline.execute()
        pipeline.execute()


def read_all(client: redis.Redis) -> list[dict[str, Any]]:
    """KEYS, then one GET a council, then JSON."""
    keys = cast("list[bytes]", client.keys(f"{_PREFIX}*"))
    return [json.loads(cast("bytes", client.get(key))) for key in keys]


def document(council: Council) -> dict[str, Any]:
    """Return a council with all that our registry has of it, and nothing twice."""
    return {
        "id": council.id,
        "name": council.name,
        "role": {
            "id": council.role.id,
            "name": council.role.name,
            "description": council.role.description,
        },
        "protocol": council.protocol,
        "rounds": council.rounds,
        "quorum": council.quorum,
        "decision": council.decision,
        "version": council.version,
        "createdAt": council.created_at.isoformat(),
        "updatedAt": council.updated_at.isoformat(),
        "archivedAt": None if council.archived_at is None else council.archived_at.isoformat(),
        "agents": [{"seat": seat.number, **_agent(seat.agent)} for seat in council.seats],
    }


def _agent(agent: Agent) -> dict[str, Any]:
    return {
        "id": agent.id,
        "name": agent.name,
        "persona": agent.persona,
        "temperature": agent.temperature,
        "maxTokens": agent.max_tokens,
        "metadata": agent.metadata,
        "model": {
            "id": agent.model.id,
            "name": agent.model.name,
            "rehearsal": agent.model.rehearsal,
            "endpoints": [_endpoint(endpoint) for endpoint in agent.model.endpoints],
        },
        "endpoint": None if agent.endpoint is None else _endpoint(agent.endpoint),
    }


def _endpoint(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "id": endpoint.id,
        "name": endpoint.name,
        "url": endpoint.url,
        "apiKeyVariable": endpoint.api_key_variable,
    }
