"""What a command does not need, it does not load: who types it waits for that."""

from __future__ import annotations

import subprocess
import sys


def test_a_command_that_speaks_to_a_service_loads_nothing_that_only_the_service_needs() -> None:
    loading = (
        "import orchestrator.cli.connecting, orchestrator.cli.asking, orchestrator.cli.showing"
    )
    told = subprocess.run(
        [sys.executable, "-c", f"{loading}, sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    needed_elsewhere = {
        "graphql",
        "neo4j",
        "orchestrator.api",
        "orchestrator.engine",
        "orchestrator.graph",
        "orchestrator.service",
        # Nor what would log to standard output, as it is not told where else to.
        "stamina",
        "starlette",
        "strawberry",
        "structlog",
    }
    assert not needed_elsewhere & set(told.stdout.split())
