"""`council token create`: a token for a caller, and what the service keeps of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.text import Text

from orchestrator.cli.asking import long_duration_of
from orchestrator.cli.exits import Exit
from orchestrator.cli.failures import InputError
from orchestrator.identity import tokens

if TYPE_CHECKING:
    from orchestrator.cli.screen import Screen
    from orchestrator.domain.callers import Scope


async def create(
    screen: Screen, name: str, *, scope: Scope, expires: str | None, as_json: bool
) -> Exit:
    """Print both: neither is kept anywhere.

    Raises:
        InputError: the name is none, or `expires` is no time after which a token can end.
    """
    until = None
    if expires is not None:
        lasting = long_duration_of(expires, "--expires")
        if not lasting:
            raise InputError(
                f"--expires: {expires!r} is over at once; it must be longer, as 90d or 12h"
            )
        try:
            until = datetime.now(UTC).replace(microsecond=0) + lasting
        except OverflowError as error:
            raise InputError(f"--expires {expires} is after the end of the calendar") from error
    try:
        token, entry = tokens.create(name, scope, until)
    except tokens.EntryError as error:
        raise InputError(str(error)) from error
    if as_json:
        screen.json(json.dumps({"token": token, "entry": str(entry)}))
        return Exit.OK
    for what, value in (("token", token), ("entry", str(entry))):
        screen.out.print(Text.assemble((f"{what}  ", "aside"), value), soft_wrap=True)
    screen.aside(
        f"\nThe token is shown this once: {name} sends it, as COUNCIL_TOKEN of `council ask` or as Authorization: Bearer …"
    )
    screen.aside(
        "The entry goes into COUNCIL_TOKENS of the service, or as a line into the file in COUNCIL_TOKENS_FILE. It is no secret."
    )
    return Exit.OK
