"""What is wrong with the settings is known before anything is started."""

from __future__ import annotations

import re

import pytest

from orchestrator.domain.errors import WrongSettingError
from orchestrator.service.beforehand import look_for_mistakes
from orchestrator.settings import Settings


async def test_an_issuer_that_can_be_none_is_told_beforehand() -> None:
    wrong = {"COUNCIL_OIDC_ISSUER": "http://issuer.example", "COUNCIL_OIDC_AUDIENCE": "council"}
    settings = Settings.model_validate(wrong)

    with pytest.raises(WrongSettingError, match="COUNCIL_OIDC_ISSUER must begin with https://"):
        await look_for_mistakes(settings)


@pytest.mark.parametrize(
    ("variable", "value", "why"),
    [
        ("SSL_CERT_FILE", "/nowhere.pem", "SSL_CERT_FILE, where it is set, must name a readable"),
        ("SSL_CERT_FILE", __file__, "SSL_CERT_FILE, where it is set, must name a readable"),
        ("HTTPS_PROXY", "socks5://me:hunter2@proxy:1080", "must be as http://host:3128"),
        ("HTTPS_PROXY", "gopher://me:hunter2@proxy", "must be as http://host:3128"),
    ],
)
async def test_what_keeps_an_issuer_from_being_asked_is_told_beforehand_without_a_password(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, why: str
) -> None:
    monkeypatch.setenv(variable, value)
    right = {"COUNCIL_OIDC_ISSUER": "https://issuer.example", "COUNCIL_OIDC_AUDIENCE": "council"}

    with pytest.raises(WrongSettingError, match=re.escape(why)) as told:
        await look_for_mistakes(Settings.model_validate(right))

    assert "hunter2" not in str(told.value)
