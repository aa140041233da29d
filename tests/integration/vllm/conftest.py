"""A scriptable server, a client and what the client looks at."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from orchestrator.vllm.client import ModelClient
from orchestrator.vllm.connections import Connections
from tests.support.model_calls import NoRehearsal, Seen
from tests.support.model_server import ModelServer


@pytest.fixture
async def server() -> AsyncGenerator[ModelServer]:
    async with ModelServer() as server:
        yield server


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def silence() -> float:
    """Seconds that a process waits for a byte; on a busy machine a short one is borne by nobody."""
    return 30.0


@pytest.fixture
async def connections(silence: float) -> AsyncGenerator[Connections]:
    """Of a process whose environment holds a key."""
    async with Connections(
        environment={
            "VLLM_API_KEY": "sk-default",
            "COUNCIL_KEY_GPU": "sk-gpu",
            "COUNCIL_KEY_NO": "",
        },
        calls_per_endpoint=4,
        silence_seconds=silence,
    ) as connections:
        yield connections


@pytest.fixture
def client(connections: Connections, seen: Seen) -> ModelClient:
    return ModelClient(connections=connections, watch=seen, rehearsal=NoRehearsal())
