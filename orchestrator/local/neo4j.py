"""A Neo4j of our own on this machine: installed once, started, found again, stopped."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from orchestrator.domain.errors import HomeUnusableError, WrongSettingError
from orchestrator.local import (
    classes,
    configuration,
    credentials,
    docker,
    homes,
    installing,
    java,
    locks,
    ports,
    processes,
    readiness,
    tools,
)
from orchestrator.local.classes import Classes
from orchestrator.local.configuration import Ports
from orchestrator.local.errors import (
    ArchiveError,
    CredentialsError,
    HomeInUseError,
    LocalNeo4jError,
    PortTakenError,
    StartError,
    ToolsMissingError,
)
from orchestrator.local.installing import Pom, Report
from orchestrator.local.tools import Java

BOLT_PORT = 7687
HTTP_PORT = 7474
BOLT_VARIABLE = "COUNCIL_BOLT_PORT"
HTTP_VARIABLE = "COUNCIL_BROWSER_PORT"
_START_SECONDS = 180.0
_ADOPT_SECONDS = 60.0
_ARCHIVE_SECONDS = 120.0
"""Java writes an archive of classes while it ends: for 3 s where it is alone, for 17 s on a busy machine."""
_UNWANTED_SECONDS = 5.0
"""Neo4j's own end takes one or two; Java needs the rest, for an archive that nobody wants."""
_DOUBT_SECONDS = 30.0
"""Neo4j takes its ports late in its start, and ends where it cannot: 12 s after it began, where two start at once on two cores."""
_LOOK_AGAIN_SECONDS = 0.1
_LOOKS_FOR_PORTS = 50
_LOOK_FOR_PORTS_SECONDS = 0.2
_LOOK_FOR_END_SECONDS = 0.5


class _Running(Protocol):
    """A server that was started, in whatever way."""

    @property
    def name(self) -> str: ...
    async def is_alive(self) -> bool: ...
    async def stop(self) -> None: ...
    def last_output(self) -> str: ...


