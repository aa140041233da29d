"""What a scope includes, and whose idempotency keys are whose."""

from __future__ import annotations

import pytest

from orchestrator.domain.callers import NOBODY, Caller, KnownBy, Scope, token_mistake


@pytest.mark.parametrize(
    ("has", "may"),
    [
        (None, []),
        (Scope.READ, [Scope.READ]),
        (Scope.DELIBERATE, [Scope.READ, Scope.DELIBERATE]),
        (Scope.MANAGE, [Scope.READ, Scope.DELIBERATE, Scope.MANAGE]),
    ],
)
def test_a_scope_includes_those_before_it(has: Scope | None, may: list[Scope]) -> None:
    assert [scope for scope in Scope if Caller(scope=has).may(scope)] == may


def test_no_two_callers_share_a_keyspace_and_none_can_be_written_into_another() -> None:
    names = ["ada", "anonymous", "a/b", "a%2Fb", "token:ada", "Ada", "ada ", "auth0|7", "ä"]
    callers = [
        NOBODY,
        *(
            Caller(scope=Scope.READ, name=name, known_by=known_by)
            for name in names
            for known_by in KnownBy
        ),
    ]
    keyspaces = [caller.keyspace for caller in callers]

    assert len(set(keyspaces)) == len(callers)
    assert not any("/" in keyspace for keyspace in keyspaces)


def test_keys_of_before_callers_were_known_are_still_those_of_who_is_not() -> None:
    assert Caller(scope=Scope.MANAGE).keyspace == "anonymous"


@pytest.mark.parametrize("token", ["", "geheim\n", "gehe im", "gehéim", "geheim\x7f"])
def test_what_no_header_can_hold_is_no_token_and_is_not_repeated(token: str) -> None:
    mistake = token_mistake(token)

    assert mistake is not None
    assert mistake.startswith("must be visible ASCII")
    assert "geh" not in mistake


def test_a_token_of_whatever_issuer_is_one() -> None:
    assert token_mistake("eyJhbGciOi.J_-~+/x==") is None
