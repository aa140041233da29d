"""Has a command's work carried out, with all that this takes loaded only then."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from orchestrator.cli.exits import Exit
    from orchestrator.cli.screen import Screen
    from orchestrator.client import CouncilClient
    from orchestrator.settings import Settings


def carry_out(work: Callable[[Settings, Screen], Coroutine[object, object, Exit]]) -> None:
    """Do the work, and exit with how it went."""
    from orchestrator.cli import carrying_out, logs

    # Unless told, structlog would log to standard output, in the midst of what was asked for.
    logs.to_terminal()
    carrying_out.carry_out(work)


def as_client(
    work: Callable[[CouncilClient, Screen], Coroutine[object, object, Exit]], url: str | None
) -> None:
    """Do work that needs a client of the service, which loads nothing that logs."""
    from orchestrator.cli import connecting

    connecting.as_client(work, url)
