"""The commands: what each is called, what it takes, and what its help says.

Each loads what it needs when it is called: completion and help answer at once.
"""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator import __version__
from orchestrator.cli.exits import MEANINGS, Exit
from orchestrator.domain.pruning import Keep

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from orchestrator.cli.screen import Screen
    from orchestrator.client import CouncilClient
    from orchestrator.settings import Settings

_EXITS = "\n\n".join(f"{code.value}  {meaning}" for code, meaning in MEANINGS.items())

app = typer.Typer(
    name="council",
    help="Councils of LLM agents that deliberate on a task until they have a verdict. All of it is in Neo4j, and nothing is lost.\n\nStart with `council up --example`; `council settings` shows what can be set.",
    epilog=f"Exit codes:\n\n{_EXITS}",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_HERE = "On this machine"
_CLIENT = "Clients of a running service"
_GRAPH = "The graph"

Url = Annotated[
    str | None,
    typer.Option(
        "--url", metavar="URL", help="Where the service is, instead of what COUNCIL_URL says."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON with the API's field names.")]

Key = Annotated[
    str | None,
    typer.Option(
        metavar="KEY",
        help="An idempotency key: asked again with it, the same deliberation comes back.",
    ),
]
Detach = Annotated[
    bool, typer.Option("--detach", help="Print the id, and do not wait for the verdict.")
]


def main() -> None:
    """Run the command line."""
    # What modules load stays: to look for garbage among it again and again took a twentieth of a start.
    gc.set_threshold(50_000)
    app()


# ---------------------------------------------------------------- running


@app.command(rich_help_panel=_HERE)
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

    _carry_out(work)


@app.command(rich_help_panel=_HERE)
def serve() -> None:
    """Run the service alone, as in production: NEO4J_URI must be set, and nothing else is started.

    SIGTERM lets calls that are under way finish for COUNCIL_DRAIN_SECONDS, then gives the rest to other processes.

    Example:  NEO4J_URI=neo4j://db:7687 NEO4J_PASSWORD=… VLLM_URL=http://vllm:8000/v1 council serve
    """

    async def work(settings: Settings, _: Screen) -> Exit:
        from orchestrator.cli import logs
        from orchestrator.cli.failures import InputError
        from orchestrator.service import serving

        if settings.neo4j_uri is None:
            raise InputError("NEO4J_URI must say where the graph is; `council up` starts one.")
        logs.to_stderr(settings.log_format)
        return Exit(await serving.serve(settings))

    _carry_out(work)


# ---------------------------------------------------------------- clients


@app.command(rich_help_panel=_CLIENT)
def ask(
    role: Annotated[
        str, typer.Argument(metavar="ROLE", help="Which council: the role that it serves, as DEV.")
    ],
    task: Annotated[
        str,
        typer.Argument(
            metavar="TASK", help="What to deliberate on; @FILE reads a file, - standard input."
        ),
    ],
    *,
    context: Annotated[
        str | None, typer.Option(help="What the agents should know; @FILE and - as above.")
    ] = None,
    requirement: Annotated[
        list[str] | None, typer.Option(help="What a proposal must fulfil; can be repeated.")
    ] = None,
    rubric: Annotated[
        str | None, typer.Option(help="By what proposals are to be judged; @FILE and - as above.")
    ] = None,
    rounds: Annotated[
        int | None, typer.Option(help="Rounds of critique and revision; left out, the council's.")
    ] = None,
    deadline: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="How long it may take, as 90s, 15m or 2h."),
    ] = None,
    budget: Annotated[
        int | None,
        typer.Option(metavar="TOKENS", help="How many tokens it may use, read and written."),
    ] = None,
    key: Key = None,
    detach: Detach = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Lay a task before a council, watch it deliberate, and print the verdict.

    Ctrl-C leaves it running: `council show ID --follow` looks again. A second one within two seconds cancels it.

    Example:  council ask DEV "Propose a retry policy for our webhook handler" --deadline 5m

    Example:  council ask QA @task.md --context @design.md --json | jq .deliberation.verdict.ranking
    """

    async def work(client: CouncilClient, screen: Screen) -> Exit:
        from orchestrator.cli import asking
        from orchestrator.client.models import TaskInput

        return await asking.ask(
            client,
            screen,
            role=role,
            task=TaskInput(
                description=asking.text_of(task),
                context=None if context is None else asking.text_of(context),
                rubric=None if rubric is None else asking.text_of(rubric),
                requirements=tuple(requirement or ()),
            ),
            rounds=rounds,
            deadline=None if deadline is None else asking.duration_of(deadline),
            budget=budget,
            idempotency_key=key,
            detach=detach,
            as_json=as_json,
        )

    _as_client(work, url)


@app.command(rich_help_panel=_CLIENT)
def cancel(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="Of the deliberation.")],
    *,
    reason: Annotated[
        str | None, typer.Option(help="Why; it is shown with the deliberation from then on.")
    ] = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """End a deliberation without a verdict. Its calls are closed; the turns that were taken stay.

    Cancelling again does no harm. What has ended otherwise is left as it is, and the exit code is 4.

    Example:  council cancel dlb_01936f2c7d1e7b3c9a4e5f60718293a4 --reason "asked the wrong council"
    """

    async def work(client: CouncilClient, screen: Screen) -> Exit:
        from orchestrator.cli import asking

        return await asking.cancel(client, screen, identifier, reason=reason, as_json=as_json)

    _as_client(work, url)


@app.command(rich_help_panel=_CLIENT)
def retry(
    identifier: Annotated[
        str,
        typer.Argument(metavar="ID", help="Of a deliberation that failed or was cancelled."),
    ],
    *,
    key: Key = None,
    detach: Detach = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Lay the task of a deliberation before its council once more, as the council is now, and watch as `ask` does.

    Example:  council retry dlb_01936f2c7d1e7b3c9a4e5f60718293a4
    """

    async def work(client: CouncilClient, screen: Screen) -> Exit:
        from orchestrator.cli import asking

        return await asking.retry(
            client, screen, identifier, idempotency_key=key, detach=detach, as_json=as_json
        )

    _as_client(work, url)


@app.command(rich_help_panel=_CLIENT)
def councils(
    *,
    archived: Annotated[
        bool, typer.Option("--archived", help="Also those that serve no role any more.")
    ] = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """List the councils, with who sits on them."""

    async def work(client: CouncilClient, screen: Screen) -> Exit:
        from orchestrator.cli import showing

        return await showing.councils(client, screen, include_archived=archived, as_json=as_json)

    _as_client(work, url)


@app.command(rich_help_panel=_CLIENT)
def agents(*, as_json: AsJson = False, url: Url = None) -> None:
    """List the agents, with where they sit and what they speak with."""

    async def work(client: CouncilClient, screen: Screen) -> Exit:
        from orchestrator.cli import showing

        return await showing.agents(client, screen, as_json=as_json)

    _as_client(work, url)


@app.command(rich_help_panel=_CLIENT)
def show(
    identifier: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="Of a deliberation, turn, council, agent, task, role, model, endpoint.",
        ),
    ],
    *,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Where it still runs, watch it to its end.")
    ] = False,
    full: Annotated[
        bool,
        typer.Option("--full", help="Print the whole text of each turn, not its first sentence."),
    ] = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Show what has an id: a deliberation with its transcript and verdict, a council, an agent and so on.

    Example:  council show dlb_01936f2c7d1e7b3c9a4e5f60718293a4 --full
    """

    async def work(client: CouncilClient, screen: Screen) -> Exit:
        from orchestrator.cli import showing

        return await showing.show(
            client, screen, identifier, follow=follow, full=full, as_json=as_json
        )

    _as_client(work, url)


# ---------------------------------------------------------------- the graph


@app.command(rich_help_panel=_GRAPH)
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

    _carry_out(work)


@app.command(rich_help_panel=_GRAPH)
def migrate() -> None:
    """Bring the graph to the form that this version needs. `up` and `serve` do it themselves."""

    async def work(settings: Settings, screen: Screen) -> Exit:
        from orchestrator.cli import graph

        return await graph.migrate(settings, screen)

    _carry_out(work)


@app.command(rich_help_panel=_GRAPH)
def doctor() -> None:
    """Check the whole graph; print each violation with the ids of what it is about, and exit with 1."""

    async def work(settings: Settings, screen: Screen) -> Exit:
        from orchestrator.cli import graph

        return await graph.doctor(settings, screen)

    _carry_out(work)


@app.command(rich_help_panel=_GRAPH)
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

    _carry_out(work)


@app.command(rich_help_panel=_GRAPH)
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

    _carry_out(work)


@app.command("import", rich_help_panel=_GRAPH)
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

    _carry_out(work)


# ---------------------------------------------------------------- the program


@app.command(rich_help_panel=_HERE)
def settings() -> None:
    """Show every setting: its variable, its value (secrets masked), where that is from, and what it means."""

    async def work(settings: Settings, screen: Screen) -> Exit:
        from orchestrator.cli import environment
        from orchestrator.cli.rendering import listings
        from orchestrator.graph.seeding import read_seed

        screen.say(listings.settings(environment.shown(settings)))
        read_seed(settings.seed)
        return Exit.OK

    _carry_out(work)


@app.command(rich_help_panel=_HERE)
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


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


def _carry_out(work: Callable[[Settings, Screen], Awaitable[Exit]]) -> None:
    from orchestrator.cli.carrying_out import carry_out

    carry_out(work)


def _as_client(work: Callable[[CouncilClient, Screen], Awaitable[Exit]], url: str | None) -> None:
    from orchestrator.cli.carrying_out import as_client

    as_client(work, url)
