"""What the settings say of who may use the service, and from where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator.api.clients import Bounds
from orchestrator.domain.callers import Scope
from orchestrator.domain.errors import WrongSettingError
from orchestrator.identity import tokens
from orchestrator.identity.means import Expected
from orchestrator.service.api import bounds_of, sites_of
from orchestrator.service.callers import OpenToTheWorldError, means_of
from orchestrator.settings import Settings

# Always the same: what differs by the process cannot be the name of a test.
[ENTRY] = tokens.read(f"ada:read:sha256-{'0' * 64}")
OIDC = {"COUNCIL_OIDC_ISSUER": "https://issuer.example", "COUNCIL_OIDC_AUDIENCE": "council"}
EVERYWHERE = {"COUNCIL_HOST": "0.0.0.0"}  # noqa: S104


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what a test sets is set."""
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.alias), raising=False)


def a_setting(**variables: Any) -> Settings:
    return Settings.model_validate(variables)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "localhost"])
def test_on_this_machine_alone_everybody_may_do_everything_unless_told(host: str) -> None:
    means = means_of(a_setting(COUNCIL_HOST=host))

    assert (means.asks, means.anonymous) == (False, Scope.MANAGE)


def test_what_a_token_of_an_issuer_must_say_is_taken_without_the_end_of_a_line() -> None:
    said = {**OIDC, "COUNCIL_OIDC_SCOPE_PREFIX": "council:"}
    as_mounted = {name: f"{value}\n" for name, value in said.items()}

    assert means_of(a_setting(**as_mounted)) == means_of(a_setting(**said))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "council.example.com", "council"])  # noqa: S104
def test_for_more_than_this_machine_it_does_not_start_until_it_is_said_who_may(host: str) -> None:
    with pytest.raises(
        OpenToTheWorldError, match=r"COUNCIL_HOST is .* COUNCIL_ANONYMOUS=all"
    ) as no:
        means_of(a_setting(COUNCIL_HOST=host))

    assert no.value.host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104
@pytest.mark.parametrize(
    ("said", "asks", "anonymous"),
    [
        ({"COUNCIL_ANONYMOUS": "all"}, False, Scope.MANAGE),
        ({"COUNCIL_ANONYMOUS": "read"}, False, Scope.READ),
        ({"COUNCIL_TOKENS": str(ENTRY)}, True, None),
        ({"COUNCIL_TOKENS": str(ENTRY), "COUNCIL_ANONYMOUS": "read"}, True, Scope.READ),
        (OIDC, True, None),
        ({**OIDC, "COUNCIL_TOKENS": str(ENTRY)}, True, None),
    ],
    ids=str,
)
def test_what_is_said_counts_wherever_it_listens(
    host: str, said: dict[str, str], asks: bool, anonymous: Scope | None
) -> None:
    means = means_of(a_setting(COUNCIL_HOST=host, **said))

    assert (means.asks, means.anonymous) == (asks, anonymous)


def test_tokens_stand_in_the_setting_or_in_the_file_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text(str(ENTRY))

    for said in (
        {"COUNCIL_TOKENS": str(ENTRY)},
        {"COUNCIL_TOKENS_FILE": str(tmp_path / "tokens")},
    ):
        kept = means_of(a_setting(**said)).kept
        assert kept is not None
        assert kept.entries == (ENTRY,)


def test_what_a_token_of_an_issuer_must_say_is_as_set() -> None:
    said = {
        "COUNCIL_OIDC_NAME_CLAIM": "email",
        "COUNCIL_OIDC_SCOPE_CLAIM": "roles",
        "COUNCIL_OIDC_SCOPE_PREFIX": "council:",
    }

    assert means_of(a_setting(**OIDC)).expected == Expected(
        issuer="https://issuer.example", audience="council"
    )
    assert means_of(a_setting(**OIDC, **said)).expected == Expected(
        issuer="https://issuer.example",
        audience="council",
        name_claim="email",
        scope_claim="roles",
        scope_prefix="council:",
    )


