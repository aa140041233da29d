"""What a search has found, and the passages that show why."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

MOST_HITS = 1000
"""That a search looks at, the best first: what matches less is not found."""

LONGEST_TEXT = 500
"""Characters of what is searched for."""

_MOST_PASSAGES = 3
_AROUND = 80
"""Characters that a passage shows before and after what matched."""

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Hit:
    """The id of a task or a proposal, and how well it matches."""

    id: str
    score: float

    @property
    def place(self) -> tuple[float, str]:
        """Where it stands among all hits: the best first, and those alike by their ids."""
        return (-self.score, self.id)


def words(text: str) -> frozenset[str]:
    """Return the words of a text as they are compared."""
    return frozenset(word.lower() for word in _WORD.findall(text))


def highlights(wanted: frozenset[str], *texts: str | None) -> list[str]:
    """Return passages of the texts, as HTML: escaped, and what matched in `<mark>`; three at most."""
    passages = (passage for text in texts if text for passage in _passages(wanted, text))
    return [passage for _, passage in zip(range(_MOST_PASSAGES), passages, strict=False)]


def _passages(wanted: frozenset[str], text: str) -> Iterator[str]:
    marks: list[tuple[int, int]] = []
    for word in _WORD.finditer(text):
        if word[0].lower() not in wanted:
            continue
        if marks and word.start() > marks[-1][1] + _AROUND:
            yield _shown(text, marks)
            marks = []
        marks.append(word.span())
        if marks[-1][1] - marks[0][0] > 2 * _AROUND:
            yield _shown(text, marks)
            marks = []
    if marks:
        yield _shown(text, marks)


def _shown(text: str, marks: list[tuple[int, int]]) -> str:
    begin, end = max(marks[0][0] - _AROUND, 0), min(marks[-1][1] + _AROUND, len(text))
    # From the beginning of a word to the end of one, where there is one.
    if begin:
        begin = (
            min(
                (space.end() for space in re.finditer(r"\s", text[begin : marks[0][0]])),
                default=0,
            )
            + begin
        )
    if end < len(text):
        last = max(
            (space.start() for space in re.finditer(r"\s", text[marks[-1][1] : end])), default=None
        )
        end = end if last is None else marks[-1][1] + last
    pieces = ["…" if begin else ""]
    at = begin
    for start, stop in marks:
        pieces += [html.escape(text[at:start]), f"<mark>{html.escape(text[start:stop])}</mark>"]
        at = stop
    pieces += [html.escape(text[at:end]), "…" if end < len(text) else ""]
    return "".join(pieces)
