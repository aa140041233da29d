"""What is under way when the process ends, and takes longer than that can wait."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from tests.integration.http.serving import served
from tests.support.waiting import until
from tests.unit.api.doubles import House


async def test_request_that_the_end_of_the_process_does_not_wait_for_is_told_to_come_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.api.listening._CLOSING_SECONDS", 0.2)
    begun = asyncio.Event()

    async def never() -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(house.registry, "roles", never)
    async with httpx.AsyncClient(timeout=30) as client:
        async with served(house) as url:
            asked = asyncio.create_task(client.post(url, json={"query": "{ roles { name } }"}))
            await until(begun.is_set)
            house.state.ending = True
        response = await asked

    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"
    [error] = response.json()["errors"]
    assert error["extensions"]["code"] == "UNAVAILABLE"
    assert "idempotencyKey" in error["message"]
