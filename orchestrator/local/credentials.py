"""The password of a Neo4j of our own: made once, and readable by its owner alone."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from orchestrator.domain.errors import WrongSettingError

USER = "neo4j"
_BYTES = 24


def make(password_file: Path) -> str:
    """Answer the password in the file; make both where there is none.

    Raises:
        WrongSettingError: the file is there, and cannot be read.
    """
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
    """Answer the password in the file.

    Raises:
        WrongSettingError: it cannot be read.
    """
    try:
        return password_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise WrongSettingError(
            f"{password_file}, in COUNCIL_HOME, cannot be read: {why}. It must be the file that `council up` made, with the password of the graph beside it."
        ) from error
