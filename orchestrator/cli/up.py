"""`council up`: a Neo4j of its own, the service, and the example, in one process that ends them in order."""

from __future__ import annotations

import asyncio
import shlex
import webbrowser
from contextlib import AsyncExitStack, nullcontext, suppress
from typing import TYPE_CHECKING

import structlog
from pydantic import SecretStr
from rich import box
from rich.panel import Panel
from rich.status import Status
from rich.table import Table
from rich.text import Text

from orchestrator.api import address
from orchestrator.cli import browser, environment, examples, logs
from orchestrator.cli.ending import ending_at_signals, say_what_is_waited_for
from orchestrator.cli.exits import Exit
from orchestrator.cli.failures import words_of
from orchestrator.cli.following import follow, transcript_of
from orchestrator.cli.misspelt import log_misspelt
from orchestrator.cli.rendering import deliberations
from orchestrator.cli.screen import harmless
from orchestrator.client import ClientError, CouncilClient
from orchestrator.client.models import Service
from orchestrator.domain.callers import Scope
from orchestrator.domain.errors import HomeUnusableError
from orchestrator.local.keeping import while_kept_up
from orchestrator.local.neo4j import OwnNeo4j
from orchestrator.service import serving
from orchestrator.service.beforehand import look_for_mistakes
from orchestrator.service.callers import means_of
from orchestrator.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.cli.screen import Screen

_WHERE_CLIENTS_LOOK = environment.api_url(Settings.model_construct())
"""Where nothing is set: another terminal has none of the settings of this one."""

_log = structlog.get_logger(__name__)

_LEFT_OUT = "The example is left out: it needs a token in COUNCIL_TOKEN that may deliberate."


async def up(settings: Settings, screen: Screen, *, example: bool, open_browser: bool) -> Exit:
    """Run until SIGINT or SIGTERM; what was started is ended in the opposite order.

    Raises:
        CouncilError: something could not be started; what had been started was ended.
        EndedError: a signal asked for the end before the service had begun; the same.
    """
    # Known at once, rather than after Neo4j has been fetched and started.
    await look_for_mistakes(settings)
    address.bind(settings.host, settings.port).close()
    async with AsyncExitStack() as stack:
        stack.enter_context(ending_at_signals())
        password_file: Path | None = None
        browser_page = settings.browser_url
        neo4j: OwnNeo4j | None = None
        if settings.neo4j_uri is None:
            neo4j = await _start_neo4j(settings, screen, stack)
            password_file, browser_page = neo4j.password_file, browser_page or neo4j.browser_url
            settings = settings.model_copy(
                update={
                    "neo4j_uri": neo4j.uri,
                    "neo4j_user": neo4j.user,
                    "neo4j_password": SecretStr(neo4j.password),
                    "browser_url": browser_page,
                }
            )
        # Not before the lock of the home is held: the log belongs to whoever runs there.
        try:
            logs.to_file(_log_file(settings))
        except OSError as error:
            raise HomeUnusableError(settings.home, error) from error
        log_misspelt()
        tour = _Tour(settings, screen, password_file, example=example, open_browser=open_browser)
        stack.push_async_callback(tour.end)
        service = serving.serve(
            settings, on_step=tour.wait_for, on_ready=tour.begin, on_stopping=tour.stop
        )
        if neo4j is None:
            return Exit(await service)
        return Exit(await while_kept_up(neo4j, service, report=screen.say))


