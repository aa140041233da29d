"""Runs Neo4j in a Docker container, where there is no Java with Maven."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from orchestrator.local import configuration, tools
from orchestrator.local.configuration import Ports
from orchestrator.local.credentials import USER
from orchestrator.local.errors import StartError
from orchestrator.local.installing import Report
from orchestrator.local.ports import LOOPBACK

_PULL_SECONDS = 900.0
_STOP_SECONDS = 30
_ARGUMENTS_LABEL = "graph-council.arguments"


class Container:
    """A Neo4j that runs in a container."""

    def __init__(self, docker: str, name: str) -> None:
        """`name` is the container's."""
        self._docker: str = docker
        self.container: str = name
        self._last: str = ""

    @property
    def name(self) -> str:
        """What a person would look for."""
        return f"container {self.container}"

    async def is_alive(self) -> bool:
        """Tell whether it still runs."""
        status, output = await tools.answer(
            self._docker, "inspect", "--format", "{{.State.Running}}", self.container
        )
        alive = status == 0 and output.strip() == "true"
        if not alive:
            _, self._last = await tools.answer(self._docker, "logs", "--tail", "15", self.container)
        return alive

    async def stop(self) -> None:
        """End it, in order or by force, and remove it; its data stays in the home."""
        limit = _STOP_SECONDS + 20
        await tools.answer(
            self._docker, "stop", "-t", str(_STOP_SECONDS), self.container, seconds=limit
        )
        await tools.answer(self._docker, "rm", "--force", self.container, seconds=limit)

    def last_output(self) -> str:
        """Answer the last lines that it said before it was found dead."""
        return self._last


def image(version: str) -> str:
    """Answer the image of this version of Neo4j."""
    return f"neo4j:{version}-community"


def find(docker: str, home: Path) -> Container:
    """Answer the container of this home, whether it runs or not."""
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    return Container(docker, f"graph-council-{digest}")


async def published_ports(container: Container, docker: str, *, version: str) -> Ports | None:
    """Answer where it listens, or None where it doesn't run, or not in this version."""
    if not await container.is_alive():
        return None
    _, label = await tools.answer(
        docker, "inspect", "--format", f'{{{{index .Config.Labels "{_ARGUMENTS_LABEL}"}}}}',
        container.container,
    )  # fmt: skip
    match label.split():
        case [str(found), str(bolt), str(http)] if found == version:
            return Ports(bolt=int(bolt), http=int(http))
        case _:
            return None


async def start(
    docker: str, home: Path, *, version: str, ports: Ports, password: str, report: Report
) -> Container:
    """Fetch the image where it is missing and start it; it is not up yet when this answers.

    Raises:
        StartError: Docker refused.
    """
    name = image(version)
    if (await tools.answer(docker, "image", "inspect", name))[0] != 0:
        report(f"Fetching the image {name} with Docker, only this once.")
        await _do(docker, "pull", name, seconds=_PULL_SECONDS)
    container = find(docker, home)
    await container.stop()
    data = home / "data"
    data.mkdir(exist_ok=True)
    settings = {
        "server.bolt.advertised_address": f"{LOOPBACK}:{ports.bolt}",
        "server.http.advertised_address": f"{LOOPBACK}:{ports.http}",
        "server.memory.pagecache.size": "64m",
        "server.memory.heap.max_size": "512m",
        **configuration.SETTINGS,
    }
    await _do(
        docker, "run", "--detach",
        "--name", container.container,
        "--label", f"{_ARGUMENTS_LABEL}={version} {ports.bolt} {ports.http}",
        "--user", f"{os.getuid()}:{os.getgid()}",
        "--publish", f"{LOOPBACK}:{ports.bolt}:7687",
        "--publish", f"{LOOPBACK}:{ports.http}:7474",
        "--volume", f"{data}:/data",
        # Without a value Docker takes it from its own environment: no command line shows it.
        "--env", "NEO4J_AUTH",
        *(
            part
            for name, value in settings.items()
            for part in ("--env", f"{configuration.in_environment(name)}={value}")
        ),
        name,
        environment={**os.environ, "NEO4J_AUTH": f"{USER}/{password}"},
    )  # fmt: skip
    return container


async def _do(
    docker: str,
    *arguments: str,
    environment: dict[str, str] | None = None,
    seconds: float = tools.ANSWER_SECONDS,
) -> None:
    status, output = await tools.answer(
        docker, *arguments, environment=environment, seconds=seconds
    )
    if status != 0:
        raise StartError(f"docker {arguments[0]} failed.", output.strip())
