"""Where in an input something is, as it is written for people."""

from __future__ import annotations

from collections.abc import Sequence


def label(path: Sequence[str]) -> str:
    """How a message names what it is about: its field, or its place in a list."""
    return f"{path[-2]}[{path[-1]}]" if path[-1].isdecimal() else path[-1]


def place(path: Sequence[str]) -> str:
    """Return `agents[2].temperature`; an empty path is an empty text."""
    written = ""
    for step in path:
        written += f"[{step}]" if step.isdecimal() else f".{step}" if written else step
    return written


def located(path: Sequence[str], message: str) -> str:
    """Say before a message where it applies; the name of the field, where it begins with that, is not said twice."""
    if not path:
        return message
    begin = f"{label(path)} "
    if message.startswith(begin):
        return f"{place(path)} {message.removeprefix(begin)}"
    return f"{place(path)}: {message}"
