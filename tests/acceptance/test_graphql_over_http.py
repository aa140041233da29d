"""GraphQL over HTTP, as the audit suite of graphql-http judges it."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from tests.acceptance.node import installed
from tests.integration.http.serving import served
from tests.unit.api.doubles import House

_AUDIT = Path(__file__).parent / "graphql_http"


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The audit suite, installed by its lock file."""
    folder = installed(_AUDIT, tmp_path_factory.mktemp("graphql_http"))
    return folder / "audit.mjs"


async def test_every_audit_is_passed(audit: Path) -> None:
    async with served(House()) as url:
        judged = await _run(audit, url)

    assert len(judged) == 61
    assert [one for one in judged if one[1] != "ok"] == []


async def _run(audit: Path, url: str) -> list[list[str | None]]:
    node = shutil.which("node") or "node"
    process = await asyncio.create_subprocess_exec(
        node, audit, url, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return json.loads(out)
