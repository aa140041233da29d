"""Time that passes at a test's word: how long the machine takes is no part of what must hold."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

PutForward = Callable[[float], None]


@pytest.fixture
async def put_forward(monkeypatch: pytest.MonkeyPatch) -> PutForward:
    """Put the event loop's clock forward by seconds: what was to happen by then happens at once.

    Not while a deadline of the test's own runs, such as that of `until`: it would be over as well.
    """
    loop = asyncio.get_running_loop()
    clock = loop.time
    ahead = 0.0

    def put_forward(seconds: float) -> None:
        nonlocal ahead
        ahead += seconds

    monkeypatch.setattr(loop, "time", lambda: clock() + ahead)
    return put_forward


async def all_that_can_happen() -> None:
    """Let tasks go on for as long as they wait for nothing but each other."""
    for _ in range(20):
        await asyncio.sleep(0)
