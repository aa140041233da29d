"""Connections between two requests."""

from __future__ import annotations

import asyncio

import httpx

from tests.integration.http.serving import served
from tests.unit.api.doubles import House

CLIENTS_KEEP_SECONDS = 5.0
"""As httpx does, and not only httpx."""


async def test_connection_outlasts_the_time_for_which_clients_keep_theirs(house: House) -> None:
    limits = httpx.Limits(max_connections=1, keepalive_expiry=60)
    async with (
        served(house) as url,
        httpx.AsyncClient(limits=limits, base_url=url.removesuffix("/graphql")) as client,
    ):
        first = await client.get("/livez")
        await asyncio.sleep(CLIENTS_KEEP_SECONDS + 0.5)
        second = await client.get("/livez")

    kept = [answer.extensions["network_stream"] for answer in (first, second)]
    assert kept[0] is kept[1]
