"""What is wrong with the settings is known before anything is started."""

from __future__ import annotations

import pytest

from orchestrator.domain.errors import WrongSettingError
from orchestrator.service.beforehand import look_for_mistakes
from orchestrator.settings import Settings


async def test_an_issuer_that_can_be_none_is_told_beforehand() -> None:
    wrong = {"COUNCIL_OIDC_ISSUER": "http://issuer.example", "COUNCIL_OIDC_AUDIENCE": "council"}
    settings = Settings.model_validate(wrong)

    with pytest.raises(WrongSettingError, match="COUNCIL_OIDC_ISSUER must begin with https://"):
        await look_for_mistakes(settings)
