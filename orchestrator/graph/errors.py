"""What Neo4j answers when it does not do what it was asked, in our words: the one place that knows the driver's.

CouncilError
├── UnavailableError
│   ├── AuthenticationError      Neo4j is there and does not let us in
│   ├── UnansweredError          the connection was lost between a commit and its answer
│   └── GivenUpError             Neo4j is there and gave a transaction up, such as for a lock that was not had in time
│       ├── LockTimeoutError     another transaction had a lock for too long
│       ├── OutOfMemoryError     it was larger than the memory that Neo4j has for it now
│       │   └── TooLargeError    it was larger than Neo4j lets any transaction be
│       └── TookTooLongError     it took longer than Neo4j was told to let it
├── WrongSettingError
│   └── MisconfiguredError       the graph that the settings name cannot be used as it is
└── StatementRefusedError        Neo4j refused a statement, and would refuse it again
    └── ConstraintViolatedError  because something with that value is there already
"""

from __future__ import annotations

import errno
import os
import re
import socket
import ssl
from collections.abc import Iterator
from typing import cast

from neo4j.exceptions import (
    AuthError,
    ConfigurationError,
    ConnectionPoolError,
    DriverError,
    IncompleteCommit,
    Neo4jError,
    ServiceUnavailable,
    SessionExpired,
    UnsupportedServerProduct,
)

from orchestrator.domain.errors import (
    AuthenticationError,
    CouncilError,
    GivenUpError,
    TookTooLongError,
    UnansweredError,
    UnavailableError,
    WrongSettingError,
)

_LONGEST_REASON = 500
"""Characters of the server's words that are passed on; they may quote a whole value."""

_GONE = "Neo.ClientError.Statement.EntityNotFound"
"""The code where what the statement had found was removed before it could connect something to it."""

_TRY_LATER = (
    "Neo.ClientError.Cluster.Routing",
    "Neo.ClientError.Database.DatabaseNotFound",
    "Neo.ClientError.Database.DatabaseUnavailable",
    "Neo.ClientError.General.ForbiddenOnReadOnlyDatabase",
    "Neo.ClientError.General.WriteOnReadOnlyAccessDatabase",
    _GONE,
    "Neo.ClientError.Transaction.LockAcquisitionTimeout",
    "Neo.ClientError.Transaction.LockClientStopped",
    "Neo.ClientError.Transaction.Terminated",
    "Neo.ClientError.Transaction.TransactionNotFound",
    "Neo.DatabaseError.",
)
"""How codes begin that the driver calls final although asking again later can help.

A DatabaseError is the server's own trouble, such as a full disk; the next two are the exceptions.
"""

_TIMED_OUT = (
    "Neo.ClientError.Transaction.TransactionTimedOut",
    "Neo.ClientError.Transaction.TransactionTimedOutClientConfiguration",
)

_PERHAPS_DONE = "it may have been carried out all the same, so look before it is sent again; no answer came from Neo4j"

_NO_BOLT = ("handshake", "looks like HTTP")
"""What the driver says of a server that does not answer as one that speaks Bolt."""

_NO_LOGIN = "missing key `scheme`"
"""What a server that asks for a login says where none was sent."""

NOT_LOOKED_AT = "Neo.ClientError.Security.AuthenticationRateLimit"
"""The code of a login that was not looked at, since wrong ones of its user came before."""

_LET_IN_LATER = (NOT_LOOKED_AT, "Neo.ClientError.Security.AuthProviderTimeout")
"""Codes of a login that may be taken later as it is: others have tried wrong ones, or who knows the users is slow."""

_ABOUT_THE_SCHEMA = "Neo.DatabaseError.Schema."
"""A constraint that the data break, a name too many: these stay."""

_TOO_LARGE_TO_INDEX = "Property value is too large to index"
"""The server has no code of its own for that: it says Neo.DatabaseError.Statement.ExecutionFailed."""

_LOCK_TIMEOUT = "Neo.TransientError.Transaction.LockAcquisitionTimeout"

_OUT_OF_MEMORY = (
    "Neo.ClientError.General.TransactionOutOfMemoryError",
    "Neo.TransientError.General.MemoryPoolOutOfMemoryError",
    "Neo.TransientError.General.OutOfMemoryError",
    "Neo.TransientError.General.TransactionMemoryLimit",
)

_LIMIT_OF_ONE = "db.memory.transaction.max"
"""The setting that Neo4j names where a transaction is too large by itself.

It has the same code for a memory that all transactions have filled together, and names another: `….transaction.total.max`.
"""

_DUPLICATE = re.compile(
    r"Node\(\d+\) already exists with label `(?P<label>\w+)` and property `(?P<key>\w+)`"
)


class LockTimeoutError(GivenUpError):
    """Another transaction had a lock for longer than Neo4j lets anybody wait for one."""


class OutOfMemoryError(GivenUpError):
    """A transaction was larger than the memory that Neo4j has for it now; a smaller one may fit at once."""


class TooLargeError(OutOfMemoryError):
    """A transaction was larger than Neo4j lets any be; sent again as it is, it would be refused again."""


class MisconfiguredError(WrongSettingError):
    """What NEO4J_URI names is no Neo4j that this service can use; waiting does not help."""


class StatementRefusedError(CouncilError):
    """Neo4j refused a statement for good, such as for a value that it cannot store or index."""

    def __init__(self, code: str, reason: str) -> None:
        """`code` is Neo4j's, `reason` its words, shortened."""
        self.code: str = code
        self.reason: str = reason[:_LONGEST_REASON]
        super().__init__(f"{code}: {self.reason}")


