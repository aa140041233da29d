"""The commands on tokens, by which the service knows its callers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.commands.loading import carry_out
from orchestrator.domain.callers import Scope

if TYPE_CHECKING:
    from orchestrator.cli.exits import Exit
    from orchestrator.cli.screen import Screen
    from orchestrator.settings import Settings


def create(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Who is to have it: what they do has their name.")
    ],
    *,
    scope: Annotated[
        Scope,
        typer.Option(help="What they may do; each includes those before it."),
    ] = Scope.READ,
    expires: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="After how long it ends, as 90d or 12h; left out, never."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print both as JSON.")] = False,
) -> None:
    """Make a token. It is printed once, with the entry for COUNCIL_TOKENS or for the file in COUNCIL_TOKENS_FILE.

    It is taken back by taking its entry out: of the file within a second, of the setting with the next start.

    Example:  council token create ci --scope deliberate --expires 90d
    """

    async def work(_: Settings, screen: Screen) -> Exit:
        from orchestrator.cli import tokens

        return await tokens.create(screen, name, scope=scope, expires=expires, as_json=as_json)

    carry_out(work)
