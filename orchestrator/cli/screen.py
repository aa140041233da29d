"""Where things are printed: what was asked for on stdout, what happens meanwhile on stderr."""

from __future__ import annotations

import json
import sys
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

import rich.json
from rich.console import Console
from rich.theme import Theme

if TYPE_CHECKING:
    from rich.console import RenderableType

_PIPE_WIDTH = 120
THEME = Theme(
    {
        "problem": "bold red",
        "rehearsal": "bold black on yellow",
        "aside": "dim",
        "seat.1": "cyan",
        "seat.2": "magenta",
        "seat.3": "green",
        "seat.4": "yellow",
        "seat.5": "blue",
    }
)
SEAT_STYLES = 5


def console(*, stderr: bool = False) -> Console:
    """Make a console: coloured and as wide as the window on a terminal, plain and 120 wide elsewhere.

    It prints strings as they are: names, keys, addresses and what Neo4j says have brackets and colons of their own. What is
    to be styled is a Text, and so is what a Status shows, which asks no console how strings are read.
    """
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _PIPE_WIDTH
    return Console(
        stderr=stderr, theme=THEME, width=width, highlight=False, markup=False, emoji=False
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """Both ways out."""

    out: Console
    err: Console

    @classmethod
    def of_process(cls) -> Screen:
        """Take those of this process."""
        return cls(out=console(), err=console(stderr=True))

    def say(self, what: RenderableType) -> None:
        """Print what was asked for; a line is one also where it is longer than a console is wide, as programs read lines."""
        self.out.print(what, soft_wrap=isinstance(what, str))

    def aside(self, what: RenderableType) -> None:
        """Tell what happens meanwhile, where somebody watches; a pipe stays quiet."""
        if self.err.is_terminal:
            self.err.print(what)

    def warn(self, what: RenderableType) -> None:
        """Tell what must be read, terminal or not."""
        self.err.print(what, soft_wrap=not self.err.is_terminal)

    def json(self, text: str) -> None:
        """Print JSON: indented and coloured for eyes, as it is for programs."""
        if self.out.is_terminal:
            # Whole lines, however long: what is copied has to be JSON, too.
            self.out.print(rich.json.JSON(text), soft_wrap=True)
            return
        try:
            self.out.file.write(text + "\n")
        except UnicodeEncodeError:
            # Nothing of it was written. A stream that has no letters for it has those of its escapes.
            self.out.file.write(json.dumps(json.loads(text)) + "\n")


def harmless(text: str) -> str:
    """Take out what could drive a terminal or turn text round; models and callers wrote it."""
    return "".join(
        letter
        for letter in text.replace("\r\n", "\n").replace("\t", "    ")
        if letter == "\n"
        or (unicodedata.category(letter) not in {"Cc", "Cs"} and not _turns_round(letter))
    )


def _turns_round(letter: str) -> bool:
    return "\u202a" <= letter <= "\u202e" or "\u2066" <= letter <= "\u2069"
