"""The steps of a start, one after the other in a process of its own; its argument is when it was spawned."""

from __future__ import annotations

import sys
import time

BEGAN = time.time()

import socket  # noqa: E402
from datetime import timedelta  # noqa: E402

_steps: dict[str, float] = {"the interpreter": BEGAN - float(sys.argv[1])}
_last = time.perf_counter()


def _step(name: str) -> None:
    global _last  # noqa: PLW0603 - one line after the other, in one module
    now = time.perf_counter()
    _steps[name] = now - _last
    _last = now


async def main() -> None:
    """Take them."""
    # ruff: noqa: PLC0415
    from orchestrator.cli import environment

    settings = environment.read()
    _step("settings, with their imports")
    from orchestrator.engine.desk import Capacity, Desk
    from orchestrator.engine.following import Board
    from orchestrator.engine.presence import Presence
    from orchestrator.graph.councils import Councils
    from orchestrator.graph.deliberations import GraphDeliberations
    from orchestrator.graph.driver import open_graph
    from orchestrator.graph.indexes import await_indexes
    from orchestrator.graph.migrations import migrate
    from orchestrator.graph.rehydration import rehydrate
    from orchestrator.graph.seeding import read_seed, seed, settle_defaults
    from orchestrator.service import serving
    from orchestrator.vllm.client import ModelClient
    from orchestrator.vllm.connections import Connections
    from orchestrator.vllm.rehearsal import Rehearsal
    from orchestrator.vllm.watch import Watch

    _ = serving
    _step("imports of the service")
    wanted = read_seed(settings.seed)
    _step("reading the seed file")
    password = settings.neo4j_password
    async with (
        open_graph(
            settings.neo4j_uri or "",
            settings.neo4j_user,
            None if password is None else password.get_secret_value(),
            settings.neo4j_database,
        ) as graph,
        Connections(environment={}, calls_per_endpoint=1) as connections,
        Rehearsal() as rehearsal,
    ):
        _step("reading the statements, making the driver")
        await graph.server()
        _step("connecting")
        await migrate(graph)
        await await_indexes(graph)
        _step("looking for migrations")
        await settle_defaults(graph, settings.vllm_url, settings.vllm_model)
        _step("looking at the defaults")
        await seed(graph, wanted)
        _step("looking for the seed's mark")
        await rehydrate(graph)
        _step("rehydrating")
        watch = Watch(endpoints=Councils(graph).endpoints, connections=connections)
        desk = Desk(
            process="prc_00000000000000000000000000000001",
            host=socket.gethostname(),
            deliberations=GraphDeliberations(graph),
            models=ModelClient(connections=connections, watch=watch, rehearsal=rehearsal),
            presence=Presence(settings.home),
            board=Board(),
            capacity=Capacity(lease=timedelta(seconds=10)),
        )
        async with desk.at_work():
            _step("entering, and claiming what was under way")
            from orchestrator.api import app, listening

            _ = app, listening
            _step("imports of the API")
    from tests.benchmarks.processes import say

    say(**_steps)


if __name__ == "__main__":
    import uvloop

    _step("imports of asyncio and uvloop")
    uvloop.run(main())
