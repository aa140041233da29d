"""What a shell offers for an argument that the running service knows: soon, or nothing."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final

from orchestrator.cli import environment
from orchestrator.client import CouncilClient
from orchestrator.client.models import DeliberationStatus

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Offers = list[tuple[str, str]]
"""What can stand there, each with what it is."""

_SECONDS: Final = 1.5
"""For which somebody waits who has pressed Tab."""

_MOST: Final = 50

_TAKEN_AS_IT_IS: Final = re.compile(r"[\w.+-]+")
"""By every shell: zsh evaluates what it is offered, and callers choose the names of roles."""

_WHICH: Final = {
    "cancel": (DeliberationStatus.QUEUED, DeliberationStatus.RUNNING),
    "retry": (DeliberationStatus.FAILED, DeliberationStatus.CANCELLED),
}
"""The deliberations that a command can be about; of all others: any."""


def roles(url: str | None) -> Offers:
    """Offer the roles that councils serve."""

    async def found(client: CouncilClient) -> Offers:
        return [(council.role.name, "a role") async for council in client.councils()]

    return _harmless(_soon(found, url))


def deliberations(command: str, url: str | None) -> Offers:
    """Offer the newest deliberations that a command can be about."""

    async def found(client: CouncilClient) -> Offers:
        newest = client.deliberations(statuses=_WHICH.get(command), at_most=_MOST)
        return [(one.id, f"{one.council.role.name} {one.status}") async for one in newest]

    return _harmless(_soon(found, url))


def _soon(ask: Callable[[CouncilClient], Awaitable[Offers]], url: str | None) -> Offers:
    """Ask the service. What is wrong with it, or with the settings, is said by the command itself: here it would stand in the prompt."""

    async def asked() -> Offers:
        settings = environment.read()
        async with asyncio.timeout(_SECONDS):
            where = url or environment.api_url(settings)
            async with CouncilClient(where, token=environment.token(settings)) as client:
                return await ask(client)

    try:
        return asyncio.run(asked())
    except Exception:  # noqa: BLE001 - whatever it is
        return []


def _harmless(offers: Offers) -> Offers:
    return [
        (value, meaning)
        for value, meaning in offers
        if all(_TAKEN_AS_IT_IS.fullmatch(word) for word in (value, *meaning.split()))
    ]