@pytest.mark.parametrize(
    ("said", "mistake"),
    [
        ({"COUNCIL_TOKENS": "ada"}, "COUNCIL_TOKENS: line 1"),
        ({"COUNCIL_TOKENS_FILE": "/nowhere/tokens"}, "COUNCIL_TOKENS_FILE: /nowhere/tokens"),
        ({"COUNCIL_TOKENS": str(ENTRY), "COUNCIL_TOKENS_FILE": "x"}, "only one may be"),
        ({"COUNCIL_OIDC_ISSUER": "https://issuer.example"}, "COUNCIL_OIDC_AUDIENCE is not set"),
        ({"COUNCIL_OIDC_AUDIENCE": "council"}, "COUNCIL_OIDC_ISSUER is not"),
    ],
    ids=str,
)
def test_a_setting_that_cannot_be_meant_is_told_by_its_name(
    said: dict[str, str], mistake: str
) -> None:
    with pytest.raises(WrongSettingError, match=mistake):
        means_of(a_setting(**said))


@pytest.mark.parametrize(
    ("said", "names", "refused"),
    [
        ({}, ["localhost", "127.0.0.1:8080"], ["council", "council.example.com"]),
        ({"COUNCIL_TOKENS": str(ENTRY)}, ["localhost"], ["council", "council.example.com"]),
        (
            {**EVERYWHERE, "COUNCIL_ANONYMOUS": "all"},
            ["council:8080", "10.0.0.1"],
            ["council.example.com"],
        ),
        (
            {**EVERYWHERE, "COUNCIL_TOKENS": str(ENTRY), "COUNCIL_ANONYMOUS": "read"},
            ["council:8080"],
            ["council.example.com"],
        ),
        (
            {**EVERYWHERE, "COUNCIL_ANONYMOUS": "all", "COUNCIL_ALLOWED_HOSTS": "a.example.com"},
            ["council", "a.example.com"],
            ["b.example.com"],
        ),
        ({**EVERYWHERE, "COUNCIL_TOKENS": str(ENTRY)}, ["council.example.com"], []),
        (
            {**EVERYWHERE, "COUNCIL_TOKENS": str(ENTRY), "COUNCIL_ALLOWED_HOSTS": "a.example.com"},
            ["a.example.com"],
            ["b.example.com"],
        ),
    ],
    ids=str,
)
def test_under_which_names_it_is_reached(
    said: dict[str, str], names: list[str], refused: list[str]
) -> None:
    settings = a_setting(**said)
    sites = sites_of(settings, means_of(settings))

    assert [name for name in names + refused if sites.has_host(name)] == names


@pytest.mark.parametrize(
    ("said", "alone"),
    [
        ({}, True),
        ({"COUNCIL_HOST": "::1"}, True),
        ({"COUNCIL_ANONYMOUS": "read"}, False),
        ({"COUNCIL_TOKENS": str(ENTRY)}, False),
        (OIDC, False),
        ({**EVERYWHERE, "COUNCIL_ANONYMOUS": "all"}, False),
    ],
    ids=str,
)
def test_only_where_nobody_has_said_who_may_use_it_it_is_for_this_machine_alone(
    said: dict[str, str], alone: bool
) -> None:
    settings = a_setting(**said)

    assert sites_of(settings, means_of(settings)).here_alone is alone


def test_pages_of_the_origins_that_are_set_may_use_it() -> None:
    settings = a_setting(COUNCIL_ALLOWED_ORIGINS="https://dash.example.com, http://localhost:3000")
    sites = sites_of(settings, means_of(settings))

    assert sites.has_origin("https://dash.example.com", "localhost:8080")
    assert sites.has_origin("http://localhost:3000", "localhost:8080")
    assert not sites.has_origin("http://localhost:3001", "localhost:8080")


def test_how_much_one_client_may_have_under_way_is_as_set() -> None:
    said = {
        "COUNCIL_CLIENT_CONNECTIONS": 1,
        "COUNCIL_CLIENT_SUBSCRIPTIONS": 2,
        "COUNCIL_CLIENT_REQUESTS": 3,
    }

    assert bounds_of(a_setting(**said)) == Bounds(connections=1, subscriptions=2, requests=3)
    assert bounds_of(a_setting()) == Bounds()
