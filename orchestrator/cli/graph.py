"""`council migrate` and `council doctor`: what speaks to the graph itself, without a running service."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from pydantic import SecretStr
from rich.text import Text

from orchestrator import service
from orchestrator.cli.exits import Exit
from orchestrator.cli.failures import InputError
from orchestrator.local import configuration, credentials

if TYPE_CHECKING:
    from orchestrator.cli.screen import Screen
    from orchestrator.graph.doctor import Examination
    from orchestrator.settings import Settings


async def migrate(settings: Settings, screen: Screen) -> Exit:
    """Bring the graph to the form that this version needs, and say what was done."""
    applied = await service.migrate_graph(reachable(settings))
    for name in applied:
        screen.say(f"applied {name}")
    if not applied:
        screen.say("nothing to do: every migration had been applied")
    return Exit.OK


async def doctor(settings: Settings, screen: Screen) -> Exit:
    """Check the whole graph, and print each violation with the ids of what it is about."""
    return report(await service.examine_graph(reachable(settings)), screen)


def report(examination: Examination, screen: Screen) -> Exit:
    """Print what the doctor found; timeouts of the server are a warning, and no violation of the graph."""
    for timeout in examination.endless_timeouts:
        screen.warn(
            f"warning: {timeout} is endless on this server: what is stuck there keeps its locks until somebody ends it. Set it in neo4j.conf, to 60s for instance"
        )
    violations = examination.violations
    for rule, broken in groupby(violations, key=lambda violation: violation.rule):
        places = list(broken)
        screen.say(Text.assemble((rule, "problem"), f"  {places[0].meaning}"))
        for place in places:
            screen.say(Text(f"    {' '.join(place.ids)}"))
    if violations:
        screen.say(f"{len(violations)} violation{'' if len(violations) == 1 else 's'}")
        return Exit.FAILED
    screen.say("the graph is sound")
    return Exit.OK


def reachable(settings: Settings) -> Settings:
    """Complete the settings with the Neo4j of `council up`, where none is named and one is there.

    Raises:
        InputError: none is named, and none is there.
    """
    if settings.neo4j_uri is not None:
        return settings
    home = settings.home / "neo4j"
    try:
        ports = configuration.read_ports((home / "conf" / "neo4j.conf").read_text("utf-8"))
        password = credentials.read(home / "password")
    except OSError:
        ports, password = None, ""
    if ports is None:
        raise InputError(
            f"NEO4J_URI says where the graph is; it is not set, and `council up` has made none in {settings.home}."
        )
    return settings.model_copy(
        update={
            "neo4j_uri": f"bolt://127.0.0.1:{ports.bolt}",
            "neo4j_user": credentials.USER,
            "neo4j_password": SecretStr(password),
        }
    )
