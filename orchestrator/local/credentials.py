"""The password of a Neo4j of our own: made once, and readable by its owner alone."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

USER = "neo4j"
_BYTES = 24


def make(password_file: Path) -> str:
    """Answer the password in the file; make both where there is none."""
    if password_file.exists():
        return read(password_file)
    # It has its mode before it has content, and its name only when it is whole. No character in a
    # hexadecimal word could be taken for an option of a command.
    password = secrets.token_hex(_BYTES)
    unfinished = password_file.with_name(password_file.name + ".new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(password + "\n")
        file.flush()
        os.fsync(descriptor)
    unfinished.rename(password_file)
    return password


def read(password_file: Path) -> str:
    """Answer the password in the file."""
    return password_file.read_text(encoding="utf-8").strip()
