"""The commands on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator import __version__
from orchestrator.cli.commands.loading import carry_out
from orchestrator.cli.exits import Exit

if TYPE_CHECKING:
    from orchestrator.cli.screen import Screen
    from orchestrator.settings import Settings


def up(
    *,
    example: Annotated[
        bool,
        typer.Option("--example", help="Have the DEV council deliberate on an example, and watch."),
    ] = False,
    open_browser: Annotated[
        bool, typer.Option("--open", help="Open Neo4j Browser once the service is ready.")
    ] = False,
) -> None:
    """Run everything here: a Neo4j of its own (unless NEO4J_URI is set) and the service.

    Ctrl-C ends what was started. The graph stays in COUNCIL_HOME: the next start has it all again.

    Example:  council up --example
    """

    async def work(settings: Settings, screen: Screen) -> Exit:
        from orchestrator.cli import up as starting

        return await starting.up(settings, screen, example=example, open_browser=open_browser)

    carry_out(work)


def serve() -> None:
    """Run the service alone, as in production: NEO4J_URI must be set, and nothing else is started.

    SIGTERM lets calls that are under way finish for COUNCIL_DRAIN_SECONDS, then gives the rest to other processes.

    Example:  NEO4J_URI=neo4j://db:7687 NEO4J_PASSWORD=… VLLM_URL=http://vllm:8000/v1 council serve
    """

    async def work(settings: Settings, screen: Screen) -> Exit:
        from orchestrator.service.loading import to_stay

        with to_stay():
            from orchestrator.cli import ending, logs, misspelt
            from orchestrator.service import serving

        if settings.neo4j_uri is None:
            from orchestrator.cli.failures import InputError

            raise InputError("NEO4J_URI must say where the graph is; `council up` starts one.")
        logs.to_stderr(settings.log_format)
        misspelt.log_misspelt()

        async def stop() -> None:
            ending.say_what_is_waited_for(settings, screen)

        return Exit(await serving.serve(settings, on_stopping=stop))

    carry_out(work)


def settings() -> None:
    """Show every setting: its variable, its value (secrets masked), where that is from, and what it means."""

    async def work(settings: Settings, screen: Screen) -> Exit:
        from rich.text import Text

        from orchestrator.cli import environment
        from orchestrator.cli.misspelt import misspelt
        from orchestrator.cli.rendering import listings
        from orchestrator.service.beforehand import look_for_mistakes

        screen.say(listings.settings(environment.shown(settings)))
        for one in misspelt():
            screen.warn(Text.assemble(("council: ", "problem"), one.words))
        await look_for_mistakes(settings)
        return Exit.OK

    carry_out(work)


def version() -> None:
    """Print the version."""
    typer.echo(__version__)
