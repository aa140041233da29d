"""Text from a server, made valid where it enters.

A lone surrogate crashes the Neo4j driver and cannot be sent as UTF-8; a NUL ends strings in programs
that read them. What cannot be kept becomes U+FFFD.
"""

from __future__ import annotations

from typing import Final

REPLACEMENT: Final = "\ufffd"


def valid(text: str) -> str:
    """Return text in which surrogate pairs are joined and what cannot be kept is replaced."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text.replace("\0", REPLACEMENT) if "\0" in text else text


class Pieces:
    """Text that comes in pieces, each made valid; a pair cut between two of them is put together."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._valid: Final[list[str]] = []
        self._half: str = ""
        self.length: int = 0

    def add(self, piece: str) -> str:
        """Take a piece in; return what of the text is new and valid."""
        piece = self._half + piece
        self._half = ""
        if piece and "\ud800" <= piece[-1] <= "\udbff":
            piece, self._half = piece[:-1], piece[-1]
        piece = valid(piece)
        self._valid.append(piece)
        self.length += len(piece)
        return piece

    def whole(self) -> str:
        """Return all of the text."""
        if self._half:
            self._valid.append(REPLACEMENT)
            self._half = ""
        return "".join(self._valid)
