"""A real vLLM, of deploy/vllm, for the whole session."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest

from orchestrator.local import ports

RECIPE = Path(__file__).parents[2] / "deploy/vllm"
START_SECONDS = 400.0
STOP_SECONDS = 30.0
TELL_SECONDS = 10.0
LOOK_AGAIN_SECONDS = 0.25

_REPORT = pytest.StashKey[Callable[[str], None]]()
_FAILURE = pytest.StashKey[str]()


@dataclass(frozen=True, slots=True, kw_only=True)
class VllmServer:
    """A vLLM that runs; it wants its key from whoever asks it."""

    port: int
    model: str = "tiny"
    key: str = "sekret-of-the-tests"

    @property
    def root(self) -> str:
        """Where /health and /metrics are."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What a service needs in its environment to ask it."""
        return {
            "VLLM_URL": f"{self.root}/v1",
            "VLLM_MODEL": self.model,
            "VLLM_API_KEY": self.key,
        }


def pytest_collection_finish(session: pytest.Session) -> None:
    """Install vLLM before the first test: it takes minutes the first time, and a test has one."""
    wanted = any("vllm_server" in getattr(item, "fixturenames", ()) for item in session.items)
    if not wanted or session.config.option.collectonly:
        return
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    report = session.config.stash[_REPORT] = terminal.write_line if terminal else print
    report(f"vLLM: {RECIPE / 'install.sh'}")
    done = subprocess.run([RECIPE / "install.sh"], check=False, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        session.config.stash[_FAILURE] = f"vLLM could not be installed:\n{done.stderr}"


@pytest.fixture(scope="session")
async def vllm_server(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[VllmServer]:
    """The vLLM of this session, ready; what it says is noise."""
    failure = pytestconfig.stash.get(_FAILURE, None)
    if failure is not None:
        pytest.fail(failure, pytrace=False)
    capture = pytestconfig.pluginmanager.get_plugin("capturemanager")

    def report(line: str) -> None:
        with capture.global_and_fixture_disabled() if capture else nullcontext():
            pytestconfig.stash[_REPORT](line)

    server = VllmServer(port=ports.choose(0, "VLLM_URL"))
    log = tmp_path_factory.mktemp("vllm") / "vllm.log"
    async with _started(server, log) as process:
        report(f"vLLM: starting on port {server.port}; its log is {log}")
        await _ready(server, process, log, report)
        yield server


@asynccontextmanager
async def _started(server: VllmServer, log: Path) -> AsyncGenerator[Process]:
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            RECIPE / "serve.sh",
            str(server.port),
            "--api-key",
            server.key,
            stdout=output,
            stderr=output,
            # Its workers are in this group, and can outlive it.
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def _ready(
    server: VllmServer, process: Process, log: Path, report: Callable[[str], None]
) -> None:
    began = told = time.monotonic()
    async with httpx.AsyncClient(base_url=server.root) as client:
        while not await _is_healthy(client):
            now = time.monotonic()
            if process.returncode is not None or now - began > START_SECONDS:
                how = "ended" if process.returncode is not None else "is not ready in time"
                pytest.fail(f"vLLM {how}:\n{_last_lines(log, 30)}", pytrace=False)
            if now - told > TELL_SECONDS:
                report(f"vLLM: {now - began:.0f} s: {_last_lines(log, 1).strip()[:100]}")
                told = now
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
    report(f"vLLM: ready after {time.monotonic() - began:.0f} s")


async def _is_healthy(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/health")).status_code == HTTPStatus.OK
    except httpx.TransportError:
        return False


def _last_lines(log: Path, count: int) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:])
