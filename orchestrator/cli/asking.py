"""`council ask`, `retry` and `cancel`: lays a task before a council, follows, and prints the verdict; or ends it without one."""

from __future__ import annotations

import asyncio
import re
import sys
import uuid
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from orchestrator.cli.ctrl_c import heard
from orchestrator.cli.exits import Exit
from orchestrator.cli.failures import InputError
from orchestrator.cli.following import follow, transcript_of
from orchestrator.cli.rendering import deliberations
from orchestrator.client import ClientError, models
from orchestrator.domain import limits

if TYPE_CHECKING:
    from collections.abc import Awaitable, Generator
    from typing import BinaryIO

    from rich.status import Status as Spinner

    from orchestrator.cli.screen import Screen
    from orchestrator.client import CouncilClient

_AGAIN_SECONDS = 2
"""How long the first Ctrl-C waits for a second: short, as a script that sends one waits too."""

_BY_CTRL_C = "cancelled with Ctrl-C"

_BYTES_OF_A_CHARACTER = 4
"""In UTF-8, at most."""

_DURATION = re.compile(r"(\d+)([smhd]?)")
_UNITS = {"": "seconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def text_of(argument: str, name: str, longest: int) -> str:
    """Return a text as it was meant: `-` is standard input, `@file` a file's content, anything else itself.

    Raises:
        InputError: there is none, it is not UTF-8, or longer than so many characters; `name` is what the argument is called.
    """
    if argument == "@":
        raise InputError(f"{name}: @ names no file; @FILE reads one, - standard input")
    source = "standard input" if argument == "-" else argument[1:]
    try:
        if argument == "-":
            text = _read(sys.stdin.buffer, longest)
        elif argument.startswith("@"):
            with Path(source).open("rb") as file:
                text = _read(file, longest)
        else:
            text = argument
    except OSError as error:
        raise InputError(f"{name}: {source} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: {source} is not UTF-8 text: {error.reason}") from error
    if text is None or len(text) > longest:
        raise InputError(f"{name} must not be longer than {longest} characters")
    return text


def _read(file: BinaryIO, longest: int) -> str | None:
    """Read a text; none where it is longer than so many characters, since it may have no end."""
    most = longest * _BYTES_OF_A_CHARACTER
    content = file.read(most + 1)
    if len(content) > most:
        return None
    return TextIOWrapper(BytesIO(content), encoding="utf-8").read()


def duration_of(argument: str, name: str) -> timedelta:
    """Read `90`, `90s`, `15m`, `2h` or `1d`.

    Raises:
        InputError: it is none; `name` is what the argument is called.
    """
    found = _DURATION.fullmatch(argument.strip())
    if found is None:
        raise InputError(f"{name}: {argument!r} is no duration such as 90s, 15m or 2h")
    try:
        return timedelta(**{_UNITS[found[2]]: int(found[1])})
    except (OverflowError, ValueError) as error:
        # A ValueError is of thousands of digits, which Python does not read.
        raise InputError(f"{name}: {argument!r} is too long") from error


def long_duration_of(argument: str, name: str) -> timedelta:
    """Read what usually is days: with a unit, as `90` would be seconds where days are meant.

    Raises:
        InputError: it is no duration, or has no unit; `name` is what the argument is called.
    """
    found = duration_of(argument, name)
    if found and argument.strip().isdigit():
        raise InputError(f"{name} {argument} has no unit: it must be as 90d, 12h, 15m or 90s")
    return found


def deadline_of(argument: str) -> timedelta:
    """Read how long a deliberation may take.

    Raises:
        InputError: it is no duration, or longer than any deliberation may take.
    """
    deadline = duration_of(argument, "--deadline")
    longest = timedelta(seconds=limits.DEADLINE_SECONDS)
    if deadline > longest:
        raise InputError(
            f"--deadline: {argument!r} is too long; it must be from 1s to {longest.days}d"
        )
    return deadline


async def ask(
    client: CouncilClient,
    screen: Screen,
    *,
    role: str,
    task: models.TaskInput,
    rounds: int | None,
    priority: models.Priority | None,
    deadline: timedelta | None,
    budget: int | None,
    idempotency_key: str | None,
    detach: bool,
    as_json: bool,
) -> Exit:
    """Print the verdict, and return how it went."""
    key = uuid.uuid4().hex if idempotency_key is None else idempotency_key
    accepted = await _accepted(
        client.deliberate(
            task,
            role=role,
            rounds=rounds,
            priority=priority,
            deadline=deadline,
            token_budget=budget,
            idempotency_key=key,
        ),
        screen,
        key,
    )
    return await _watch_or_name(client, screen, accepted, detach=detach, as_json=as_json)


async def retry(
    client: CouncilClient,
    screen: Screen,
    identifier: str,
    *,
    idempotency_key: str | None,
    detach: bool,
    as_json: bool,
) -> Exit:
    """Lay the task of a deliberation before its council once more, and go on as `ask`."""
    key = uuid.uuid4().hex if idempotency_key is None else idempotency_key
    accepted = await _accepted(client.retry(identifier, idempotency_key=key), screen, key)
    return await _watch_or_name(client, screen, accepted, detach=detach, as_json=as_json)


async def cancel(
    client: CouncilClient, screen: Screen, identifier: str, *, reason: str | None, as_json: bool
) -> Exit:
    """End a deliberation without a verdict, and say so."""
    cancelled = await client.cancel(identifier, reason=reason)
    if as_json:
        screen.json(cancelled.model_dump_json(by_alias=True))
    else:
        screen.say(
            f"{identifier} is cancelled, with {cancelled.progress.turns_taken} of {cancelled.progress.turns_expected} turns taken"
        )
    return Exit.OK


async def watch(
    client: CouncilClient,
    screen: Screen,
    deliberation: models.Deliberation,
    *,
    as_json: bool,
    whole: bool,
) -> Exit:
    """Follow a deliberation to its end, then print what became of it; where it has ended, at once."""
    _introduce(screen, deliberation)
    if deliberation.finished_at is not None:
        transcript = await transcript_of(client, deliberation.id)
    else:
        with _named_if_left(screen, deliberation):
            transcript = await _followed(client, screen, deliberation)
    return conclude(screen, transcript, as_json=as_json, whole=whole)


async def watch_own(
    client: CouncilClient, screen: Screen, deliberation: models.Deliberation, *, as_json: bool
) -> Exit:
    """Do the same with what this very command had accepted: a second Ctrl-C, soon after the first, cancels it."""
    if deliberation.finished_at is not None:
        _tell_id(screen, deliberation)
        return await watch(client, screen, deliberation, as_json=as_json, whole=False)
    async with heard() as ctrl_c:
        # Not before: whoever reads it may press at once.
        _tell_id(screen, deliberation)
        _introduce(screen, deliberation)
        with _named_if_left(screen, deliberation):
            transcript = await ctrl_c.during(_followed(client, screen, deliberation))
        if transcript is not None:
            return conclude(screen, transcript, as_json=as_json, whole=False)
        screen.warn(
            f"It goes on without you; Ctrl-C again within {_AGAIN_SECONDS} s cancels it. {_look_again(deliberation)}"
        )
        if not await ctrl_c.within(_AGAIN_SECONDS):
            return Exit.INTERRUPTED
        cancelled = await ctrl_c.during(client.cancel(deliberation.id, reason=_BY_CTRL_C))
        screen.warn(
            f"It is not known to be cancelled. {_look_again(deliberation)}"
            if cancelled is None
            else f"It is cancelled; the turns that were taken stay: council show {deliberation.id}"
        )
    return Exit.INTERRUPTED


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
    return how_it_ended(deliberation)


def how_it_ended(deliberation: models.Deliberation) -> Exit:
    """Say of what has ended whether it came to a verdict."""
    decided = deliberation.status is models.DeliberationStatus.DECIDED
    return Exit.OK if decided else Exit.UNDECIDED


async def _accepted(
    asked: Awaitable[models.Deliberation], screen: Screen, key: str
) -> models.Deliberation:
    try:
        return await asked
    except (asyncio.CancelledError, ClientError) as error:
        if isinstance(error, ClientError) and not error.sent:
            raise
        screen.warn(f"It may have been accepted. Asked again with --key {key}, it is found.")
        raise


async def _watch_or_name(
    client: CouncilClient,
    screen: Screen,
    accepted: models.Deliberation,
    *,
    detach: bool,
    as_json: bool,
) -> Exit:
    if not detach:
        return await watch_own(client, screen, accepted, as_json=as_json)
    if as_json:
        screen.json(accepted.model_dump_json(by_alias=True))
    else:
        screen.say(accepted.id)
    return Exit.OK


def _tell_id(screen: Screen, deliberation: models.Deliberation) -> None:
    """Say the id where nobody watches; the heading has it where somebody does."""
    if not screen.err.is_terminal:
        screen.warn(f"accepted as {deliberation.id}")


def _introduce(screen: Screen, deliberation: models.Deliberation) -> None:
    screen.aside(deliberations.heading(deliberation))
    if deliberation.rehearsal:
        _warn_of_rehearsal(screen)


async def _followed(
    client: CouncilClient, screen: Screen, deliberation: models.Deliberation
) -> models.Transcript:
    with _spinner(screen) as spinner:
        return await follow(
            client,
            deliberation,
            tell=screen.aside,
            progress=spinner.update if spinner else _quiet,
            waits=_quiet if spinner else lambda why: screen.warn(f"waiting: {why}"),
        )


@contextmanager
def _named_if_left(screen: Screen, deliberation: models.Deliberation) -> Generator[None]:
    """Say how to find a deliberation again, where following it ends before itself does."""
    try:
        yield
    except asyncio.CancelledError:
        screen.warn(f"It goes on without you. {_look_again(deliberation)}")
        raise
    except ClientError:
        screen.warn(f"How it goes on is not known here. {_look_again(deliberation)}")
        raise


def _look_again(deliberation: models.Deliberation) -> str:
    return f"To look again: council show {deliberation.id} --follow"


def _warn_of_rehearsal(screen: Screen) -> None:
    if screen.err.is_terminal:
        screen.warn(deliberations.rehearsal_notice())
    else:
        screen.warn(f"{deliberations.REHEARSAL}: no model was asked; set VLLM_URL for a real one.")


def _spinner(screen: Screen) -> AbstractContextManager[Spinner | None]:
    return screen.err.status("waiting for the council") if screen.err.is_terminal else nullcontext()


def _quiet(_: Text | str) -> None:
    """Show no progress where nobody watches, and not twice why there is none."""
