"""Carries out a command that needs a client of the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.cli import environment
from orchestrator.cli.carrying_out import carry_out
from orchestrator.cli.failures import InputError
from orchestrator.client import CouncilClient

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from orchestrator.cli.exits import Exit
    from orchestrator.cli.screen import Screen
    from orchestrator.settings import Settings


def as_client(
    work: Callable[[CouncilClient, Screen], Coroutine[object, object, Exit]], url: str | None
) -> None:
    """Do work that needs a client of the service."""

    def with_client(settings: Settings, screen: Screen) -> Coroutine[object, object, Exit]:
        try:
            client = CouncilClient(
                url or environment.api_url(settings), token=environment.token(settings)
            )
        except ValueError as error:
            raise InputError(f"{'--url' if url else 'COUNCIL_URL'}: {error}") from error
        return _while_open(client, work(client, screen))

    carry_out(with_client)


async def _while_open(client: CouncilClient, work: Coroutine[object, object, Exit]) -> Exit:
    async with client:
        return await work
