"""A Postgres of its own, with the settings that it comes with: what the peers keep their things in."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.missing import MissingError

_DEBIAN = Path("/usr/lib/postgresql")
"""Whose programs are in <version>/bin, and only some of them on PATH."""

_START_SECONDS = 60
_STOP_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Postgres:
    """A server that runs, on a socket in a folder of its own."""

    pid: int
    folder: Path

    @property
    def conninfo(self) -> str:
        """What its clients are told."""
        return f"host={self.folder} user=postgres dbname=postgres"


@asynccontextmanager
async def own_postgres() -> AsyncGenerator[Postgres]:
    """Run one for as long as the context is entered.

    Raises:
        MissingError: there is no Postgres on this machine.
    """
    programs = _programs()
    user = _user()
    # The path of a socket is short, and whom it belongs to is not always us: not in the folder of the bench.
    folder = Path(tempfile.mkdtemp(prefix="council-pg-"))
    try:
        if user is not None:
            shutil.chown(folder, user)
        data = folder / "data"
        await _run(
            user,
            *(str(programs / "initdb"), "--pgdata", str(data), "--username", "postgres"),
            *("--auth", "trust", "--no-sync"),
        )
        with (data / "postgresql.conf").open("a", encoding="utf-8") as settings:
            settings.write(f"listen_addresses = ''\nunix_socket_directories = '{folder}'\n")
        control = (str(programs / "pg_ctl"), "--pgdata", str(data), "--wait")
        log = str(folder / "log")
        await _run(user, *control, "--timeout", str(_START_SECONDS), "--log", log, "start")
        try:
            yield Postgres(
                pid=int((data / "postmaster.pid").read_text(encoding="ascii").split()[0]),
                folder=folder,
            )
        finally:
            await _run(
                user, *control, "--timeout", str(_STOP_SECONDS), "--mode", "immediate", "stop"
            )
    finally:
        await asyncio.to_thread(shutil.rmtree, folder)


def _programs() -> Path:
    """Return the folder where they are."""
    folders = [Path(one) for one in os.environ.get("PATH", "").split(os.pathsep)]
    folders += sorted(_DEBIAN.glob("*/bin"), key=_version, reverse=True)
    for folder in folders:
        if all((folder / name).is_file() for name in ("initdb", "pg_ctl", "postgres")):
            return folder
    raise MissingError("there is no Postgres here: sudo apt install postgresql")


def _version(folder: Path) -> float:
    try:
        return float(folder.parent.name)
    except ValueError:
        return 0


def _user() -> str | None:
    """Return as whom it has to run; none: as we do. Postgres does not run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise MissingError("Postgres does not run as root, and there is no other user here")


async def _run(user: str | None, *command: str) -> None:
    """Run what ends by itself, and fail with its words."""
    await asyncio.to_thread(
        subprocess.run,
        command,
        user=user,
        group=None if user is None else pwd.getpwnam(user).pw_gid,
        extra_groups=None if user is None else [],
        cwd="/",
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        timeout=_START_SECONDS + _STOP_SECONDS,
    )
