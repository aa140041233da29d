"""Which code a command exits with for what went wrong."""

from __future__ import annotations

import pytest

from orchestrator.cli import failures
from orchestrator.cli.environment import SettingsError
from orchestrator.cli.exits import MEANINGS, Exit
from orchestrator.client import (
    AnswerError,
    QueryError,
    RefusedError,
    UnreachableError,
    models,
)
from orchestrator.domain import errors
from orchestrator.local.errors import PortTakenError


def _query_error(*codes: str) -> QueryError:
    return QueryError(
        tuple(
            models.Fault(message="no", extensions=models.FaultExtensions(code=code))
            for code in codes
        )
    )


_MISTAKE = models.Mistake.model_validate(
    {"__typename": "InvalidInput", "message": "is empty", "code": "INVALID_INPUT", "path": ["a"]}
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SettingsError("COUNCIL_PORT …"), Exit.USAGE),
        (failures.InputError("no such file"), Exit.USAGE),
        (errors.WrongSettingError("NEO4J_URI cannot be used"), Exit.USAGE),
        (errors.AuthenticationError("Neo4j refuses the login"), Exit.USAGE),
        (UnreachableError("http://x", "refused"), Exit.UNREACHABLE),
        (AnswerError("http://x", "HTTP 404"), Exit.UNREACHABLE),
        (errors.UnavailableError("Neo4j is away"), Exit.UNREACHABLE),
        (_query_error("UNAVAILABLE"), Exit.UNREACHABLE),
        (_query_error("NOT_FOUND"), Exit.REFUSED),
        (_query_error("INVALID_INPUT", "LIMIT"), Exit.REFUSED),
        (_query_error("UNAUTHENTICATED"), Exit.REFUSED),
        (_query_error("FORBIDDEN"), Exit.REFUSED),
        (_query_error("INTERNAL"), Exit.FAILED),
        (_query_error("NOT_FOUND", "INTERNAL"), Exit.FAILED),
        (RefusedError((_MISTAKE,)), Exit.REFUSED),
        (failures.MissingError("none"), Exit.REFUSED),
        (PortTakenError(7687, "COUNCIL_BOLT_PORT"), Exit.FAILED),
        (ZeroDivisionError(), None),
    ],
)
def test_an_error_has_the_code_that_the_help_promises(error: Exception, code: Exit | None) -> None:
    assert failures.exit_of(error) is code


def test_what_a_group_of_tasks_died_of_is_told_for_it() -> None:
    away = errors.UnavailableError("Neo4j is away")

    assert failures.cause_of(ExceptionGroup("tasks", [ExceptionGroup("tasks", [away])])) is away


def test_of_several_causes_none_is_told_for_all() -> None:
    several = ExceptionGroup("tasks", [errors.UnavailableError("away"), ZeroDivisionError()])

    assert failures.cause_of(several) is several


def test_who_is_not_let_in_is_told_where_his_token_stands() -> None:
    assert failures.words_of(_query_error("UNAUTHENTICATED")).endswith("stands in COUNCIL_TOKEN")
    assert "COUNCIL_TOKEN" not in failures.words_of(_query_error("FORBIDDEN"))


def test_every_code_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Exit)


def test_what_stands_in_the_way_is_told_with_how_to_see_it() -> None:
    conflict = _MISTAKE.model_copy(update={"existing": models.Reference(id="dlb_1")})

    assert failures.words_of(RefusedError((_MISTAKE, conflict))) == (
        "a: is empty\na: is empty (see: council show dlb_1)"
    )
