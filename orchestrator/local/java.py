"""Runs Neo4j with Java, as a process of its own group."""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, Process
from pathlib import Path

from orchestrator.local import classes, processes, tools
from orchestrator.local.classes import Classes
from orchestrator.local.errors import StartError

_HEAP = ("-Xms128m", "-Xmx512m")
_COMPILED_ONCE = "-XX:TieredStopAtLevel=1"
"""Java's second compiler takes more than it gives back before some ten thousand transactions: a third of the processor time so.
A command that runs for seconds takes half as long. After them, a server with both takes two thirds of what it takes so."""
_COMPILED_SOON = "-XX:CompileThresholdScaling=0.3"
"""What is called by the thousand is interpreted the first two hundred times: a tenth of the processor time of some minutes."""
_COLLECTED_ALONE = "-XX:+UseSerialGC"
"""Java's usual collector of garbage works beside the server and has every write of a reference noted: a twentieth of the processor time
of a heap as small as ours."""
_ROOM_FOR_CODE = "-XX:ReservedCodeCacheSize=240m"
"""Without the second compiler Java keeps 48 MB of compiled code. Neo4j's statements need more: what falls out is interpreted until it is compiled again."""
_ADMIN_CLASS = "org.neo4j.cli.AdminTool"
"""What `neo4j-admin` comes to: `Neo4jAdminCommand` would first start a Java of its own, and this class in a second one."""
_OPENED = ("java.nio", "java.io", "sun.nio.ch", "java.util.concurrent")
_LAST_LINES = 15
_ADMIN_SECONDS = 120.0
_IN_ORDER = {0, 128 + signal.SIGTERM}
"""The exit statuses of a Java that was asked to end, and could."""


class JavaProcess:
    """A Neo4j that runs in a Java process: a child of ours, or one that a killed run left."""

    def __init__(self, pid: int, home: Path, child: Process | None) -> None:
        """`child` is None for one that was found."""
        self.pid: int = pid
        self._home: Path = home
        self._child: Process | None = child

    @property
    def name(self) -> str:
        """What a person would look for."""
        return f"process {self.pid}"

    async def is_alive(self) -> bool:
        """Tell whether it still runs."""
        if self._child is not None:
            return self._child.returncode is None
        return await processes.is_running(self.pid, self._home)

    @property
    def has_ended_in_order(self) -> bool:
        """Tell whether this child of ours has done all that it does at its end: nobody killed it, and nothing failed."""
        return self._child is not None and self._child.returncode in _IN_ORDER

    async def stop(self, *, seconds: float = processes.STOP_SECONDS) -> None:
        """End it in order, or by force after `seconds`."""
        await processes.stop(self.pid, self._home, seconds=seconds)
        if self._child is not None:
            await self._child.wait()

    def last_output(self) -> str:
        """Answer the last lines that it said."""
        try:
            lines = _console(self._home).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        return "\n".join([*lines.splitlines()[-_LAST_LINES:], f"(from {_console(self._home)})"])


async def administer(java: str, home: Path, library: Path, *arguments: str) -> tuple[int, str]:
    """Run a command of `neo4j-admin` where no server runs; answer its exit status and all that it said."""
    return await tools.answer(
        java,
        _COMPILED_ONCE,
        _COMPILED_SOON,
        _COLLECTED_ALONE,
        "-cp",
        classes.as_fetched(library).path,
        _ADMIN_CLASS,
        *arguments,
        environment={**os.environ, "NEO4J_HOME": str(home), "NEO4J_CONF": str(home / "conf")},
        seconds=_ADMIN_SECONDS,
    )


async def set_first_password(java: str, home: Path, library: Path, password_file: Path) -> None:
    """Give the empty data its password; it reads the file itself, so no command line shows it.

    Raises:
        StartError: Neo4j's own command failed.
    """
    status, output = await administer(
        java, home, library, "dbms", "set-initial-password", f"@{password_file}"
    )
    if status != 0:
        raise StartError("Neo4j did not take its first password.", output.strip())


async def start(java: str, home: Path, found: Classes, *, lasting: bool) -> JavaProcess:
    """Start it, for long or for a while; it is not up yet when this answers."""
    console = _console(home)
    console.parent.mkdir(exist_ok=True)
    with console.open("wb") as output:
        child = await asyncio.create_subprocess_exec(
            java,
            *_HEAP,
            *(() if lasting else (_COMPILED_ONCE, _COMPILED_SOON, _COLLECTED_ALONE)),
            _ROOM_FOR_CODE,
            *found.options,
            *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED),
            "-Dlog4j2.disable.jmx=true",
            "-cp",
            found.path,
            processes.MAIN_CLASS,
            processes.home_option(home),
            f"--config-dir={home / 'conf'}",
            "--console-mode",
            stdin=DEVNULL,
            stdout=output,
            stderr=output,
            cwd=home,
            # A terminal's Ctrl-C is for us alone: we end the server after the service.
            start_new_session=True,
        )
    return JavaProcess(child.pid, home, child)


def _console(home: Path) -> Path:
    return home / "logs" / "console.log"
