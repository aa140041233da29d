"""What Neo4j says no to is sorted by its codes: what passes is waited for, what stays is told."""

from __future__ import annotations

import pytest
from neo4j.exceptions import Neo4jError
from typing_extensions import override

from orchestrator.domain.errors import (
    AuthenticationError,
    GivenUpError,
    TookTooLongError,
    UnavailableError,
)
from orchestrator.graph.errors import (
    ConstraintViolatedError,
    LockTimeoutError,
    OutOfMemoryError,
    StatementRefusedError,
    TooLargeError,
    translated,
)


class SaidError(Neo4jError):
    """What a server said, with a code that the driver does not try again."""

    def __init__(self, code: str, words: str = "so it is") -> None:
        super().__init__(words)
        self._said: tuple[str, str] = (code, words)

    @property
    @override
    def code(self) -> str:
        return self._said[0]

    @property
    @override
    def message(self) -> str:
        return self._said[1]


class RetriedError(SaidError):
    """The same, with one that it did try again for a while."""

    @override
    def is_retryable(self) -> bool:
        return True


@pytest.mark.parametrize(
    "said",
    [
        SaidError("Neo.ClientError.Transaction.Terminated"),
        SaidError("Neo.ClientError.Transaction.TransactionNotFound"),
        SaidError("Neo.ClientError.Transaction.LockClientStopped"),
        SaidError("Neo.ClientError.General.WriteOnReadOnlyAccessDatabase"),
        SaidError("Neo.ClientError.General.ForbiddenOnReadOnlyDatabase"),
        SaidError("Neo.ClientError.Database.DatabaseNotFound"),
        SaidError("Neo.ClientError.Cluster.Routing"),
        SaidError("Neo.ClientError.Statement.EntityNotFound", "Unable to load NODE 4:x:2."),
        SaidError("Neo.DatabaseError.Transaction.TransactionCommitFailed"),
        SaidError("Neo.DatabaseError.Transaction.TransactionLogError"),
        SaidError("Neo.DatabaseError.General.UnknownError"),
        SaidError("Neo.DatabaseError.Statement.ExecutionFailed", "Underlying storage exception"),
        RetriedError("Neo.TransientError.Transaction.DeadlockDetected"),
    ],
    ids=lambda said: said.code,
)
def test_what_passes_is_something_to_wait_for(said: SaidError) -> None:
    assert type(translated(said, "bolt://db:7687", 15.0, writing=False)) is GivenUpError


def test_a_lock_that_was_not_had_in_time_is_told_apart_since_somebody_has_it() -> None:
    said = RetriedError("Neo.TransientError.Transaction.LockAcquisitionTimeout")
    assert type(translated(said, "bolt://db:7687", 15.0, writing=True)) is LockTimeoutError


@pytest.mark.parametrize(
    "said",
    [
        SaidError(
            "Neo.DatabaseError.Statement.ExecutionFailed",
            "Property value is too large to index, please see index documentation for limitations.",
        ),
        SaidError("Neo.DatabaseError.Schema.ConstraintCreationFailed"),
        SaidError("Neo.DatabaseError.Schema.TokenLimitReached"),
        SaidError(
            "Neo.ClientError.Schema.ConstraintValidationFailed", "Node(1) is not what it must be"
        ),
        SaidError(
            "Neo.ClientError.Transaction.TransactionHookFailed", "a trigger does not want it"
        ),
        SaidError("Neo.ClientError.Statement.TypeError"),
        SaidError("Neo.ClientError.Statement.SyntaxError"),
        SaidError("Neo.ClientError.Transaction.InvalidBookmark"),
    ],
    ids=lambda said: said.code,
)
def test_what_stays_is_a_refusal_with_the_words_of_the_server(said: SaidError) -> None:
    ours = translated(said, "bolt://db:7687", 15.0, writing=False)
    assert type(ours) is StatementRefusedError
    assert (ours.code, ours.reason) == (said.code, said.message)


