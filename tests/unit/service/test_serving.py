from __future__ import annotations

import subprocess
import sys


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
