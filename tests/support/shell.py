"""The command `council`, run on pipes."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support.neo4j import Neo4jServer
from tests.support.service_process import COMMAND, ServiceProcess, clean_environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """Runs `council` with an environment of its own, on pipes; `stderr` may be something else."""

    environment: Mapping[str, str]
    stderr: int = PIPE
    command: tuple[str, ...] = (str(COMMAND),)

    async def start(self, *arguments: str, **environment: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *self.command,
            *arguments,
            env={**clean_environment(), **self.environment, **environment},
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=self.stderr,
        )

    async def run(self, *arguments: str, **environment: str) -> Ran:
        process = await self.start(*arguments, **environment)
        out, err = await process.communicate()
        assert process.returncode is not None
        ran = Ran(code=process.returncode, out=out.decode(), err=err.decode())
        assert "Traceback" not in ran.err
        assert "\x1b" not in ran.out + ran.err
        return ran

    async def query(self, document: str) -> Any:
        """Ask the service that it is beside, and return the data of the answer."""
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            url = f"{self.environment['COUNCIL_URL']}/graphql"
            return (await client.post(url, json={"query": document})).json()["data"]


@asynccontextmanager
async def beside_a_service(server: Neo4jServer, home: Path) -> AsyncGenerator[Shell]:
    """Run a service that answers by rehearsal, and has just seeded the graph where it is empty."""
    async with ServiceProcess(home=home, environment=server.environment) as service:
        await service.ready()
        yield Shell(
            environment={
                **server.environment,
                "COUNCIL_URL": service.url,
                "COUNCIL_HOME": str(home),
            }
        )
