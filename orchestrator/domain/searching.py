"""What a search has found, and the passages that show why."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from unicodedata import category

MOST_HITS = 1000
"""That a search looks at, the best first: what matches less is not found."""

LONGEST_TEXT = 500
"""Characters of what is searched for."""

_MOST_PASSAGES = 3
_AROUND = 80
"""Characters that a passage shows before and after what matched."""

_WORD = re.compile(r"w+(?:['\u2019.]w+)*")
"""Where each sign of words is written as a w."""
_JOINING = re.compile(r"[^\W\u3041-\u309f\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
"""Signs of words, but for those of Chinese and Japanese, which has no spaces: each is a word to Lucene."""


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
    signs = "".join("w" if _is_of_words(sign) else sign for sign in text)
    return frozenset(_compared(text[slice(*word.span())]) for word in _WORD.finditer(signs))


def highlights(wanted: frozenset[str], *texts: str | None) -> list[str]:
    """Return passages of the texts, as HTML: escaped, and what matched in `<mark>`; three at most."""
    passages = (passage for text in texts if text for passage in _passages(wanted, text))
    return [passage for _, passage in zip(range(_MOST_PASSAGES), passages, strict=False)]


def _compared(text: str) -> str:
    """Write a text small, sign for sign: no other becomes two by that."""
    return text.replace("İ", "i").lower()


def _is_mark(sign: str) -> bool:
    """Whether it belongs to the sign before it, such as an accent or a vowel of Hindi."""
    return category(sign)[0] == "M"


def _is_of_words(sign: str) -> bool:
    # An emoji may have within it what joins its parts.
    return sign.isalnum() or sign == "_" or _is_mark(sign) or category(sign) in {"So", "Cf"}


def _joins(sign: str) -> bool:
    """Whether it is of the same word as one beside it that joins as well."""
    return _JOINING.match(sign) is not None or _is_mark(sign)


def _marks(wanted: frozenset[str], text: str) -> Iterator[tuple[int, int]]:
    """Find where wanted words stand in a text, in order."""
    compared = _compared(text)
    there = sorted((word for word in wanted if word in compared), key=len, reverse=True)
    if not there:
        return
    for found in re.compile("|".join(map(_alone, there)), re.DOTALL).finditer(compared):
        if not any(_is_within_word(compared, at) for at in found.span()):
            yield found.span()


def _alone(word: str) -> str:
    """Write a pattern of a word that is no part of another, but for marks, which patterns do not know.

    What is before it is looked at after its first sign: texts may be long, and to a sign that a pattern may begin with `re` leaps.
    """
    before = f"(?<!{_JOINING.pattern}.)" if _joins(word[0]) else ""
    behind = f"(?!{_JOINING.pattern})" if _joins(word[-1]) else ""
    return re.escape(word[0]) + before + re.escape(word[1:]) + behind


def _is_within_word(text: str, at: int) -> bool:
    return 0 < at < len(text) and _joins(text[at - 1]) and _joins(text[at])


def _passages(wanted: frozenset[str], text: str) -> Iterator[str]:
    shown = 0
    marks: list[tuple[int, int]] = []
    for mark in chain(_marks(wanted, text), [None]):
        if marks and (mark is None or _is_full(marks, mark)):
            begin, end = _extent(text, marks, shown, len(text) if mark is None else mark[0])
            yield _shown(text, begin, marks, end)
            shown, marks = end, []
        if mark is not None:
            marks.append(mark)


def _is_full(marks: list[tuple[int, int]], following: tuple[int, int]) -> bool:
    begin, end = marks[0][0], marks[-1][1]
    return end - begin > 2 * _AROUND or following[0] > end + _AROUND


def _extent(text: str, marks: list[tuple[int, int]], least: int, most: int) -> tuple[int, int]:
    """Say where the passage of these marks begins and ends: from the beginning of a word to the end of one, where there is one."""
    first, last = marks[0][0], marks[-1][1]
    begin, end = max(first - _AROUND, least), min(last + _AROUND, most)
    if begin:
        spaces = re.finditer(r"\s", text[begin:first])
        begin += min((space.end() for space in spaces), default=0)
    if end < len(text):
        spaces = re.finditer(r"\s", text[last:end])
        end = max((last + space.start() for space in spaces), default=end)
    return begin, end


def _shown(text: str, begin: int, marks: list[tuple[int, int]], end: int) -> str:
    pieces = ["…" if begin else ""]
    at = begin
    for start, stop in marks:
        pieces += [html.escape(text[at:start]), f"<mark>{html.escape(text[start:stop])}</mark>"]
        at = stop
    pieces += [html.escape(text[at:end]), "…" if end < len(text) else ""]
    return "".join(pieces)
