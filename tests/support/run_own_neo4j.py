"""Runs a Neo4j of its own until SIGTERM, or until it is killed and leaves it; it says where by one line of JSON.

python -m tests.support.run_own_neo4j HOME LIBRARY
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from contextlib import suppress
from pathlib import Path

from orchestrator.local.neo4j import OwnNeo4j


def _report(line: str) -> None:
    sys.stderr.write(line + "\n")


async def main(home: Path, library: Path) -> None:
    """Run it; only a signal ends this."""
    running = asyncio.ensure_future(_run(home, library))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    with suppress(asyncio.CancelledError):
        await running


async def _run(home: Path, library: Path) -> None:
    async with OwnNeo4j(home, library=library, bolt_port=0, http_port=0, report=_report) as own:
        where = {"name": own.name, "uri": own.uri, "user": own.user, "password": own.password}
        sys.stdout.write(json.dumps(where) + "\n")
        sys.stdout.flush()
        await own.ended()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
