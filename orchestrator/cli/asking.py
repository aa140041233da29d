"""`council ask`: lays a task before a council, follows, and prints the verdict."""

from __future__ import annotations

import asyncio
import re
import sys
import uuid
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from orchestrator.cli.exits import Exit
from orchestrator.cli.failures import InputError
from orchestrator.cli.following import follow, transcript_of
from orchestrator.cli.rendering import deliberations
from orchestrator.domain.deliberations import Status

if TYPE_CHECKING:
    from rich.status import Status as Spinner

    from orchestrator.cli.screen import Screen
    from orchestrator.client import CouncilClient, models

_DURATION = re.compile(r"(\d+)([smhd]?)")
_UNITS = {"": "seconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def text_of(argument: str) -> str:
    """Return a text as it was meant: `-` is standard input, `@file` a file's content, anything else itself."""
    try:
        if argument == "-":
            return sys.stdin.read()
        if argument.startswith("@"):
            return Path(argument[1:]).read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{argument[1:]} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{argument} is not UTF-8 text: {error.reason}") from error
    return argument


def duration_of(argument: str) -> timedelta:
    """Read `90`, `90s`, `15m`, `2h` or `1d`."""
    found = _DURATION.fullmatch(argument.strip())
    if found is None:
        raise InputError(f"{argument!r} is no duration such as 90s, 15m or 2h")
    try:
        return timedelta(**{_UNITS[found[2]]: int(found[1])})
    except OverflowError as error:
        raise InputError(f"{argument!r} is too long") from error


async def ask(
    client: CouncilClient,
    screen: Screen,
    *,
    role: str,
    task: models.TaskInput,
    rounds: int | None,
    deadline: timedelta | None,
    idempotency_key: str | None,
    detach: bool,
    as_json: bool,
) -> Exit:
    """Print the verdict, and return how it went."""
    key = idempotency_key or uuid.uuid4().hex
    try:
        accepted = await client.deliberate(
            task, role=role, rounds=rounds, deadline=deadline, idempotency_key=key
        )
    except asyncio.CancelledError:
        screen.warn(f"It may have been accepted. Asked again with --key {key}, it is found.")
        raise
    if detach:
        if as_json:
            screen.json(accepted.model_dump_json(by_alias=True))
        else:
            screen.say(accepted.id)
        return Exit.OK
    return await watch(client, screen, accepted, as_json=as_json, whole=False)


async def watch(
    client: CouncilClient,
    screen: Screen,
    deliberation: models.Deliberation,
    *,
    as_json: bool,
    whole: bool,
) -> Exit:
    """Follow a deliberation to its end, then print what became of it; where it has ended, at once."""
    screen.aside(deliberations.heading(deliberation))
    if deliberation.rehearsal:
        _warn_of_rehearsal(screen)
    if deliberation.status.ended:
        transcript = await transcript_of(client, deliberation.id)
    else:
        try:
            with _spinner(screen) as spinner:
                transcript = await follow(
                    client,
                    deliberation,
                    tell=screen.aside,
                    progress=spinner.update if spinner else _quiet,
                )
        except asyncio.CancelledError:
            screen.warn(
                f"It goes on without you. To look again: council show {deliberation.id} --follow"
            )
            raise
    return conclude(screen, transcript, as_json=as_json, whole=whole)


def conclude(screen: Screen, transcript: models.Transcript, *, as_json: bool, whole: bool) -> Exit:
    """Print what became of a deliberation."""
    deliberation = transcript.deliberation
    if as_json:
        screen.json(transcript.model_dump_json(by_alias=True))
    else:
        if whole:
            for turn in deliberations.transcript(transcript, whole=True):
                screen.say(turn)
        screen.say(deliberations.verdict(transcript, whole=True))
        screen.aside(Text(f"The whole of it: council show {deliberation.id} --full", "aside"))
    undecided = deliberation.status in {Status.FAILED, Status.CANCELLED}
    return Exit.UNDECIDED if undecided else Exit.OK


def _warn_of_rehearsal(screen: Screen) -> None:
    if screen.err.is_terminal:
        screen.warn(deliberations.rehearsal_notice())
    else:
        screen.warn(f"{deliberations.REHEARSAL}: no model was asked; set VLLM_URL for a real one.")


def _spinner(screen: Screen) -> AbstractContextManager[Spinner | None]:
    return screen.err.status("waiting for the council") if screen.err.is_terminal else nullcontext()


def _quiet(_: str) -> None:
    """Show no progress: nobody watches."""
