"""`council migrate`, `doctor` and `prune`: what speaks to the graph itself, without a running service."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext, suppress
from itertools import groupby
from typing import TYPE_CHECKING

from pydantic import SecretStr
from rich.text import Text

from orchestrator.cli.asking import long_duration_of
from orchestrator.cli.ending import ending_at_signals
from orchestrator.cli.exits import Exit
from orchestrator.cli.failures import InputError
from orchestrator.domain.errors import CouncilError, HomeUnusableError
from orchestrator.domain.pruning import Keep, Pruned, Pruning
from orchestrator.graph.doctor import MOST_OF_A_RULE
from orchestrator.local import credentials, homes, locks, readiness
from orchestrator.local.errors import HomeInUseError, StartError
from orchestrator.local.neo4j import OwnNeo4j
from orchestrator.local.ports import LOOPBACK
from orchestrator.service import upkeep

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from datetime import timedelta

    from orchestrator.cli.screen import Screen
    from orchestrator.graph.doctor import Examination
    from orchestrator.graph.indexes import Filling
    from orchestrator.local.configuration import Ports
    from orchestrator.settings import Settings


_UP_SECONDS = 180.0
"""As long as a Neo4j may take to start."""
_LOOK_AGAIN_SECONDS = 0.5


async def migrate(settings: Settings, screen: Screen) -> Exit:
    """Bring the graph to the form that this version needs, and say what was done."""

    def tell(filling: tuple[Filling, ...]) -> None:
        screen.warn(f"Neo4j fills indexes: {', '.join(map(str, filling))}")

    async with at_hand(settings, screen) as found:
        applied = await upkeep.migrate_graph(found, tell=tell)
    for name in applied:
        screen.say(f"applied {name}")
    if not applied:
        screen.say("nothing to do: every migration had been applied")
    return Exit.OK


async def doctor(settings: Settings, screen: Screen) -> Exit:
    """Check the whole graph, and print each violation, of a rule up to a bound that is told, with the ids of what it is about."""
    async with at_hand(settings, screen) as found:
        return report(await upkeep.examine_graph(found), screen)


def report(examination: Examination, screen: Screen) -> Exit:
    """Print what the doctor found; timeouts of the server are a warning, and no violation of the graph."""
    for timeout in examination.endless_timeouts:
        screen.warn(
            f"warning: {timeout} is endless on this server: what is stuck there keeps its locks until somebody ends it. Set it in neo4j.conf, to 60s for instance"
        )
    violations = examination.violations
    cut = False
    for rule, broken in groupby(violations, key=lambda violation: violation.rule):
        places = list(broken)
        heading = Text.assemble((rule, "problem"), f"  {places[0].meaning}")
        screen.out.print(heading, soft_wrap=True)
        for place in places:
            screen.say(f"    {' '.join(place.ids)}")
        if len(places) == MOST_OF_A_RULE:
            cut = True
            screen.say(f"    no more than {MOST_OF_A_RULE} of a rule are looked for")
    if violations:
        many = f"{'at least ' if cut else ''}{len(violations)}"
        screen.say(f"{many} violation{'' if len(violations) == 1 else 's'}")
        return Exit.FAILED
    screen.say("the graph is sound")
    return Exit.OK


async def prune(
    settings: Settings, screen: Screen, *, older_than: str, keep: Keep | None, dry_run: bool
) -> Exit:
    """Prune what ended longer ago than that, or say what would be pruned; tells how far it came, however it ends.

    Raises:
        InputError: `older_than` is no age.
    """
    age = _age_of(older_than)
    told: list[tuple[Pruned, Pruning]] = []
    doing = "to prune" if dry_run else "pruned"
    with screen.err.status("looking") if screen.err.is_terminal else nullcontext() as spinner:

        def tell(pruned: Pruned, order: Pruning) -> None:
            told[:] = [(pruned, order)]
            if spinner is not None:
                spinner.update(f"{pruned.deliberations:,} deliberations {doing} so far")

        try:
            async with at_hand(settings, screen) as found:
                through = await upkeep.prune_graph(found, age, keep, dry_run=dry_run, tell=tell)
        except OverflowError as error:
            raise InputError(f"--older-than: {older_than!r} is too long") from error
        except CouncilError:
            for done, order in told:
                if done != Pruned():
                    screen.warn(f"until then: {summary(done, order, dry_run=dry_run)}")
            raise
    for done, order in told:
        screen.out.print(summary(done, order, dry_run=dry_run), soft_wrap=True)
    if not through:
        screen.warn("interrupted before it was through; run again, it goes on from there")
        return Exit.INTERRUPTED
    return Exit.OK


def _age_of(older_than: str) -> timedelta:
    """Read how long ago something must have ended.

    Raises:
        InputError: it is no duration, or would take all.
    """
    age = long_duration_of(older_than, "--older-than")
    if not age:
        raise InputError(
            f"--older-than: {older_than!r} would take all that has ended; it must be longer, as 90d or 12h"
        )
    return age


def summary(pruned: Pruned, order: Pruning, *, dry_run: bool) -> str:
    """Say what was pruned, or would be."""
    of = f"that ended before {order.before:%Y-%m-%d %H:%M:%S} UTC"
    if pruned == Pruned():
        return f"nothing to prune: no deliberation {of}" + (
            " still has contents to lose" if order.keep is Keep.WINNERS else ""
        )
    if order.keep is Keep.WINNERS:
        did = "would empty" if dry_run else "emptied"
        return f"{did} {_many(pruned.turns, 'turn')} of {_many(pruned.deliberations, 'deliberation')} {of}; every node and each winning proposal stays"
    did = "would remove" if dry_run else "removed"
    parts = [
        _many(pruned.turns, "turn"),
        _many(pruned.seats, "seat"),
        _many(pruned.claims, "claim"),
        _many(pruned.verdicts, "verdict"),
    ]
    removed = f"{did} {_many(pruned.deliberations, 'deliberation')} {of}, with {', '.join(parts)} and {_many(pruned.tasks, 'task')}"
    if not pruned.processes:
        return removed
    processes = "1 process" if pruned.processes == 1 else f"{pruned.processes:,} processes"
    return f"{removed}; and {processes} that ended before and had no claim left"


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


@asynccontextmanager
async def at_hand(settings: Settings, screen: Screen) -> AsyncGenerator[Settings]:
    """Complete the settings with the Neo4j of `council up`, where none is named: started for as long as the block runs, if it does not run.

    Of several commands that would start one, each waits for the one before.

    Raises:
        InputError: none is named, and none is there.
        LocalNeo4jError: it could not be started.
        EndedError: a signal asked for the end; what was started was stopped.
    """
    with ending_at_signals():
        if settings.neo4j_uri is not None:
            yield settings
            return
        _made_by_up(settings)
        own = OwnNeo4j(settings.home, report=screen.aside, bolt_port=0, http_port=0)
        async with AsyncExitStack() as alone:
            # Another command stops its Neo4j when it is through, whoever else is at work there; `council up` does not.
            await _wait_for_others(own, screen, alone)
            found = await _started_or_found(own, settings, screen)
            if found is None:
                alone.push_async_callback(own.stop)
                yield _with(settings, own.uri, own.password)
                return
        yield found


async def _wait_for_others(own: OwnNeo4j, screen: Screen, alone: AsyncExitStack) -> None:
    """Be the only command that may start a Neo4j in this home, for as long as `alone` is entered."""
    lock = own.home / "command.lock"
    try:
        await alone.enter_async_context(
            locks.held(lock, doing="at work on the same graph", report=screen.aside)
        )
    except OSError as error:
        raise HomeUnusableError(own.home.parent, error) from error


async def _started_or_found(own: OwnNeo4j, settings: Settings, screen: Screen) -> Settings | None:
    """Start it; where `council up` has the home answer where its one is, once that is up to stay.

    Raises:
        HomeInUseError: whoever has the home neither brought one up nor ended in time.
    """
    now = asyncio.get_running_loop().time
    until = now() + _UP_SECONDS
    told = False
    while True:
        try:
            await own.start()
        except HomeInUseError as error:
            # It may have chosen its ports since we looked.
            ports, password = _made_by_up(settings)
            uri = f"bolt://{LOOPBACK}:{ports.bolt}"
            if not await own.is_being_prepared() and await _answers(uri, password, ports):
                return _with(settings, uri, password)
            if now() > until:
                raise
            if not told:
                screen.aside(f"Waiting for process {error.holder}, which is starting Neo4j.")
                told = True
        else:
            return None
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)


async def _answers(uri: str, password: str, ports: Ports) -> bool:
    # Where an earlier one was, it may be somebody else who answers.
    with suppress(StartError):
        http = (LOOPBACK, ports.http)
        agent = await readiness.ask(uri, credentials.USER, password, http=http, ours="our Neo4j")
        return agent is not None
    return False


def _made_by_up(settings: Settings) -> tuple[Ports, str]:
    ports, password_file = homes.last_ports(settings.home), homes.password_file(settings.home)
    if ports is None or not password_file.exists():
        raise InputError(
            f"NEO4J_URI says where the graph is; it is not set, and `council up` has made none in {settings.home}. Run that, and wait until it is up; or set NEO4J_URI."
        )
    return ports, credentials.read(password_file)


def _with(settings: Settings, uri: str, password: str) -> Settings:
    return settings.model_copy(
        update={
            "neo4j_uri": uri,
            "neo4j_user": credentials.USER,
            "neo4j_password": SecretStr(password),
        }
    )