def test_a_value_that_is_taken_is_told_from_other_refusals() -> None:
    said = SaidError(
        "Neo.ClientError.Schema.ConstraintValidationFailed",
        "Node(7) already exists with label `Agent` and property `name` = 'x'",
    )
    ours = translated(said, "bolt://db:7687", 15.0, writing=False)
    assert isinstance(ours, ConstraintViolatedError)
    assert (ours.label, ours.key) == ("Agent", "name")


@pytest.mark.parametrize(
    "said",
    [
        RetriedError("Neo.TransientError.General.MemoryPoolOutOfMemoryError"),
        RetriedError("Neo.TransientError.General.TransactionMemoryLimit"),
        SaidError("Neo.ClientError.General.TransactionOutOfMemoryError"),
    ],
    ids=lambda said: said.code,
)
def test_a_transaction_without_room_is_told_apart_since_a_smaller_one_may_fit(
    said: SaidError,
) -> None:
    assert isinstance(translated(said, "bolt://db:7687", 15.0, writing=False), OutOfMemoryError)


@pytest.mark.parametrize(
    ("setting", "kind"),
    [
        ("db.memory.transaction.max", TooLargeError),
        ("db.memory.transaction.total.max", OutOfMemoryError),
        ("dbms.memory.transaction.total.max", OutOfMemoryError),
    ],
)
def test_a_transaction_too_large_by_itself_is_told_from_one_for_which_others_left_no_room(
    setting: str, kind: type[OutOfMemoryError]
) -> None:
    said = RetriedError(
        "Neo.TransientError.General.MemoryPoolOutOfMemoryError",
        f"The allocation of an extra 2.0 MiB would use more than the limit 4.0 MiB. {setting} threshold reached",
    )
    assert type(translated(said, "bolt://db:7687", 15.0, writing=True)) is kind


def test_a_login_that_is_refused_is_told_apart() -> None:
    said = SaidError("Neo.ClientError.Security.Unauthorized")
    assert isinstance(translated(said, "bolt://db:7687", 15.0, writing=False), AuthenticationError)


def test_a_login_that_was_not_sent_names_the_setting_that_is_wanting() -> None:
    said = SaidError(
        "Neo.ClientError.Security.Unauthorized",
        "Unsupported authentication token, missing key `scheme`",
    )
    ours = translated(said, "bolt://db:7687", 15.0, writing=False)
    assert isinstance(ours, AuthenticationError)
    assert str(ours) == "NEO4J_PASSWORD is not set, and Neo4j asks for a login"


@pytest.mark.parametrize("what", ["AuthenticationRateLimit", "AuthProviderTimeout"])
def test_a_login_that_is_not_looked_at_now_is_one_to_try_again(what: str) -> None:
    said = SaidError(f"Neo.ClientError.Security.{what}", "too many wrong ones")
    assert type(translated(said, "bolt://db:7687", 15.0, writing=False)) is UnavailableError


@pytest.mark.parametrize("code", ["TransactionTimedOut", "TransactionTimedOutClientConfiguration"])
def test_write_that_took_too_long_is_no_fault_of_who_sent_it(code: str) -> None:
    said = SaidError(f"Neo.ClientError.Transaction.{code}")

    ours = translated(said, "bolt://db:7687", 15.0, writing=True)

    assert type(ours) is GivenUpError
    assert str(ours) == "Neo4j did not get to write it within 15 seconds"


@pytest.mark.parametrize("code", ["TransactionTimedOut", "TransactionTimedOutClientConfiguration"])
def test_read_that_took_too_long_says_how_long_it_may_take_and_may_be_sent_again(code: str) -> None:
    said = SaidError(f"Neo.ClientError.Transaction.{code}")

    ours = translated(said, "bolt://db:7687", 15.0, writing=False)

    assert isinstance(ours, TookTooLongError)
    assert str(ours) == "Neo4j ended a statement that took longer than 15 seconds"
