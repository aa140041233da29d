"""What a process is given by whoever starts it: its arguments, and descriptors that may be closed or full."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from io import TextIOWrapper

from orchestrator.cli.exits import Exit

_HOW = ("r", "w", "w")


def arguments() -> list[str]:
    """Return the arguments; exits where one is no text, which no command could send on."""
    texts: list[str] = []
    for place, argument in enumerate(sys.argv[1:], start=1):
        try:
            texts.append(_text(argument))
        except UnicodeDecodeError:
            sys.stderr.write(f"council: argument {place} is not UTF-8 text\n")
            sys.exit(Exit.USAGE)
    return texts


def _text(argument: str) -> str:
    """Return it as it was typed; raises UnicodeDecodeError."""
    if any("\ud800" <= letter <= "\udfff" for letter in argument):
        # What the locale has no letter for may be UTF-8 all the same.
        return os.fsencode(argument).decode()
    return argument


@contextmanager
def standard_streams() -> Generator[None]:
    """Open those of the three that are closed, onto nothing; at the end say so where what was printed found no room.

    The next file that is opened would otherwise have such a number, and the event loop would not bear that.
    Letters that the two for output have no code for are escaped: a verdict is worth more than how it looks.
    """
    for descriptor, how in enumerate(_HOW):
        try:
            os.fstat(descriptor)
        except OSError:
            # The lowest number that is free, which is this one.
            os.open(os.devnull, os.O_RDWR)
            stream = os.fdopen(descriptor, how, encoding="utf-8", closefd=False)
            setattr(sys, ("stdin", "stdout", "stderr")[descriptor], stream)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except OSError as error:
        # Nothing more is tried with it when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            sys.stderr.write(f"council: what was printed could not be written: {error.strerror}\n")
        sys.exit(Exit.FAILED)
