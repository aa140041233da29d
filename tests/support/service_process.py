"""The service as its users start it: the command `council serve` in a process, spoken to over HTTP.

    async with ServiceProcess(home=tmp_path, environment=environment) as service:
        await service.ready()
        data = await service.ask(DOCUMENT, id=id)
        await service.kill()
        await service.start()

A process that ends unasked fails the test, and a test that fails shows what its processes logged.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import httpx

from tests.support.ports import free_port

COMMAND = Path(sys.executable).parent / "council"

_OURS = ("NEO4J_", "VLLM_", "COUNCIL_")
_SHOWN = 60
"""Lines of the log that a failure shows."""


class ProcessEndedError(Exception):
    """The service ended although nobody had ended it."""


class AnsweredError(Exception):
    """GraphQL answered with top-level errors."""

    def __init__(self, status: int, errors: list[dict[str, Any]], data: Any) -> None:
        """Take what came, as it came."""
        self.status: int = status
        self.errors: list[dict[str, Any]] = errors
        self.data: Any = data
        super().__init__(f"{status}: {errors}")

    @property
    def codes(self) -> list[str]:
        """The code of each error."""
        return [error.get("extensions", {}).get("code", "") for error in self.errors]

    @property
    def put_off(self) -> bool:
        """Whether nothing was carried out, and it says after how long to ask again."""
        return all("retryAfter" in error.get("extensions", {}) for error in self.errors)


def clean_environment(*others: str) -> dict[str, str]:
    """Our environment, less the settings of the service that it has, and less what begins as one of the others."""
    left_out = (*_OURS, *others)
    return {name: value for name, value in os.environ.items() if not name.startswith(left_out)}


class ServiceProcess:
    """One place for a service: a home and a port, at which its process is started, again and again."""

    def __init__(
        self,
        *,
        home: Path,
        environment: Mapping[str, str],
        arguments: tuple[str, ...] = ("serve",),
        command: Path = COMMAND,
    ) -> None:
        """Take what its environment adds to ours, less the settings of the service that ours has."""
        self.home: Path = home
        self.port: int = free_port()
        self.returncode: int | None = None
        """Of the process that ended last."""
        self._command = command
        self._arguments = arguments
        self._environment = {
            **clean_environment(),
            "COUNCIL_HOST": "127.0.0.1",
            "COUNCIL_PORT": str(self.port),
            "COUNCIL_HOME": str(home),
            "COUNCIL_LOG_FORMAT": "json",
            **environment,
        }
        self._process: asyncio.subprocess.Process | None = None
        self._client = httpx.AsyncClient(
            base_url=self.url, timeout=30, limits=httpx.Limits(max_keepalive_connections=0)
        )

    @property
    def url(self) -> str:
        """Where it is spoken to."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Of the process that runs now."""
        return self._running().pid

    async def __aenter__(self) -> Self:
        """Start it; it is not ready yet."""
        self.home.mkdir(parents=True, exist_ok=True)
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it, by force."""
        await self._client.aclose()
        ended = None if self._process is None else self._process.returncode
        await self.kill()
        # Shown where the test has failed.
        print(f"The log of {self.url} ended with:\n{self.last_lines()}")  # noqa: T201
        if error is None and ended is not None:
            raise self._ended(ended)

    async def start(self) -> None:
        """Start a process, where none runs."""
        if self._process is not None:
            raise RuntimeError("it runs already")
        with self.log_file.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                self._command,
                *self._arguments,
                env=self._environment,
                cwd=self.home,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    async def ready(self, seconds: float = 120.0) -> None:
        """Wait until it says that it is ready.

        Raises:
            ProcessEndedError: it ended instead.
            TimeoutError: it did not within `seconds`; with what it last said.
        """
        await self.becomes(200, seconds)

    async def becomes(self, status: int, seconds: float = 40.0) -> None:
        """Wait until /readyz answers with a status; raises as `ready`."""
        seen: object = None
        try:
            async with asyncio.timeout(seconds):
                while (seen := await self.readiness()) != status:  # noqa: ASYNC110 - another process
                    await asyncio.sleep(0.02)
        except TimeoutError as exc:
            raise TimeoutError(f"/readyz is {seen} after {seconds} s, not {status}") from exc

    async def readiness(self) -> int | None:
        """Return the status of /readyz, none while nobody listens."""
        self.check_alive()
        try:
            return (await self._answer("GET", "/readyz")).status_code
        except httpx.TransportError:
            return None

    async def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        """Return the data of an answer.

        Raises:
            AnsweredError: it has top-level errors.
            httpx.TransportError: no answer came.
        """
        response = await self._answer(
            "POST", "/graphql", json={"query": document, "variables": variables}
        )
        try:
            told = cast("dict[str, Any]", response.json())
        except json.JSONDecodeError as exc:
            words = f"{response.status_code}, and no JSON: {response.text[:500]!r}"
            raise AssertionError(words) from exc
        if told.get("errors"):
            raise AnsweredError(response.status_code, told["errors"], told.get("data"))
        return cast("dict[str, Any]", told["data"])

    async def _answer(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            return await self._client.request(method, path, **more)
        except AttributeError as exc:
            # anyio asks a socket for its other end that was closed while it was made: the process was killed in that moment.
            raise httpx.ConnectError("closed while the connection was made") from exc

    async def kill(self) -> None:
        """Send SIGKILL and wait for the end, where it runs."""
        if self._process is not None:
            await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """Send SIGTERM and return the exit code."""
        return await self._end(signal.SIGTERM)

    async def wait(self, seconds: float = 30.0) -> int:
        """Wait for it to end by itself and return the exit code."""
        process = self._running()
        async with asyncio.timeout(seconds):
            code = await process.wait()
        self.returncode, self._process = code, None
        return code

    def freeze(self) -> None:
        """Send SIGSTOP: it lives, and does nothing."""
        self._running().send_signal(signal.SIGSTOP)

    @property
    def frozen(self) -> bool:
        """Whether it is stopped, by itself or by another."""
        status = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8")
        return status.rpartition(")")[2].split()[0] == "T"

    def thaw(self) -> None:
        """Send SIGCONT."""
        self._running().send_signal(signal.SIGCONT)

    def check_alive(self) -> None:
        """Raise ProcessEndedError where it has ended by itself."""
        code = self._running().returncode
        if code is not None:
            raise self._ended(code)

    @property
    def log_file(self) -> Path:
        """Where its processes write, one after the other."""
        return self.home / "service.log"

    def log(self) -> list[dict[str, Any]]:
        """Return what it logged; a line that is no JSON is under `text`."""
        return [
            _line(line)
            for line in self.log_file.read_text(encoding="utf-8", errors="replace").splitlines()
        ]

    def logged(self, event: str) -> list[dict[str, Any]]:
        """Return the lines of one event."""
        return [line for line in self.log() if line.get("event") == event]

    def last_lines(self) -> str:
        """Return the end of the log as it stands there."""
        text = self.log_file.read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-_SHOWN:]) or "(nothing)"

    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise RuntimeError("no process runs")
        return self._process

    async def _end(self, number: signal.Signals) -> int:
        process = self._running()
        if process.returncode is None:
            process.send_signal(number)
        async with asyncio.timeout(40):
            code = await process.wait()
        self.returncode, self._process = code, None
        return code

    def _ended(self, code: int) -> ProcessEndedError:
        return ProcessEndedError(f"the service ended with {code}; its log:\n{self.last_lines()}")


def _line(line: str) -> dict[str, Any]:
    try:
        told = json.loads(line)
    except json.JSONDecodeError:
        return {"text": line}
    return cast("dict[str, Any]", told) if isinstance(told, dict) else {"text": line}
