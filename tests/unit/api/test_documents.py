"""What is known of a document that was seen before."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.api import documents
from tests.unit.api.conftest import Api


async def test_document_that_was_seen_before_is_neither_parsed_nor_validated_again(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def noting(name: str) -> None:
        do = getattr(documents, name)

        def noted(*given: Any) -> Any:
            done.append(name)
            return do(*given)

        monkeypatch.setattr(documents, name, noted)

    noting("parse")
    noting("validate")
    asked = "query SeenTwice { service { version } }"

    first, second = await api.send(asked), await api.send(asked)

    assert first == second
    assert done == ["parse", "validate"]