class _Tour:
    """Shows a newcomer round, as a client of the service: where things are, and a deliberation."""

    def __init__(
        self,
        settings: Settings,
        screen: Screen,
        password_file: Path | None,
        *,
        example: bool,
        open_browser: bool,
    ) -> None:
        self._settings = settings
        self._screen = screen
        self._password_file = password_file
        self._example = example
        self._open_browser = open_browser
        self._anonymous = means_of(settings).anonymous
        self._walk: asyncio.Task[None] | None = None
        self._spinner: Status | None = None

    def wait_for(self, step: str) -> None:
        """Show what the start of the service waits for; a first one takes a while."""
        if self._spinner is None and self._screen.out.is_terminal:
            self._spinner = self._screen.out.status(Text(step))
            self._spinner.start()
        if self._spinner is not None:
            self._spinner.update(Text(f"The graph: {step}"))

    async def begin(self, url: str) -> None:
        """Set out, now that the service is ready at `url`."""
        self._stop_spinner()
        self._walk = asyncio.create_task(self._show_round(url), name="tour")

    async def stop(self) -> None:
        """Break off, and say what is waited for now."""
        await self.end()
        say_what_is_waited_for(self._settings, self._screen)

    async def end(self) -> None:
        """Break off, wherever it is."""
        self._stop_spinner()
        walk, self._walk = self._walk, None
        if walk is None:
            return
        walk.cancel()
        with suppress(asyncio.CancelledError):
            await walk

    def _stop_spinner(self) -> None:
        spinner, self._spinner = self._spinner, None
        if spinner is not None:
            spinner.stop()

    async def _show_round(self, url: str) -> None:
        token = environment.token(self._settings)
        role = "ROLE"
        async with CouncilClient(url, token=token) as client:
            try:
                try:
                    # What would be refused is not asked for: the log would tell of us as of a stranger.
                    found = await client.service() if token or self._anonymous else None
                except ClientError:
                    # Where it all is can be said to who may not ask it anything, too.
                    await self._show_places(client.url, None)
                    raise
                await self._show_places(client.url, found)
                if found is not None:
                    role = await _role_to_ask(client) or role
                if self._example and (token or self._anonymous is Scope.MANAGE):
                    await self._show_example(client)
                elif self._example:
                    self._screen.warn(Text(_LEFT_OUT, style="problem"))
            except ClientError as error:
                self._screen.warn(Text(words_of(error), style="problem"))
            except Exception:  # noqa: BLE001 - the tour is over, and what it was to show stays up
                _log.exception("tour_broke")
        where = "" if url == _WHERE_CLIENTS_LOOK else f" --url {url}"
        self._screen.say(
            Text.assemble(
                "\nAsk a council yourself, in another terminal:  ",
                (f'council ask {harmless(shlex.quote(role))} "…"{where}', "bold"),
                "\nCtrl-C ends everything here; the graph keeps what was said.",
            )
        )

    async def _show_places(self, url: str, found: Service | None) -> None:
        places = Table.grid(padding=(0, 2))
        places.add_column(style="aside", no_wrap=True)
        places.add_column(overflow="fold")
        if found is not None and (back := found.rehydration) is not None:
            how = (
                "seeded into a new graph"
                if back.seeded
                else f"back from the graph in {back.duration_ms / 1000:.2f} s"
            )
            several = "" if back.resumed == 1 else "s"
            resumed = (
                f"; {back.resumed} deliberation{several} taken up again" if back.resumed else ""
            )
            places.add_row(
                "councils",
                f"{back.councils} councils with {back.agents} agents, {how}{resumed}",
            )
        places.add_row("GraphQL", f"{url}/graphql")
        places.add_row("GraphiQL", f"{url}/graphql (open it in a web browser)")
        page = browser.address(self._settings)
        places.add_row("Neo4j Browser", page.partition("?")[0] + "  (council browser --open)")
        places.add_row(
            "",
            f"user {self._settings.neo4j_user}, password in {self._password_file}"
            if self._password_file
            else f"user {self._settings.neo4j_user}, password as in NEO4J_PASSWORD",
        )
        places.add_row("log", str(_log_file(self._settings)))
        model = self._settings.vllm_model or "as the graph has it: none is set in VLLM_MODEL"
        rehearses = self._settings.vllm_url is None
        if rehearses:
            model = "rehearsal: none is set in VLLM_URL"
        places.add_row("model", Text(model, style="rehearsal" if rehearses else ""))
        self._screen.say(
            Panel(places, title="graph-council is up", title_align="left", box=box.ROUNDED)
        )
        if self._open_browser:
            await asyncio.to_thread(webbrowser.open, page)

    async def _show_example(self, client: CouncilClient) -> None:
        chosen = examples.example()
        say = self._screen.say
        rehearses = (await client.service()).rehearsal
        model = None if rehearses else self._settings.vllm_model or "default"
        deliberation = await client.deliberate(
            chosen.task, role=chosen.role, idempotency_key=chosen.key_for(model)
        )
        say(deliberations.heading(deliberation))
        if deliberation.rehearsal:
            say(deliberations.rehearsal_notice())
        if deliberation.finished_at is not None:
            transcript = await transcript_of(client, deliberation.id)
            when = f"{deliberation.accepted_at.astimezone():%Y-%m-%d %H:%M:%S}"
            ended = "ended" if transcript.deliberation.verdict is None else "was decided"
            say(f"Back from the graph, as it {ended} when it was asked on {when}:")
        else:
            transcript = await follow(
                client,
                deliberation,
                tell=say,
                progress=lambda _: None,
                waits=lambda why: say(f"waiting: {why}"),
            )
        say(deliberations.verdict(transcript, whole=False))
        say(
            Text.assemble(
                ("the winning proposal and all turns:  ", "aside"),
                f"council show {deliberation.id} --full",
            )
        )
        if transcript.deliberation.verdict is None:
            again = f"council retry {deliberation.id}"
            say(Text.assemble(("to have it deliberated on again:  ", "aside"), again))


async def _role_to_ask(client: CouncilClient) -> str | None:
    """Return the role of the example, and where no council has it that of another; none where there is no council."""
    of_example = examples.example().role
    if await client.council(role=of_example) is not None:
        return of_example
    another = await anext(client.councils(), None)
    return another and another.role.name


def _log_file(settings: Settings) -> Path:
    return settings.home / "council.log"


async def _start_neo4j(settings: Settings, screen: Screen, stack: AsyncExitStack) -> OwnNeo4j:
    """Start it, telling what takes its time."""
    spinner = screen.out.status("Neo4j") if screen.out.is_terminal else nullcontext()
    with spinner:
        neo4j = OwnNeo4j(
            settings.home,
            report=screen.say,
            bolt_port=settings.bolt_port,
            http_port=settings.browser_port,
        )
        return await stack.enter_async_context(neo4j)
