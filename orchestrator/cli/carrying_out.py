"""Carries out a command: the settings, an event loop, and an exit code for whatever happens."""

from __future__ import annotations

import asyncio
import traceback
from typing import TYPE_CHECKING

import typer
import uvloop
from rich.text import Text

from orchestrator.cli import environment
from orchestrator.cli.ending import EndedError
from orchestrator.cli.exits import Exit
from orchestrator.cli.screen import Screen, harmless

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from orchestrator.settings import Settings


def carry_out(work: Callable[[Settings, Screen], Coroutine[object, object, Exit]]) -> None:
    """Do the work, and exit with how it went: an error is a sentence, never a stack trace."""
    screen = Screen.of_process()
    debug = False
    try:
        settings = environment.read()
        debug = settings.debug
        # What a command reads before it awaits anything must end at the first Ctrl-C: within the loop that would wait for it.
        begun = work(settings, screen)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            code = runner.run(begun)
    except (KeyboardInterrupt, asyncio.CancelledError):
        code = Exit.INTERRUPTED
    except BrokenPipeError:
        # Nobody reads what is printed any more, which `standard_streams` knows what to do with.
        raise
    except EndedError as ended:
        code = Exit(128 + ended.number)
    except Exception as error:  # noqa: BLE001 - the last one that can say it to a person
        code = _explain(error, screen, debug=debug)
    raise typer.Exit(code)


def _explain(error: Exception, screen: Screen, *, debug: bool) -> Exit:
    # It knows the errors of all commands, and with them what none but clients need.
    from orchestrator.cli.failures import cause_of, exit_of, words_of  # noqa: PLC0415

    error = cause_of(error)
    code = exit_of(error)
    if code is not None:
        said = harmless(words_of(error))
    elif debug:
        traceback.print_exception(error)
        return Exit.FAILED
    else:
        kind = type(error).__name__
        said = f"this is a defect: {kind}: {harmless(str(error))} (COUNCIL_DEBUG=1 shows where)"
    screen.warn(Text.assemble(("council: ", "problem"), said))
    return Exit.FAILED if code is None else code
