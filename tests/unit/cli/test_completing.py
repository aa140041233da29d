"""What a shell is offered, where the service cannot be asked, too."""

from __future__ import annotations

import pytest

from orchestrator.cli import completing
from orchestrator.cli.commands import clients
from orchestrator.client.models import DeliberationStatus


def test_every_status_that_there_is_can_be_typed() -> None:
    assert [one.upper() for one in clients.Status] == list(DeliberationStatus)


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "gopher://127.0.0.1:1"])
def test_where_no_proxy_can_be_used_nothing_is_offered_and_nothing_is_said(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)

    assert completing.roles("http://council.example") == []


def test_where_the_address_is_none_nothing_is_offered_and_nothing_is_said() -> None:
    assert completing.roles("http://council.example:abc") == []
