"""The program `council`: which commands it has, under which headings."""

from __future__ import annotations

import gc
from typing import Annotated, Final

import typer

from orchestrator import __version__
from orchestrator.cli.commands import clients, graph, here, token
from orchestrator.cli.exits import MEANINGS
from orchestrator.cli.process import arguments, standard_streams

_COMMANDS: Final = {
    "On this machine": (here.up, here.serve, here.settings, here.version),
    "Clients of a running service": (
        clients.ask,
        clients.cancel,
        clients.retry,
        clients.councils,
        clients.agents,
        clients.deliberations,
        clients.show,
    ),
    "The graph": (
        graph.browser,
        graph.migrate,
        graph.doctor,
        graph.prune,
        graph.export,
        graph.import_,
    ),
}

_EXITS = "\n\n".join(f"{code.value}  {meaning}" for code, meaning in MEANINGS.items())

app = typer.Typer(
    name="council",
    help="Councils of LLM agents that deliberate on a task until they have a verdict. All of it is in Neo4j, and nothing is lost.\n\nStart with `council up --example`; `council settings` shows what can be set.",
    epilog=f"Exit codes:\n\n{_EXITS}",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _heading, _commands in _COMMANDS.items():
    for _command in _commands:
        app.command(_command.__name__.rstrip("_"), rich_help_panel=_heading)(_command)
_tokens = typer.Typer(
    name="token", help="Make tokens by which the service knows its callers.", no_args_is_help=True
)
_tokens.command()(token.create)
app.add_typer(_tokens, rich_help_panel="On this machine")


def main() -> None:
    """Run the command line."""
    # What modules load stays: to look for garbage among it again and again took a twentieth of a start.
    gc.set_threshold(50_000)
    with standard_streams():
        app(args=arguments())


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the version and exit.",
        ),
    ] = False,
) -> None:
    del version  # its callback has done all
