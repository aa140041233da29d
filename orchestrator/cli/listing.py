"""`council councils`, `agents` and `deliberations`: what there is, as a list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, RootModel
from rich.text import Text

from orchestrator.cli.exits import Exit
from orchestrator.cli.failures import InputError, MissingError
from orchestrator.cli.rendering import listings
from orchestrator.cli.screen import harmless

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from orchestrator.cli.screen import Screen
    from orchestrator.client import CouncilClient, models

_NEWEST = 20
"""How many deliberations are listed unless told: there may be any number."""

_MOST_ROLES = 20
"""How many are named to who asks for another."""


async def councils(
    client: CouncilClient, screen: Screen, *, include_archived: bool, as_json: bool
) -> Exit:
    """List the councils."""
    found = [one async for one in client.councils(include_archived=include_archived)]
    _list(screen, found, listings.councils(found), as_json=as_json)
    return Exit.OK


async def agents(client: CouncilClient, screen: Screen, *, as_json: bool) -> Exit:
    """List the agents."""
    found = [one async for one in client.agents()]
    _list(screen, found, listings.agents(found), as_json=as_json)
    return Exit.OK


async def deliberations(
    client: CouncilClient,
    screen: Screen,
    *,
    role: str | None,
    council: str | None,
    statuses: Sequence[models.DeliberationStatus] | None,
    limit: int | None,
    everything: bool,
    as_json: bool,
) -> Exit:
    """List deliberations, newest first: as many as `limit` says, or all of them.

    Raises:
        InputError: both a limit and all of them are asked for.
        MissingError: no council has that role or that id.
    """
    if everything and limit is not None:
        raise InputError("--limit and --all: give one of the two")
    most = None if everything else _NEWEST if limit is None else limit
    # One more says whether there are more.
    sought = client.deliberations(
        role=role, council=council, statuses=statuses, at_most=None if most is None else most + 1
    )
    found = [one async for one in sought]
    if not found:
        await _check(client, role, council)
    shown = found[:most]
    if shown or as_json:
        _list(screen, shown, listings.deliberations(shown), as_json=as_json)
    else:
        screen.warn(_none(role, council, statuses))
    if len(shown) < len(found):
        screen.aside(Text("There are more: --limit N lists the newest N, --all lists all", "aside"))
    return Exit.OK


async def _check(client: CouncilClient, role: str | None, council: str | None) -> None:
    """Raise MissingError where no council has that role, or that id: nothing is found for either."""
    if role is not None:
        roles = sorted({one.role.name async for one in client.councils(include_archived=True)})
        if role not in roles:
            more = ", and others" if len(roles) > _MOST_ROLES else ""
            raise MissingError(
                f"--role: no council has the role {role}; councils have {', '.join(roles[:_MOST_ROLES]) or 'none'}{more}"
            )
    if council is not None and await client.council(id=council) is None:
        raise MissingError(
            f"--council: there is no council with the id {council}; `council councils --archived` lists ids"
        )


def _none(
    role: str | None, council: str | None, statuses: Sequence[models.DeliberationStatus] | None
) -> str:
    kinds = [
        "" if role is None else f" of the role {harmless(role)}",
        "" if council is None else f" of the council {council}",
        "" if not statuses else f" that is {' or '.join(statuses)}",
    ]
    return f"There is no deliberation{''.join(kinds)}. To begin one: council ask ROLE TASK"


def _list(
    screen: Screen, found: Sequence[BaseModel], table: RenderableType, *, as_json: bool
) -> None:
    if as_json:
        screen.json(
            RootModel[list[BaseModel]](list(found)).model_dump_json(
                by_alias=True, serialize_as_any=True
            )
        )
    else:
        screen.say(table)
