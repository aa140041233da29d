"""Which processes of this host are alive: each holds a lock on a file of its own in COUNCIL_HOME.

The lock ends with the process, however it died, so a file whose lock is free proves its process gone
and its claims can be taken over at once. A pid or a host name would prove nothing: in containers every
pid is 1.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Generator
from pathlib import Path

from orchestrator.domain.errors import HomeUnusableError

_SUFFIX = ".lock"

_KEPT_SECONDS = 3600.0
"""Of a process that was found gone: longer than any lease, after which nobody needs the proof. It may have been at work on another graph
than whoever finds it, so it is not for that one to say that all was taken over."""


class Presence:
    """The lock files of one COUNCIL_HOME."""

    def __init__(self, home: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._home = home
        self._folder = home / "processes"
        self._clock = clock
        self._found_gone: dict[str, float] = {}

    def prepare(self) -> None:
        """Make the folder; raises HomeUnusableError where that cannot be, before anything else has begun."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HomeUnusableError(self._home, error) from error

    @contextlib.contextmanager
    def shown(self, process: str) -> Generator[None]:
        """Hold this process's lock. The file stays: `forget` takes it away once the process holds nothing.

        Raises:
            HomeUnusableError: there can be no such file.
        """
        try:
            descriptor = self._locked(process)
        except OSError as error:
            raise HomeUnusableError(self._home, error) from error
        try:
            yield
        finally:
            os.close(descriptor)

    def gone(self) -> frozenset[str]:
        """Return the ids of processes that have died here lately without giving back what they held."""
        now = self._clock()
        free = {path.stem: path for path in self._files() if _is_free(path)}
        self._found_gone = {process: self._found_gone.get(process, now) for process in free}
        for process, since in self._found_gone.items():
            if now - since > _KEPT_SECONDS:
                _take_away(free.pop(process))
        return frozenset(free)

    def forget(self, process: str) -> None:
        """Take away the file of a process whose claims have all been given back."""
        _take_away(self._folder / f"{process}{_SUFFIX}")

    def _locked(self, process: str) -> int:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{process}{_SUFFIX}"
        # Under the name that others look for it is never without its lock: they would take its process for gone.
        unseen = path.with_suffix(".new")
        descriptor = os.open(unseen, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            unseen.rename(path)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _files(self) -> list[Path]:
        try:
            return list(self._folder.glob(f"*{_SUFFIX}"))
        except OSError:
            # As below: callers alone can take all descriptors, and that must end no process.
            return []


def _take_away(path: Path) -> None:
    # Where it cannot be, as of a disk that can only be read since it failed, it proves what is so all the same.
    with contextlib.suppress(OSError):
        path.unlink()


def _is_free(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        # Ended meanwhile, another user's, or no descriptor is left: nothing that this process could prove gone.
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(descriptor)