class OwnNeo4j:
    """A Neo4j that lives below `home`, for as long as it is entered.

    A killed process cannot stop its server. The next one with the same home finds it, takes it over
    as it is and stops it at its own end; so nothing is lost, and nothing blocks the next start.
    """

    def __init__(
        self,
        home: Path,
        *,
        report: Report,
        library: Path | None = None,
        bolt_port: int = BOLT_PORT,
        http_port: int = HTTP_PORT,
        lasting: bool = False,
    ) -> None:
        """Take where it lives; `library` is where its files are, if not there too.

        Port 0 is a free one. A `lasting` one is slower in its first minutes, and faster after thousands of transactions: as Neo4j
        comes. `report` is told, a line at a time, what takes its time.
        """
        self.home: Path = homes.directory_below(home)
        self.password_file: Path = homes.password_file(home)
        self._configuration: Path = homes.configuration_file(home)
        self.user: str = credentials.USER
        self.agent: str = ""
        """What the server calls itself, such as `Neo4j/5.26.30`."""
        self._library: Path = library.absolute() if library else self.home / "lib"
        self._report: Report = report
        self._asked: Ports = Ports(bolt=bolt_port, http=http_port)
        self._ports: Ports = self._asked
        self._password: str = ""
        self._lasting: bool = lasting
        self._lock: int | None = None
        self._running: _Running | None = None

    @property
    def uri(self) -> str:
        """Where Bolt is spoken."""
        return f"bolt://{ports.LOOPBACK}:{self._ports.bolt}"

    @property
    def browser_url(self) -> str:
        """Where Neo4j Browser is."""
        return f"http://{ports.LOOPBACK}:{self._ports.http}/browser/"

    @property
    def password(self) -> str:
        """The password of `user`."""
        return self._password

    @property
    def pid(self) -> int | None:
        """The server's process, where it is one of this machine and runs."""
        return self._running.pid if isinstance(self._running, java.JavaProcess) else None

    @property
    def name(self) -> str:
        """What runs, such as `process 4711`; empty where nothing does."""
        return self._running.name if self._running is not None else ""

    async def is_alive(self) -> bool:
        """Tell whether the server runs; it may still be deaf."""
        return self._running is not None and await self._running.is_alive()

    async def is_being_prepared(self) -> bool:
        """Tell whether what runs in this home, whoever started it, runs only to have its classes archived: it answers, and ends then."""
        return any([await _is_to_archive(pid) for pid in await processes.find(self.home)])

    async def ended(self) -> None:
        """Return when the server does not run any more, whoever ended it."""
        # Nobody tells us of the end of a process that is not our child.
        while await self.is_alive():  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_FOR_END_SECONDS)

    async def __aenter__(self) -> Self:
        """Start it."""
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it."""
        await self.stop()

    async def start(self) -> None:
        """Install it if it never was, start it or take it over, and wait until it answers.

        Started again after `stop`, it has the ports that it had.

        Raises:
            LocalNeo4jError: One of its kinds; nothing is left running.
            WrongSettingError: Nothing can be written to its home, or the password there cannot be read.
        """
        try:
            await asyncio.to_thread(self.home.mkdir, mode=0o700, parents=True, exist_ok=True)
            lock = locks.take(self.home / "lock")
        except OSError as error:
            raise HomeUnusableError(self.home.parent, error) from error
        if lock is None:
            raise HomeInUseError(self.home, locks.holder(self.home / "lock"))
        self._lock = lock
        try:
            await self._start(archive=True)
        except BaseException:
            await self.stop()
            raise

    async def start_again(self) -> None:
        """Start it once more after it has ended by itself, on the ports that it had.

        Raises:
            LocalNeo4jError: One of its kinds.
        """
        self._running = None
        await self._wait_for_ports()
        # Who waits for it must not wait for an archive, too.
        await self._start(archive=False)

    def last_output(self) -> str:
        """Answer the last lines that it said."""
        return self._running.last_output() if self._running is not None else ""

    async def stop(self) -> None:
        """Stop it in order, or by force where it does not follow; does nothing where none runs."""
        try:
            running, self._running = self._running, None
            if running is not None:
                await running.stop()
        finally:
            lock, self._lock = self._lock, None
            if lock is not None:
                locks.release(lock)

    async def _start(self, *, archive: bool) -> None:
        pom = installing.read_pom()
        missing: list[str] = []
        found_java = await tools.find_java(missing)
        installed = installing.is_installed(self._library, pom)
        maven = None if installed else tools.find_maven(missing)
        if found_java is not None and (installed or maven is not None):
            await self._start_java(found_java, maven, pom, archive=archive)
            return
        found_docker = await tools.find_docker(missing)
        if found_docker is None:
            raise ToolsMissingError(tuple(missing))
        await self._start_container(found_docker, pom)

    async def _start_java(
        self, found_java: Java, maven: str | None, pom: Pom, *, archive: bool
    ) -> None:
        if await self._adopt_java(pom):
            return
        # Before anything is fetched, which takes minutes.
        self._choose_ports()
        if maven is not None:
            await installing.install(self._library, pom, maven=maven, report=self._report)
        await asyncio.to_thread(self._write_configuration, pom)
        await self._prepare_password(found_java.command)
        found = await classes.prepared(
            self._library,
            found_java,
            run=partial(self._run_and_end, found_java) if archive else None,
            report=self._report,
        )
        self._report(f"Starting Neo4j {pom.version}.")
        self._running = await java.start(
            found_java.command,
            self.home,
            found.with_those_of(self.home),
            lasting=self._lasting,
        )
        await self._wait(self._running, _START_SECONDS)

    async def _run_and_end(self, found_java: Java, found: Classes) -> None:
        """Run it once, for what Java writes at its end.

        Raises:
            StartError: It did not come up.
            ArchiveError: Java did not come to its end.
        """
        running = await java.start(found_java.command, self.home, found, lasting=False)
        self._running, seconds = running, _UNWANTED_SECONDS
        try:
            await self._wait(running, _START_SECONDS)
            seconds = _ARCHIVE_SECONDS
        finally:
            self._running = None
            await running.stop(seconds=seconds)
        if not running.has_ended_in_order:
            raise ArchiveError("Java did not come to its end in order.")

    async def _adopt_java(self, pom: Pom) -> bool:
        """Take over the server that a killed process left, if it is what we would start."""
        left = await processes.find(self.home)
        if not left:
            return False
        same = (
            len(left) == 1
            and not await _is_to_archive(left[0])
            and await asyncio.to_thread(self._is_what_we_would_start, pom)
        )
        if same:
            self._report(f"Taking over the Neo4j that a killed run left (process {left[0]}).")
            try:
                self._running = java.JavaProcess(left[0], self.home, None)
                await self._wait(self._running, _ADOPT_SECONDS)
            except StartError as error:
                self._report(f"It is of no use: {error}")
                self._running = None
            else:
                return True
        for pid in left:
            self._report(f"Stopping the Neo4j that a killed run left (process {pid}).")
            await _stop_left(pid, self.home)
        await self._wait_for_ports()
        return False

    def _is_what_we_would_start(self, pom: Pom) -> bool:
        try:
            text = self._configuration.read_text(encoding="utf-8")
            password = credentials.read(self.password_file)
        except (OSError, WrongSettingError):
            return False
        found = configuration.read_ports(text)
        if found is None or not self._accepts(found):
            return False
        if text != configuration.render(found, digest=pom.digest):
            return False
        self._ports, self._password = found, password
        return True

    def _accepts(self, found: Ports) -> bool:
        return self._asked.bolt in {0, found.bolt} and self._asked.http in {0, found.http}

    async def _wait_for_ports(self) -> None:
        """Wait until a server that has ended gives them up, or for so long that it is somebody else who has them."""
        # The last of a process that is not our child are its sockets: it is not seen any more, and has its ports still.
        for _ in range(_LOOKS_FOR_PORTS):
            try:
                await asyncio.to_thread(self._choose_ports)
            except PortTakenError:
                await asyncio.sleep(_LOOK_FOR_PORTS_SECONDS)
            else:
                return

    def _choose_ports(self) -> None:
        # Once chosen, a free port stays: a server that is started again is found where it was.
        self._ports = Ports(
            bolt=ports.choose(self._ports.bolt, BOLT_VARIABLE),
            http=ports.choose(self._ports.http, HTTP_VARIABLE),
        )

    @property
    def _has_data(self) -> bool:
        # The first start makes it; until then a new password can be set.
        return (self.home / "data" / "databases" / "system").exists()

    def _write_configuration(self, pom: Pom) -> None:
        self._configuration.parent.mkdir(exist_ok=True)
        text = configuration.render(self._ports, digest=pom.digest)
        self._configuration.write_text(text, encoding="utf-8")

    def _make_password(self) -> None:
        if self._has_data and not self.password_file.exists():
            raise CredentialsError(self.password_file, self.home / "data", found=False)
        self._password = credentials.make(self.password_file)

    async def _prepare_password(self, found_java: str) -> None:
        await asyncio.to_thread(self._make_password)
        if not self._has_data:
            await java.set_first_password(found_java, self.home, self._library, self.password_file)

    async def _start_container(self, found_docker: str, pom: Pom) -> None:
        container = docker.find(found_docker, self.home)
        found = await docker.published_ports(container, found_docker, version=pom.version)
        await asyncio.to_thread(self._make_password)
        if found is not None and self._accepts(found):
            self._report(f"Taking over the Neo4j that a killed run left ({container.name}).")
            self._ports = found
            self._running = container
        else:
            await container.stop()
            self._choose_ports()
            self._running = await docker.start(
                found_docker,
                self.home,
                version=pom.version,
                ports=self._ports,
                password=self._password,
                report=self._report,
            )
        # The container reads none: other commands read there where it is.
        await asyncio.to_thread(self._write_configuration, pom)
        await self._wait(self._running, _START_SECONDS)

    async def _wait(self, running: _Running, seconds: float) -> None:
        """Wait until Bolt and the Browser answer.

        Raises:
            StartError: It ended, or was not up in time, or somebody else answers.
            PortTakenError: Another Neo4j came up there first.
            CredentialsError: It does not take the password in our file.
        """
        try:
            async with asyncio.timeout(seconds):
                self.agent = await self._ask_until_answered(running)
        except TimeoutError as error:
            problem = f"Neo4j was not up within {seconds:g} seconds."
            raise StartError(problem, running.last_output()) from error
        except readiness.WrongPasswordError as error:
            # A port is free until Java has it, seconds after it was chosen: it may be another Neo4j that answers, and whoever
            # moved the data away then would lose the graph. Ours ends there.
            if await _ends(running):
                raise PortTakenError(self._ports.bolt, BOLT_VARIABLE) from error
            data = self.home / "data"
            raise CredentialsError(self.password_file, data, found=True) from error

    async def _ask_until_answered(self, running: _Running) -> str:
        while True:
            if not await running.is_alive():
                raise StartError("Neo4j ended while it started.", running.last_output())
            agent = await readiness.ask(
                self.uri,
                self.user,
                self._password,
                http=(ports.LOOPBACK, self._ports.http),
                ours="the Neo4j that was started",
            )
            if agent is not None:
                return agent
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)


async def _ends(running: _Running) -> bool:
    """Tell whether it ends by itself within the time that a taken port leaves it."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_DOUBT_SECONDS):
            # Nobody tells us of the end of a process that is not our child.
            while await running.is_alive():  # noqa: ASYNC110
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)
            return True
    return False


async def _is_to_archive(pid: int) -> bool:
    return classes.are_archived_by(await processes.command_line(pid))


async def _stop_left(pid: int, home: Path) -> None:
    seconds = _UNWANTED_SECONDS if await _is_to_archive(pid) else processes.STOP_SECONDS
    await processes.stop(pid, home, seconds=seconds)


async def stop_leftover(home: Path) -> bool:
    """Stop the Neo4j that a killed process left in this home; False if a living one runs it.

    Raises:
        LocalNeo4jError: It could not be stopped.
    """
    directory = homes.directory_below(home)
    try:
        lock = locks.take(directory / "lock")
    except FileNotFoundError:
        return True
    if lock is None:
        return False
    try:
        for pid in await processes.find(directory):
            await _stop_left(pid, directory)
    finally:
        locks.release(lock)
    return True


__all__ = ["BOLT_PORT", "HTTP_PORT", "LocalNeo4jError", "OwnNeo4j", "stop_leftover"]
