"""The commands that speak to the graph itself, without a running service."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.commands.loading import carry_out
from orchestrator.cli.exits import Exit
from orchestrator.domain.pruning import Keep

if TYPE_CHECKING:
    from orchestrator.cli.screen import Screen
    from orchestrator.settings import Settings


def browser(
    *,
    open_browser: Annotated[
        bool, typer.Option("--open", help="Open it instead of printing it.")
    ] = False,
) -> None:
    """Print the address of Neo4j Browser, with a query to begin with in it.

    Example:  council browser --open
    """

    async def work(settings: Settings, screen: Screen) -> Exit:
        import webbrowser

        from orchestrator.cli import browser as addressing

        address = addressing.address(settings)
        if open_browser:
            webbrowser.open(address)
        else:
            screen.out.print(address, soft_wrap=True)
        return Exit.OK

    carry_out(work)


def migrate() -> None:
    """Bring the graph to the form that this version needs. `up` and `serve` do it themselves."""

    async def work(settings: Settings, screen: Screen) -> Exit:
        from orchestrator.cli import graph

        return await graph.migrate(settings, screen)

    carry_out(work)


def doctor() -> None:
    """Check the whole graph; print each violation with the ids of what it is about, a thousand of a rule, and exit with 1."""

    async def work(settings: Settings, screen: Screen) -> Exit:
        from orchestrator.cli import graph

        return await graph.doctor(settings, screen)

    carry_out(work)


def prune(
    *,
    older_than: Annotated[
        str,
        typer.Option(
            metavar="TIME", help="What ended longer ago than that: as 90d, 12h, 15m or 90s."
        ),
    ],
    keep: Annotated[
        Keep | None,
        typer.Option(
            help="Keep every node, and empty the turns: of what was said, only winning proposals stay."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go, and write nothing.")
    ] = False,
) -> None:
    """Remove deliberations that ended long ago, whole, with tasks that nothing else needs; the service may run meanwhile.

    It writes a twentieth of the time, so that others are not held up. Ctrl-C ends it between two deliberations; run again, it goes on.

    An idempotency key is forgotten with the deliberation that it made: sent again, it makes a new one.

    Example:  council prune --older-than 90d --dry-run
    """

    async def work(settings: Settings, screen: Screen) -> Exit:
        from orchestrator.cli import graph

        return await graph.prune(
            settings, screen, older_than=older_than, keep=keep, dry_run=dry_run
        )

    carry_out(work)


def export(
    *,
    everything: Annotated[
        bool,
        typer.Option(
            "--everything",
            help="History, too: deliberations with all that was said in them. No process may be at work.",
        ),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write there, not to standard output; a file of that name is replaced once the new one is whole.",
        ),
    ] = None,
) -> None:
    """Write the councils of the graph, with their agents, models and endpoints, as JSON Lines. No secret is among them.

    Example:  council export --everything --output councils.jsonl
    """

    async def work(settings: Settings, screen: Screen) -> Exit:
        from orchestrator.cli import moving

        return await moving.export(settings, screen, everything=everything, output=output)

    carry_out(work)


def import_(
    file: Annotated[
        str | None,
        typer.Argument(metavar="FILE", help="What `export` wrote; - reads standard input."),
    ] = None,
    *,
    from_valkey: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Read the predecessor's councils from there instead, as valkey://host:6379/0.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and write nothing.")
    ] = False,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify",
            help="Compare afterwards, and exit with 1 where anything differs; with --dry-run, only compare.",
        ),
    ] = False,
) -> None:
    """Bring councils and history from another graph into this one. Run twice, it is done once.

    All of it is checked before anything is written. Councils that are as they were seeded and never deliberated are replaced; any other that stands in the way is named, and nothing is written.

    Example:  council import councils.jsonl --verify

    Example:  council import --from-valkey valkey://valkey:6379/0 --dry-run
    """

    async def work(settings: Settings, screen: Screen) -> Exit:
        from orchestrator.cli import moving
        from orchestrator.cli.failures import InputError

        if file is not None and from_valkey is None:
            return await moving.import_file(settings, screen, file, dry_run=dry_run, verify=verify)
        if file is None and from_valkey is not None:
            return await moving.import_predecessor(
                settings, screen, from_valkey, dry_run=dry_run, verify=verify
            )
        raise InputError("Name a FILE to import, or a Valkey with --from-valkey: one of the two.")

    carry_out(work)
