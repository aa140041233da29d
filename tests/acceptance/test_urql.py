"""What urql sends is answered so that urql understands it: it accepts JSON and server-sent events at once."""

from __future__ import annotations

import asyncio
import json
import shutil
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.node import installed
from tests.integration.http.serving import served
from tests.support.samples import a_council, a_deliberation, play
from tests.unit.api.doubles import House

_PROJECT = Path(__file__).parent / "urql"


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What asks with urql, installed by its lock file."""
    return installed(_PROJECT, tmp_path_factory.mktemp("urql")) / "ask.mjs"


@pytest.fixture
def house() -> House:
    """A council, and a deliberation that has ended."""
    house = House()
    house.registry.add(a_council("dev"))
    house.archive.keep(*play(a_deliberation()))
    return house


QUERY = "{ service { version } }"
MUTATION = 'mutation { retireAgent(input: {id: "agt_dev1"}) { agent { id } errors { message } } }'
FOLLOW = 'subscription { deliberationEvents(id: "dlb_1", after: 12) { sequence } }'


async def test_query_is_answered(ask: Path, house: House) -> None:
    assert await _told(ask, house, "query", QUERY) == [[{"service": {"version": "1.2.3"}}, None]]


async def test_query_that_is_wrong_is_told_what_is_wrong(ask: Path, house: House) -> None:
    [[data, error]] = await _told(ask, house, "query", "{ servic { version } }")

    assert data is None
    assert error.startswith("[GraphQL] Cannot query field 'servic'")


async def test_mutation_that_is_carried_out_is_answered(ask: Path, house: House) -> None:
    [told] = await _told(ask, house, "mutation", MUTATION)

    assert "retire_agent" in house.registry.names
    assert told == [{"retireAgent": {"agent": {"id": "agt_dev1"}, "errors": []}}, None]


async def test_subscription_is_told_as_server_sent_events(ask: Path, house: House) -> None:
    told = await _told(ask, house, "subscription", FOLLOW)

    assert {error for _, error in told} == {None}
    assert [data["deliberationEvents"]["sequence"] for data, _ in told[:2]] == [13, 14]


async def _told(ask: Path, house: House, kind: str, document: str) -> list[list[Any]]:
    """Return [data, error] of each result."""
    async with served(house) as url:
        process = await asyncio.create_subprocess_exec(
            *(shutil.which("node") or "node", ask, url, kind, document), stdout=PIPE, stderr=PIPE
        )
        async with asyncio.timeout(60):
            out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return [json.loads(line) for line in out.splitlines()]
