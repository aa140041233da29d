"""The commands that are clients of a running service."""

from __future__ import annotations

from enum import StrEnum, auto
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from orchestrator.cli.commands.loading import as_client
from orchestrator.domain import limits

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from orchestrator.cli.exits import Exit
    from orchestrator.cli.screen import Screen
    from orchestrator.client import CouncilClient

Url = Annotated[
    str | None,
    typer.Option(
        "--url", metavar="URL", help="Where the service is, instead of what COUNCIL_URL says."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON with the API's field names.")]


class Status(StrEnum):
    """Where a deliberation stands, as it is typed: a list of Literals is more than typer reads."""

    QUEUED = auto()
    RUNNING = auto()
    DECIDED = auto()
    FAILED = auto()
    CANCELLED = auto()


def _roles(context: typer.Context) -> list[tuple[str, str]]:
    from orchestrator.cli import completing

    return completing.roles(context.params.get("url"))


def _deliberations(context: typer.Context) -> list[tuple[str, str]]:
    from orchestrator.cli import completing

    return completing.deliberations(context.info_name or "", context.params.get("url"))


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


def ask(
    role: Annotated[
        str,
        typer.Argument(
            metavar="ROLE",
            help="Which council: the role that it serves, as DEV.",
            autocompletion=_roles,
        ),
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
    priority: Annotated[
        Literal["low", "normal", "high"] | None,
        typer.Option(
            case_sensitive=False, help="Which goes first where there is not room for all."
        ),
    ] = None,
    deadline: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="How long it may take, as 90s, 15m or 2h."),
    ] = None,
    budget: Annotated[
        int | None,
        typer.Option(
            metavar="TOKENS",
            max=limits.TOKEN_BUDGET,
            help="How many tokens it may use, read and written.",
        ),
    ] = None,
    key: Key = None,
    detach: Detach = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Lay a task before a council, watch it deliberate, and print the verdict.

    The verdict alone goes to stdout; what happens meanwhile is told on stderr where that is a terminal, and else only the id and why nothing moves.

    Ctrl-C leaves it running: `council show ID --follow` looks again. A second one within two seconds cancels it.

    Example:  council ask DEV "Propose a retry policy for our webhook handler" --deadline 5m

    Example:  council ask QA @task.md --context @design.md --json | jq .deliberation.verdict.ranking
    """

    def work(client: CouncilClient, screen: Screen) -> Coroutine[object, object, Exit]:
        from orchestrator.cli import asking
        from orchestrator.client.models import Priority, TaskInput

        return asking.ask(
            client,
            screen,
            role=role,
            task=TaskInput(
                description=asking.text_of(task, "TASK", limits.DESCRIPTION),
                context=None
                if context is None
                else asking.text_of(context, "--context", limits.CONTEXT),
                rubric=None
                if rubric is None
                else asking.text_of(rubric, "--rubric", limits.RUBRIC),
                requirements=requirement or None,
            ),
            rounds=rounds,
            priority=None if priority is None else Priority(priority.upper()),
            deadline=None if deadline is None else asking.deadline_of(deadline),
            budget=budget,
            idempotency_key=key,
            detach=detach,
            as_json=as_json,
        )

    as_client(work, url)


def cancel(
    identifier: Annotated[
        str,
        typer.Argument(metavar="ID", help="Of the deliberation.", autocompletion=_deliberations),
    ],
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

    as_client(work, url)


def retry(
    identifier: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="Of a deliberation that failed or was cancelled.",
            autocompletion=_deliberations,
        ),
    ],
    *,
    key: Key = None,
    detach: Detach = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Lay the task of a deliberation before its council once more, and watch as `ask` does.

    As it was ordered, its deadline and budget among it, with the council as it is now.

    Example:  council retry dlb_01936f2c7d1e7b3c9a4e5f60718293a4
    """

    async def work(client: CouncilClient, screen: Screen) -> Exit:
        from orchestrator.cli import asking

        return await asking.retry(
            client, screen, identifier, idempotency_key=key, detach=detach, as_json=as_json
        )

    as_client(work, url)


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
        from orchestrator.cli import listing

        return await listing.councils(client, screen, include_archived=archived, as_json=as_json)

    as_client(work, url)


def agents(*, as_json: AsJson = False, url: Url = None) -> None:
    """List the agents, with where they sit and what they speak with."""

    async def work(client: CouncilClient, screen: Screen) -> Exit:
        from orchestrator.cli import listing

        return await listing.agents(client, screen, as_json=as_json)

    as_client(work, url)


def deliberations(
    *,
    role: Annotated[
        str | None,
        typer.Option(
            metavar="ROLE", help="Only those before councils of this role.", autocompletion=_roles
        ),
    ] = None,
    council: Annotated[
        str | None, typer.Option(metavar="ID", help="Only those of the council with this id.")
    ] = None,
    status: Annotated[
        list[Status] | None,
        typer.Option(case_sensitive=False, help="Only those at this status; can be repeated."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="How many at most; left out, 20.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All, however many there are.")] = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """List deliberations, newest first, with what they are about, and why they ended or do not move.

    Example:  council deliberations --status queued --status running

    Example:  council deliberations --role DEV --all --json | jq -r ".[].id"
    """

    async def work(client: CouncilClient, screen: Screen) -> Exit:
        from orchestrator.cli import listing
        from orchestrator.client.models import DeliberationStatus

        return await listing.deliberations(
            client,
            screen,
            role=role,
            council=council,
            statuses=[DeliberationStatus(one.upper()) for one in status] if status else None,
            limit=limit,
            everything=everything,
            as_json=as_json,
        )

    as_client(work, url)


def show(
    identifier: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="Of a deliberation, turn, council, agent, task, role, model, endpoint.",
            autocompletion=_deliberations,
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

    as_client(work, url)
