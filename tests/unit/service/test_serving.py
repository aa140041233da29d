from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
from structlog.testing import capture_logs

from orchestrator.domain.errors import UnavailableError
from orchestrator.service import serving
from orchestrator.settings import Settings


def test_what_takes_deliberations_up_again_is_loaded_without_what_only_api_and_clients_need():
    loading = "import orchestrator.cli.app, orchestrator.cli.carrying_out, orchestrator.cli.logs, orchestrator.service.serving"
    told = subprocess.run(
        [sys.executable, "-c", f"{loading}, sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    needed_later = {
        "graphql",
        "orchestrator.api.app",
        "orchestrator.client",
        "orchestrator.graph.moving",
        "orchestrator.valkey",
        "starlette",
        "strawberry",
        "uvicorn",
        "websockets",
    }
    assert not needed_later & set(told.stdout.split())


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RuntimeError("a defect"), ["service_died"]),
        (ExceptionGroup("of a loop", [RuntimeError("a defect")]), ["service_died"]),
        (UnavailableError("what whoever started it is told"), []),
        (ExceptionGroup("of a loop", [UnavailableError("what he is told")]), []),
    ],
)
async def test_a_defect_that_ends_the_service_is_in_the_log_with_where_it_was(
    error: Exception, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(*_: object, **_more: object) -> None:
        raise error

    def bind(_host: str, _port: int) -> None:
        pass

    monkeypatch.setattr(serving, "bind", bind)
    monkeypatch.setattr(serving, "on_signals", asyncio.Event)
    monkeypatch.setattr(serving, "_serve", die)
    with capture_logs() as logs, pytest.raises(type(error)):
        await serving.serve(Settings())
    assert [line["event"] for line in logs] == told
    assert all(line["exc_info"] for line in logs)
