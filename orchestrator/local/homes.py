"""Where what is of a Neo4j of our own lies below COUNCIL_HOME, and where the last one there was spoken to."""

from __future__ import annotations

import os
from pathlib import Path

from orchestrator.local.configuration import Ports, read_ports


def directory_below(home: Path) -> Path:
    """Answer where all of it is."""
    # What a killed run left is known by this path as it is written: each spelling must come to the same.
    return Path(os.path.realpath(home)) / "neo4j"


def configuration_file(home: Path) -> Path:
    """Answer the file that is written at each start."""
    return directory_below(home) / "conf" / "neo4j.conf"


def password_file(home: Path) -> Path:
    """Answer the file that is made once."""
    return directory_below(home) / "password"


def last_ports(home: Path) -> Ports | None:
    """Answer the ports of the one that runs or ran last, which may have chosen them; None where none ever did."""
    try:
        text = configuration_file(home).read_text(encoding="utf-8")
    except OSError:
        return None
    return read_ports(text)
