"""Running make as a person does who has typed nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.support.service_process import clean_environment

ROOT = Path(__file__).parents[2]

_MAKE = ("MAKE", "MFLAGS", "ARGS", "PYTHON", "VENV")
"""What `make test` leaves to what it starts, such as the ARGS of its own command line."""

_UNIX = ("awk", "cat", "cut", "dirname", "env", "make", "realpath", "rm", "sed", "seq", "sh")


def environment() -> dict[str, str]:
    """Return ours without the settings of the service and of the make that we may run under."""
    return clean_environment(*_MAKE)


def bare_path(folder: Path) -> Path:
    """Fill a folder with what every Unix has, and nothing to run Python, Java, Maven or Docker with."""
    folder.mkdir()
    for tool in _UNIX:
        found = shutil.which(tool)
        if found is not None:
            (folder / tool).symlink_to(found)
    return folder
