"""An environment in which nothing can be fetched: whoever tries is caught."""

from __future__ import annotations

import os
from pathlib import Path

NOWHERE = "http://127.0.0.1:9"
"""Nobody listens there, and whoever is sent there is refused at once."""

_FETCHERS = ("mvn", "pip", "pip3", "uv", "curl", "wget", "git")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_SOURCES = ("PIP_INDEX_URL", "UV_DEFAULT_INDEX")


class Offline:
    """Programs on the PATH that fail and tell, and proxies and package indexes that lead nowhere."""

    def __init__(self, folder: Path) -> None:
        """`folder` is one of its own."""
        self._calls: Path = folder / "calls"
        programs = folder / "programs"
        programs.mkdir(parents=True)
        for name in _FETCHERS:
            program = programs / name
            program.write_text(f'#!/bin/sh\necho "{name} $*" >> "{self._calls}"\nexit 1\n')
            program.chmod(0o755)
        self.environment: dict[str, str] = {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            **dict.fromkeys(_SOURCES, NOWHERE),
            **{name: NOWHERE for both in _PROXIES for name in (both, both.lower())},
        }

    def attempts(self) -> list[str]:
        """Return how the programs were called."""
        return self._calls.read_text().splitlines() if self._calls.exists() else []
