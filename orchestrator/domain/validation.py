"""What a caller sends, looked at value by value: every mistake is kept, so that all of them are told at once."""

from __future__ import annotations

import json
import math
import sys
import unicodedata
from collections.abc import Collection, Iterator
from itertools import chain
from typing import cast

from orchestrator.domain import limits
from orchestrator.domain.councils import REHEARSAL
from orchestrator.domain.errors import InvalidInput, Mistake, RefusedError
from orchestrator.domain.places import label

Path = tuple[str, ...]

_UNSEEN = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode categories that have no place in a name: controls, surrogates, line and paragraph separators."""

_SEEN = frozenset("LNPS")
"""How the categories of letters, numbers, punctuation and symbols begin: at least one of them makes a name visible."""

_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols that are drawn as nothing: fillers of Hangul, and the empty pattern of Braille."""


def text_mistake(value: str) -> str | None:
    """Say why a text cannot be stored, as a phrase that follows its name; none where it can.

    The driver cannot send a lone surrogate, and NUL ends a text for many a program that reads it.
    """
    if "\0" in value:
        return "must not hold NUL characters"
    try:
        value.encode()
    except UnicodeEncodeError:
        return "must be valid Unicode, without lone surrogates"
    return None


def name_mistake(value: str, longest: int = limits.NAME) -> str | None:  # noqa: PLR0911 - a table
    """Say why a text is no name, as a phrase that follows what it names; none where it is one."""
    if not value.strip():
        return "must not be blank"
    # First, since all else looks at each of the characters.
    if len(value) > longest:
        return f"must not be longer than {longest} characters, and has {len(value)}"
    if mistake := text_mistake(value):
        return mistake
    if any(unicodedata.category(character) in _UNSEEN for character in value):
        return "must not hold control characters or line breaks"
    if value != value.strip():
        return "must not begin or end with spaces"
    if not any(map(_is_seen, value)):
        return "must hold a visible character"
    return None


def model_mistake(value: str) -> str | None:
    """Say why a text is no name of a model that can be asked for, as a phrase that follows what it names; none where it is one."""
    if value == REHEARSAL:
        return f"must not be {REHEARSAL}: it stands in where there is no VLLM_URL, and is nobody's choice"
    return name_mistake(value)


def _is_seen(character: str) -> bool:
    return unicodedata.category(character)[0] in _SEEN and character not in _BLANK


class Inspection:
    """Looks at one input. `close` raises what was found; until then values are passed on as they are."""

    def __init__(self) -> None:
        """Nothing was found yet."""
        self._mistakes: list[Mistake] = []

    @property
    def found(self) -> int:
        """How many mistakes there are so far."""
        return len(self._mistakes)

    def add(self, path: Path, message: str) -> None:
        """Keep a mistake; the message says what would be right."""
        self._mistakes.append(InvalidInput(message=message, path=path))

    def keep(self, mistake: Mistake) -> None:
        """Keep a mistake of another kind."""
        self._mistakes.append(mistake)

    def close(self) -> None:
        """Raise RefusedError with everything that was found, where there was anything."""
        if self._mistakes:
            raise RefusedError(*self._mistakes)

    def name(self, path: Path, value: str, longest: int = limits.NAME) -> str:
        """A short text on one line: not blank, without control characters or spaces around it."""
        if mistake := name_mistake(value, longest):
            self.add(path, f"{label(path)} {mistake}")
        return value

    def optional_name(self, path: Path, value: str | None) -> str | None:
        """A name, or nothing."""
        return None if value is None else self.name(path, value)

    def text(self, path: Path, value: str, longest: int) -> str:
        """A text of any number of lines; not blank."""
        if len(value) > longest:
            self.add(
                path,
                f"{label(path)} must not be longer than {longest} characters, and has {len(value)}",
            )
        elif not value.strip():
            self.add(path, f"{label(path)} must not be blank")
        elif mistake := text_mistake(value):
            self.add(path, f"{label(path)} {mistake}")
        return value

    def optional_text(self, path: Path, value: str | None, longest: int) -> str | None:
        """A text, or nothing."""
        return None if value is None else self.text(path, value, longest)

    def whole(self, path: Path, value: int | None, least: int, most: int) -> int | None:
        """A whole number within bounds, or nothing."""
        if value is not None and not least <= value <= most:
            self.add(path, f"{label(path)} must be from {least} to {most}, and is {value}")
        return value

    def temperature(self, path: Path, value: float | None) -> float | None:
        """How freely a model samples, or nothing."""
        if value is not None and not (math.isfinite(value) and 0 <= value <= limits.TEMPERATURE):
            self.add(path, f"{label(path)} must be from 0 to {limits.TEMPERATURE}, and is {value}")
        return value

    def metadata(self, path: Path, value: object) -> str | None:
        """Any JSON value within bounds, as its text; nothing for null."""
        if value is None:
            return None
        if mistake := _metadata_mistake(value):
            self.add(path, f"{label(path)} {mistake}")
            return None
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _metadata_mistake(value: object) -> str | None:
    if (depth := _depth(value)) > limits.METADATA_DEPTH:
        return f"must not be nested deeper than {limits.METADATA_DEPTH} levels, and has {depth}"
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError):
        # GraphQL makes a NaN of a whole number that has more digits than Python reads.
        digits = sys.get_int_max_str_digits()
        return f"must be a JSON value, without NaN, infinite numbers and those of more than {digits} digits"
    if len(text) > limits.METADATA:
        return f"must not be longer than {limits.METADATA} characters as JSON text, and has {len(text)}"
    if any(text_mistake(part) for part in _texts(value)):
        return "must be valid Unicode, without lone surrogates and NUL characters"
    return None


def _depth(value: object) -> int:
    """How many lists and objects are within each other; a level at a time, since there may be more than Python goes down into."""
    depth, level = 0, [value]
    while holding := [inner for one in level if (inner := _inner(one)) is not None]:
        depth += 1
        level = [*chain.from_iterable(holding)]
    return depth


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for item in _inner(value) or ():
        yield from _texts(item)


def _inner(value: object) -> Collection[object] | None:
    """What an object or a list holds, the names of an object's members included; none for anything else."""
    if isinstance(value, dict):
        members = cast("dict[object, object]", value)
        return (*members.keys(), *members.values())
    return cast("list[object]", value) if isinstance(value, list) else None
