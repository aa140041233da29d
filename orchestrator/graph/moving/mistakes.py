"""What is wrong with a file, or stands in its way: each with its place, a line each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from typing_extensions import override

from orchestrator.domain.errors import Conflict, InvalidInput, Mistake, RefusedError
from orchestrator.domain.places import located
from orchestrator.domain.values import replace

MOST_SHOWN: Final = 100
"""Mistakes that are told one by one; a file of another kind has one in every line."""

MOST_KEPT: Final = 10_000
"""After which nobody looks further."""


class NotImportedError(RefusedError):
    """A file that cannot be imported, with everything that is wrong; nothing was written."""

    @override
    def __str__(self) -> str:
        shown = [words(mistake) for mistake in self.mistakes[:MOST_SHOWN]]
        more = len(self.mistakes) - len(shown)
        return "\n".join([*shown, f"and {more} more"] if more else shown)


def placed(place: str, mistakes: Iterable[Mistake]) -> list[Mistake]:
    """Say in which line they are."""
    return [replace(mistake, path=(place, *mistake.path)) for mistake in mistakes]


def mistake(place: str, message: str, *path: str) -> InvalidInput:
    """Say what is wrong in a line."""
    return InvalidInput(message=message, path=(place, *path))


def words(mistake: Mistake) -> str:
    """Return `line 7, agents[2].temperature must be …`, with the id of what stands in the way."""
    place, *path = mistake.path
    message = mistake.message
    if isinstance(mistake, Conflict) and mistake.existing and mistake.existing not in message:
        message = f"{message} ({mistake.existing})"
    return f"{place}, {located(path, message)}" if path else f"{place}: {message}"
