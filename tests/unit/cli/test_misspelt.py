"""Variables that look like settings and are none."""

from __future__ import annotations

import os

import pytest
from structlog.testing import capture_logs

from orchestrator.cli.misspelt import Misspelt, log_misspelt, misspelt


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what a test sets is set."""
    for name in [name for name in os.environ if name.upper().startswith("COUNCIL_")]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("COUNCIL_LEASE_SECOND", "COUNCIL_LEASE_SECONDS"),
        ("COUNCIL_LEASESECONDS", "COUNCIL_LEASE_SECONDS"),
        ("council_hots", "COUNCIL_HOST"),
        ("COUNCIL_BOLTT_PORT", "COUNCIL_BOLT_PORT"),
        ("COUNCIL_TOKENFILE", "COUNCIL_TOKENS_FILE"),
        ("COUNCIL_COLOUR", None),
    ],
)
def test_a_variable_that_no_setting_has_is_found_with_the_one_that_may_have_been_meant(
    monkeypatch: pytest.MonkeyPatch, variable: str, meant: str | None
) -> None:
    monkeypatch.setenv(variable, "3")

    assert list(misspelt()) == [Misspelt(variable=variable, meant=meant)]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("COUNCIL_LEASE_SECONDS", "10"),
        ("council_port", "8080"),
        ("COUNCIL_LEASE_SECOND", ""),
        ("COUNCIL_KEY_GPU", "secret"),
        ("OTHER_COUNCIL_HOTS", "3"),
    ],
    ids=["setting", "lower case", "empty", "key", "another's"],
)
def test_nothing_is_said_of_what_is_used_or_sets_nothing(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)

    assert list(misspelt()) == []


@pytest.mark.parametrize("service", ["COUNCIL", "COUNCIL_MODELS", "COUNCIL_2"])
def test_nothing_is_said_of_what_kubernetes_sets_beside_a_service(
    monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    for name, value in {
        "SERVICE_HOST": "10.0.0.1",
        "SERVICE_PORT": "8080",
        "SERVICE_PORT_HTTP": "8080",
        "PORT": "tcp://10.0.0.1:8080",
        "PORT_8080_TCP": "tcp://10.0.0.1:8080",
        "PORT_8080_TCP_PROTO": "tcp",
        "PORT_8080_TCP_PORT": "8080",
        "PORT_8080_TCP_ADDR": "10.0.0.1",
    }.items():
        monkeypatch.setenv(f"{service}_{name}", value)

    assert list(misspelt()) == []


def test_the_log_names_each_and_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNCIL_TOKENN", "secret")

    with capture_logs() as logs:
        log_misspelt()

    assert logs == [
        {
            "event": "setting_unknown",
            "log_level": "warning",
            "variable": "COUNCIL_TOKENN",
            "meant": "COUNCIL_TOKEN",
        }
    ]