class ConstraintViolatedError(StatementRefusedError):
    """A node with that value of a unique property is there already, committed by another transaction."""

    def __init__(self, code: str, reason: str, label: str, key: str) -> None:
        """`label` and `key`, such as Agent and name, say which constraint it was."""
        self.label: str = label
        self.key: str = key
        super().__init__(code, reason)


def passes(exc: Exception) -> bool:
    """Whether the same statement may well be taken if it is run again at once; too large, it would stay so.

    What is gone it does not find again, and says so.
    """
    if isinstance(exc, Neo4jError) and exc.code in _OUT_OF_MEMORY:
        return False
    if isinstance(exc, Neo4jError) and exc.code == _GONE:
        return True
    return isinstance(exc, Neo4jError | DriverError) and exc.is_retryable()


def translated(
    exc: Neo4jError | DriverError | TimeoutError | OSError,
    address: str,
    seconds: float,
    *,
    writing: bool,
) -> Exception:
    """Say what the driver raised in words of ours; what is a mistake of the program stays what it is.

    `address` is where Neo4j was to be reached, for operators; `seconds` is how long it was to let a transaction take.
    """
    if isinstance(exc, Neo4jError):
        return _timeout(seconds, writing=writing) if exc.code in _TIMED_OUT else refusal(exc)
    match exc:
        case UnsupportedServerProduct() | ConfigurationError():
            return MisconfiguredError(f"This is no Neo4j that can be used: {exc}")
        case TimeoutError():
            return UnavailableError("Neo4j does not answer", f"at {address}")
        case IncompleteCommit():
            return UnansweredError(_PERHAPS_DONE, f"at {address}: {_reason(exc, address)}")
        case ServiceUnavailable() | SessionExpired() | ConnectionPoolError() | OSError():
            return UnavailableError(
                "Neo4j cannot be reached", f"at {address}: {_reason(exc, address)}"
            )
        case _:
            return exc


def refusal(exc: Neo4jError) -> CouncilError:
    """Say in words of ours what the server itself said no to."""
    code = exc.code or ""
    reason = exc.message or code or "no reason given"
    if code in _LET_IN_LATER:
        return UnavailableError(f"Neo4j lets nobody in for now: {reason[:_LONGEST_REASON]}")
    if isinstance(exc, AuthError) or ".Security." in code:
        return AuthenticationError(
            "NEO4J_PASSWORD is not set, and Neo4j asks for a login"
            if _NO_LOGIN in reason
            else f"Neo4j refuses the login with NEO4J_USER and NEO4J_PASSWORD: {reason[:_LONGEST_REASON]}"
        )
    if code in _OUT_OF_MEMORY:
        return _no_memory(reason)
    if exc.is_retryable() or _passes(code, reason):
        kind = LockTimeoutError if code == _LOCK_TIMEOUT else GivenUpError
        return kind(f"Neo4j cannot do it now: {reason[:_LONGEST_REASON]}")
    if found := _DUPLICATE.match(reason):
        return ConstraintViolatedError(code, reason, found["label"], found["key"])
    return StatementRefusedError(code, reason)


def _reason(exc: BaseException, address: str) -> str:
    """Say why no connection came about, or why it ended, as what the system said tells best."""
    causes = list(_causes(exc))
    for cause in causes:
        match cause:
            case ssl.SSLError():
                return f"TLS failed: {cause}"
            case ConnectionResetError(args=()):
                # Without a word it is asyncio's own, of a TLS handshake that the other side ended.
                return (
                    "it ended the TLS handshake; perhaps it speaks without TLS (bolt://, neo4j://)"
                )
            case socket.gaierror():
                return str(cause.strerror)
            case OSError(errno=int(number)) if number in errno.errorcode:
                # What asyncio has as its strerror repeats the address.
                return os.strerror(number)
            case _:
                pass
    innermost = causes[-1]
    if any(words in str(cause) for cause in causes for words in _NO_BOLT):
        without_tls = address.startswith(("bolt://", "neo4j://"))
        or_tls = ", or asks for TLS (bolt+s://, bolt+ssc://)" if without_tls else ""
        return f"what is there does not answer as Neo4j does{or_tls}"
    return (str(innermost) or type(innermost).__name__)[:_LONGEST_REASON]


def _causes(exc: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it came of; of a cluster's servers, which all failed, by the first one."""
    yield exc
    if isinstance(exc, BaseExceptionGroup):
        cause: BaseException | None = cast("BaseException", exc.exceptions[0])
    else:
        cause = exc.__cause__ or exc.__context__
    if cause is not None:
        yield from _causes(cause)


def _timeout(seconds: float, *, writing: bool) -> GivenUpError:
    """How much is read its caller decides; what is written is small, and it is not he who makes it take too long."""
    if writing:
        return GivenUpError(f"Neo4j did not get to write it within {seconds:g} seconds")
    return TookTooLongError(seconds)


def _no_memory(reason: str) -> OutOfMemoryError:
    if _LIMIT_OF_ONE in reason:
        return TooLargeError(f"Neo4j lets no transaction be that large: {reason[:_LONGEST_REASON]}")
    return OutOfMemoryError(f"Neo4j has no memory for it now: {reason[:_LONGEST_REASON]}")


def _passes(code: str, reason: str) -> bool:
    """Whether the same statement may be taken later."""
    if code.startswith(_ABOUT_THE_SCHEMA) or reason.startswith(_TOO_LARGE_TO_INDEX):
        return False
    return code.startswith(_TRY_LATER)
