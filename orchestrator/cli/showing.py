"""`council show`: what has an id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group

from orchestrator.cli import asking
from orchestrator.cli.exits import Exit
from orchestrator.cli.failures import MissingError
from orchestrator.cli.following import transcript_of
from orchestrator.cli.rendering import deliberations, listings
from orchestrator.client import models
from orchestrator.domain.ids import Prefix, body, prefix_of, with_prefix

if TYPE_CHECKING:
    from rich.console import RenderableType

    from orchestrator.cli.screen import Screen
    from orchestrator.client import CouncilClient

_Found = models.Council | models.Agent | models.Task | models.Node


async def show(
    client: CouncilClient,
    screen: Screen,
    identifier: str,
    *,
    follow: bool,
    full: bool,
    as_json: bool,
) -> Exit:
    """Show what has the id given; raises MissingError."""
    match prefix_of(identifier):
        case Prefix.DELIBERATION:
            return await _show_deliberation(
                client, screen, identifier, follow=follow, full=full, as_json=as_json
            )
        case Prefix.VERDICT:
            held = with_prefix(Prefix.DELIBERATION, body(identifier))
            return await _show_deliberation(
                client, screen, held, follow=follow, full=full, as_json=as_json
            )
        case Prefix.CLAIM | Prefix.PROCESS:
            raise MissingError(
                f"{identifier} is shown in Neo4j Browser alone (council browser): MATCH it by its id"
            )
        case prefix:
            found = await _find(client, prefix, identifier)
    if found is None:
        raise MissingError(
            f"there is nothing with the id {identifier}; `council councils`, `council agents` and `council deliberations` list ids"
        )
    if as_json:
        screen.json(found.model_dump_json(by_alias=True))
    else:
        screen.say(rendered(found))
    return Exit.OK


async def _find(client: CouncilClient, prefix: Prefix | None, identifier: str) -> _Found | None:
    match prefix:
        case Prefix.COUNCIL:
            return await client.council(id=identifier)
        case Prefix.AGENT:
            return await client.agent(id=identifier)
        case Prefix.TASK:
            return await client.task(identifier)
        case _:
            return await client.node(identifier)


async def _show_deliberation(
    client: CouncilClient,
    screen: Screen,
    identifier: str,
    *,
    follow: bool,
    full: bool,
    as_json: bool,
) -> Exit:
    transcript = await transcript_of(client, identifier)
    deliberation = transcript.deliberation
    if follow and deliberation.finished_at is None:
        return await asking.watch(client, screen, deliberation, as_json=as_json, whole=full)
    if as_json:
        screen.json(transcript.model_dump_json(by_alias=True))
    else:
        screen.say(deliberations.heading(deliberation))
        for turn in deliberations.transcript(transcript, whole=full):
            screen.say(turn)
        screen.say(deliberations.verdict(transcript, whole=True))
    # Who follows wants to know how it ends, also where he came too late for it.
    return asking.how_it_ended(deliberation) if follow else Exit.OK


def rendered(found: _Found) -> RenderableType:  # noqa: PLR0911 - one for each kind
    """Return how something with an id looks."""
    match found:
        case models.Council():
            return listings.council(found)
        case models.Agent():
            return listings.agent(found)
        case models.Task():
            return listings.task(found)
        case models.Role():
            return listings.role(found)
        case models.Model():
            return listings.model(found)
        case models.Endpoint():
            return listings.endpoint(found)
        case _:
            return Group(deliberations.turn_panel(found), f"of {found.deliberation.id}")
