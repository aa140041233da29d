"""What a command says, and which code it exits with, when something goes wrong: one table for all commands."""

from __future__ import annotations

import errno

from orchestrator.cli.environment import SettingsError
from orchestrator.cli.exits import Exit
from orchestrator.client import (
    AnswerError,
    CertificatesError,
    ClientError,
    ProxyError,
    QueryError,
    RefusedError,
    UnreachableError,
)
from orchestrator.domain import errors

_CALLERS_MISTAKES = {
    "INVALID_INPUT",
    "NOT_FOUND",
    "CONFLICT",
    "LIMIT",
    "UNAUTHENTICATED",
    "FORBIDDEN",
}


class InputError(Exception):
    """An argument that cannot be, said for the person who typed it."""


class MissingError(Exception):
    """There is no such thing in the service."""


class NotWrittenError(Exception):
    """What was to be written has no room, or nobody who takes it; what was begun is not to be taken for whole."""


def cause_of(error: Exception) -> Exception:
    """Return what a group of tasks died of, where that is one error: the group says nothing of it."""
    if not isinstance(error, ExceptionGroup):
        return error
    causes = error.exceptions
    return cause_of(causes[0]) if len(causes) == 1 else error


def exit_of(error: Exception) -> Exit | None:  # noqa: PLR0911 - a table
    """Return the exit code of an error that was foreseen; none where it was not."""
    match error:
        case SettingsError() | InputError() | errors.WrongSettingError():
            return Exit.USAGE
        case ProxyError() | CertificatesError():
            return Exit.USAGE
        case errors.AuthenticationError():
            # Of the settings NEO4J_USER and NEO4J_PASSWORD.
            return Exit.USAGE
        case UnreachableError() | AnswerError() | errors.UnavailableError():
            return Exit.UNREACHABLE
        case QueryError(unavailable=True):
            return Exit.UNREACHABLE
        case QueryError(faults=faults):
            mistaken = {fault.extensions.code for fault in faults} <= _CALLERS_MISTAKES
            return Exit.REFUSED if mistaken else Exit.FAILED
        case RefusedError() | MissingError() | errors.RefusedError():
            return Exit.REFUSED
        case OSError(errno=errno.ENOSPC | errno.EDQUOT | errno.EFBIG):
            return Exit.FAILED
        case ClientError() | errors.CouncilError() | NotWrittenError():
            return Exit.FAILED
        case _:
            return None


def words_of(error: Exception) -> str:
    """Return what to print: all mistakes on a line each, with what stands in the way where something does."""
    if isinstance(error, OSError):
        return f"there is no room for what was to be written: {error.strerror}"
    if isinstance(error, QueryError) and any(
        fault.extensions.code == "UNAUTHENTICATED" for fault in error.faults
    ):
        return f"{error}; the token that is shown to the service stands in COUNCIL_TOKEN"
    if not isinstance(error, RefusedError):
        return str(error)
    return "\n".join(
        f"{mistake.words} (see: council show {mistake.existing.id})"
        if mistake.existing
        else mistake.words
        for mistake in error.mistakes
    )
