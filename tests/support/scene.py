"""A scene of a fault: processes of the service between a proxied Neo4j and a model server, judged from outside."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from neo4j import AsyncDriver

from orchestrator.domain.ids import turn_named
from tests.support.bolt_proxy import BoltProxy
from tests.support.evidence import Crash, Evidence, ended, faults, gather, quiet
from tests.support.model_behaviour import Behaviour
from tests.support.model_log import ModelLog
from tests.support.model_server import ModelServer
from tests.support.neo4j import Neo4jServer
from tests.support.service_process import COMMAND, AnsweredError, ServiceProcess
from tests.support.waiting import eventually

_HASTY = Path(__file__).with_name("hasty_council.py")
_STOPPING = Path(__file__).with_name("stopping_council.py")

_PATIENCE_SECONDS = 30.0

ROLES = ("DEV", "QA", "ARCHITECT", "DEVOPS", "DATA")

DELIBERATE = """
mutation Deliberate($input: DeliberateInput!) {
  deliberate(input: $input) {
    deliberation { id }
    errors { __typename message path }
  }
}
"""


class Scene:
    """One graph, one model server, and the processes started in it, which end with it."""

    def __init__(
        self,
        *,
        server: Neo4jServer,
        database: str,
        driver: AsyncDriver,
        proxy: BoltProxy,
        model: ModelServer,
        log: Path,
        home: Path,
    ) -> None:
        """`driver` goes to the server directly; `log` is the model server's."""
        self.server: Neo4jServer = server
        self.database: str = database
        self.driver: AsyncDriver = driver
        self.proxy: BoltProxy = proxy
        self.model: ModelServer = model
        self.log: ModelLog = ModelLog(log)
        self.home: Path = home
        self.accepted: list[str] = []
        """What any process has answered for."""
        self.absent: set[str] = set()
        """Turns that are to be, whatever their models say."""
        self.crashes: list[Crash] = []
        self._processes = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Begin."""
        await self._processes.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of what is held, and end the processes."""
        self.proxy.clear()
        await self._processes.__aexit__(kind, error, trace)

    async def start(
        self,
        name: str = "service",
        *,
        proxy: BoltProxy | None = None,
        hasty: bool = False,
        stop_before: str | None = None,
        **environment: str,
    ) -> ServiceProcess:
        """Start a process with a home of that name; it is not ready yet.

        A hasty one has less patience; one may be stopped before it sends the call for a turn that a pattern says.
        """
        command, arguments = COMMAND, ("serve",)
        if hasty:
            command, arguments = _scripted(_HASTY)
        if stop_before is not None:
            command, arguments = _scripted(_STOPPING)
            environment["STOP_BEFORE"] = stop_before
        place = ServiceProcess(
            command=command,
            arguments=arguments,
            home=self.home / name,
            environment={
                **self.server.environment,
                "NEO4J_URI": (proxy or self.proxy).uri,
                "VLLM_URL": self.model.url,
                "VLLM_MODEL": "tiny",
                **environment,
            },
        )
        return await self._processes.enter_async_context(place)

    async def deliberate(
        self, service: ServiceProcess, role: str = "DEV", *, key: str | None = None, **more: Any
    ) -> str:
        """Have a deliberation accepted, and return its id; asked again where that is put off, as while a process that was not scheduled has no lease.

        Raises:
            httpx.TransportError: no answer came: it may have been accepted or not.
            AnsweredError: it was refused, or put off for too long.
        """
        task = {"description": "Write a function that adds two numbers."}
        order = {"council": {"role": role}, "task": task, "idempotencyKey": key, **more}
        payload = (await _once_it_can_be(service, DELIBERATE, input=order))["deliberate"]
        assert payload["errors"] == []
        accepted = payload["deliberation"]["id"]
        self.accepted.append(accepted)
        return accepted

    async def all_but_one_ballot(
        self, service: ServiceProcess, *, length: int = 0
    ) -> tuple[str, asyncio.Event]:
        """Have a deliberation accepted whose last turn, with which its verdict is written, is not answered before the event is set."""
        last = asyncio.Event()
        self.model.script(Behaviour(until=last, length=length), turn="*-b1-s3*", attempts=1)
        accepted = await self.deliberate(service)
        await eventually(self.look, lambda seen: len(seen.of(accepted)) == 11)
        return accepted, last

    async def crash(self, service: ServiceProcess, point: str) -> Crash:
        """Kill a process, lose what the proxy held of it, and write down what had been recorded."""
        await service.kill()
        self.proxy.cut()
        self.proxy.clear()
        await quiet(self.driver, self.database)
        seen = await gather(self.driver, self.database)
        crash = Crash(
            point=point,
            recorded=frozenset(turn.id for turn in seen.turns),
            place=self.log.place(),
            under_way=sum(1 for one in seen.deliberations if not one.ended and seen.of(one.id)),
        )
        self.crashes.append(crash)
        return crash

    async def look(self) -> Evidence:
        """Read the graph."""
        return await gather(self.driver, self.database)

    async def all_ended(self, seconds: float = 30.0) -> Evidence:
        """Wait until everything accepted has ended."""
        return await ended(self.driver, self.database, self.accepted, seconds)

    def used(self) -> dict[str, int]:
        """Say how many tokens the model server counted for each deliberation, over all attempts, cut off or not."""
        used = dict.fromkeys(self.accepted, 0)
        for turn, tokens in self.log.used().items():
            named = turn_named(turn)
            assert named is not None
            used[named[0]] += tokens
        return used

    def faults(self, seen: Evidence) -> list[str]:
        """Say all that is wrong with the graph and with the calls made after each crash."""
        return faults(
            seen,
            accepted=self.accepted,
            absent=self.absent,
            log=self.log,
            crashes=self.crashes,
        )


def _scripted(script: Path) -> tuple[Path, tuple[str, ...]]:
    return Path(sys.executable), ("-P", str(script), "serve")


async def _once_it_can_be(
    service: ServiceProcess, document: str, **variables: Any
) -> dict[str, Any]:
    """Ask until it is answered with more than that it cannot be now; raises as `ServiceProcess.ask`."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return await service.ask(document, **variables)
        except AnsweredError as error:
            if not error.put_off or time.monotonic() > until:
                raise
        await asyncio.sleep(0.1)
