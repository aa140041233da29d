"""Where the entries of tokens are kept: in a setting, or in a file that is read again when it changes."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Final

import structlog

from orchestrator.domain.errors import WrongSettingError
from orchestrator.identity import tokens
from orchestrator.identity.tokens import Entry, EntryError

_LARGEST: Final = 1024 * 1024
"""Bytes of a file of entries."""

_UNREAD: Final = (-1,)
"""The version of no file."""

_log = structlog.get_logger(__name__)


class WrongTokensError(WrongSettingError):
    """The setting, or the file that it names, has something that is no entry."""


class Kept:
    """The entries that count now."""

    def __init__(self, text: str, file: Path | None) -> None:
        """Take the text of the setting, or of a file, which is read here for the first time.

        Raises:
            WrongTokensError: something is no entry, or the file cannot be read.
        """
        self._file = file
        self._seen = _version(file)
        self._unreadable = False
        """The log was told that it is."""
        setting = "COUNCIL_TOKENS" if file is None else f"COUNCIL_TOKENS_FILE: {file}"
        try:
            found = list(tokens.read(text if file is None else _text(file)))
        except (OSError, ValueError) as error:
            raise WrongTokensError(f"{setting}: {_words(error)}") from error
        mistakes = [str(one) for one in found if isinstance(one, EntryError)]
        if mistakes:
            raise WrongTokensError("\n".join(f"{setting}: {mistake}" for mistake in mistakes))
        self.entries: tuple[Entry, ...] = tuple(one for one in found if isinstance(one, Entry))

    def renew(self) -> bool:
        """Read the file where it has changed; returns whether other entries count now.

        What cannot be read does not count: a slip in one line must not keep a token alive that was taken out in another.
        """
        if self._file is None or (version := _version(self._file)) == self._seen:
            return False
        before, self._seen = self.entries, version
        try:
            found = list(tokens.read(_text(self._file)))
        except (OSError, ValueError) as error:
            self.entries = ()
            if isinstance(error, OSError):
                # That may pass, though the file stays as it is.
                self._seen = _UNREAD
            if not self._unreadable:
                _log.error("tokens_unreadable", file=str(self._file), why=_words(error))
            self._unreadable = True
            return bool(before)
        self._unreadable = False
        for one in found:
            if isinstance(one, EntryError):
                _log.error("token_unreadable", file=str(self._file), why=str(one))
        self.entries = tuple(one for one in found if isinstance(one, Entry))
        _log.info("tokens_read", file=str(self._file), tokens=len(self.entries))
        return self.entries != before


def _text(file: Path) -> str:
    if stat.S_ISFIFO(file.stat().st_mode):
        # It would hold up everything until somebody writes, and has nothing when it is read again.
        raise ValueError("it must not be a pipe: it is read again and again")
    with file.open("rb") as opened:
        read = opened.read(_LARGEST + 1)
    if len(read) > _LARGEST:
        raise ValueError(f"it must not be larger than {_LARGEST} bytes")
    return read.decode("utf-8-sig")


def _version(file: Path | None) -> tuple[int, ...] | None:
    """What tells that a file is another: a mounted secret is replaced by moving a link, which changes what it leads to."""
    try:
        found = None if file is None else file.stat()
    except OSError:
        return None
    return None if found is None else (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def _words(error: Exception) -> str:
    # Where a text is no UTF-8, the error repeats bytes of it.
    if isinstance(error, UnicodeDecodeError):
        return "it is no UTF-8"
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
