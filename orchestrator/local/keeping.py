"""Starts a Neo4j of our own again that has ended although nobody ended it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine
from typing import Any, NoReturn, Protocol, TypeVar

import structlog

from orchestrator.local.errors import StartError
from orchestrator.local.installing import Report

T = TypeVar("T")

_MOST = 3
_WITHIN_SECONDS = 60.0
"""So often within that time it is started again: what ends even oftener would do so for ever."""

_log = structlog.get_logger(__name__)


class Server(Protocol):
    """What may have to be started again."""

    @property
    def name(self) -> str: ...
    async def ended(self) -> None: ...
    def last_output(self) -> str: ...
    async def start_again(self) -> None: ...


async def while_kept_up(server: Server, work: Coroutine[Any, Any, T], *, report: Report) -> T:
    """Do work that needs a server, and start that again whenever it has ended meanwhile.

    `report` is told each time, a few lines at once. The work is done in the task that calls, which a signal that the work has
    listened for can still cancel when the work is over and the server is being stopped.

    Raises:
        LocalNeo4jError: It ends too often, or does not start again; the work was cancelled.
    """
    try:
        async with asyncio.TaskGroup() as tasks:
            keeping = tasks.create_task(_keep_up(server, report), name="keeper of Neo4j")
            try:
                return await work
            finally:
                keeping.cancel()
    except ExceptionGroup as errors:
        # What the work says to its being cancelled comes after the reason for that.
        reason = errors.exceptions[0]
        raise reason from reason.__cause__


async def _keep_up(server: Server, report: Report) -> NoReturn:
    now = asyncio.get_running_loop().time
    ends: deque[float] = deque(maxlen=_MOST)
    while True:
        await server.ended()
        said = server.last_output()
        # What is reported is on the terminal already, where warnings go.
        _log.info("neo4j_ended", name=server.name, said=said)
        if len(ends) == _MOST and now() - ends[0] < _WITHIN_SECONDS:
            raise StartError(
                f"Neo4j ended by itself {_MOST + 1} times within {_WITHIN_SECONDS:g} seconds.", said
            )
        ends.append(now())
        report(
            f"Neo4j ({server.name}) ended by itself, and is started again. It said last:\n{said}"
        )
        await server.start_again()
        _log.info("neo4j_started_again", name=server.name)
