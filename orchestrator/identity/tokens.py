"""Tokens of our own: how one is made, and what is kept of it.

A token is 256 bits of chance, so nobody can try them out, and a digest that is quick to compute keeps it as safe as
one that is made slow on purpose, for passwords: there is no list of likely ones. What is kept is SHA-256 of it: who
reads a setting learns no token.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from typing_extensions import override

from orchestrator.domain.callers import Scope

PREFIX: Final = "council_"
"""By which people, and programs that look for leaked secrets, know one."""

FORM: Final = (
    "NAME:SCOPE:sha256-DIGEST, and :INSTANT where it ends, as `council token create` prints it"
)

_RANDOM_BYTES = 32
_TOKEN = re.compile(PREFIX + r"[A-Za-z0-9_-]{43}", re.ASCII)
"""As so many bytes are written."""
_DIGEST = "sha256-"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is kept of a token. Several may have one name: an old and a new one, while they are changed."""

    name: str
    scope: Scope
    digest: bytes
    until: datetime | None = None

    @override
    def __str__(self) -> str:
        """Write it as it stands in the setting."""
        fields = [self.name, self.scope, f"{_DIGEST}{self.digest.hex()}"]
        if self.until is not None:
            fields.append(self.until.astimezone(UTC).isoformat().replace("+00:00", "Z"))
        return ":".join(fields)


class EntryError(ValueError):
    """A text that is no entry; says so without repeating it."""


def create(name: str, scope: Scope, until: datetime | None) -> tuple[str, Entry]:
    """Make a token, and what to keep of it.

    Raises:
        EntryError: nobody can have that name.
    """
    _check_name(name)
    token = PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    return token, Entry(name=name, scope=scope, digest=digest(token), until=until)


def digest(token: str) -> bytes:
    """Return what is kept of a token, whatever was sent as one."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()


def entry_of(token: str, entries: tuple[Entry, ...]) -> Entry | None:
    """Find what was kept of a token.

    It takes as long whichever it is, and whether or not it is one: all are compared, each in constant time.
    """
    shown = digest(token)
    found = None
    for entry in entries:
        if hmac.compare_digest(entry.digest, shown):
            found = entry
    return found


def read(text: str) -> Iterator[Entry | EntryError]:
    """Read what a setting or a file has: entries apart by spaces, commas or lines; # begins a remark."""
    seen: set[bytes] = set()
    for number, line in enumerate(text.splitlines(), start=1):
        for word in line.partition("#")[0].replace(",", " ").split():
            try:
                entry = _entry(word)
            except EntryError as error:
                yield EntryError(f"line {number}: {error}")
                continue
            if entry.digest in seen:
                yield EntryError(f"line {number}: {entry.name}'s token is there twice")
            else:
                seen.add(entry.digest)
                yield entry


def _entry(word: str) -> Entry:
    name, *rest = word.split(":", 3)
    if len(rest) < 2:  # noqa: PLR2004 - a scope and a digest
        # What stands there may be a token itself: it is not repeated.
        raise EntryError(f"an entry has the form {FORM}")
    _check_name(name)
    scope, kept, *end = rest
    if scope not in set(Scope):
        raise EntryError(f"{name}'s scope must be one of {', '.join(Scope)}")
    hexadecimal = kept.removeprefix(_DIGEST)
    if hexadecimal == kept or not re.fullmatch(r"[0-9a-fA-F]{64}", hexadecimal):
        raise EntryError(f"of {name}'s token there must be sha256- and 64 hexadecimal digits")
    return Entry(
        name=name,
        scope=Scope(scope),
        digest=bytes.fromhex(hexadecimal),
        until=_instant(name, end[0]) if end else None,
    )


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise EntryError(
            "a name must begin with a letter or a digit, and have up to 100 of these and . _ @ + - in all"
        )
    if _TOKEN.fullmatch(name):
        # In the wrong place; a name is shown to everybody.
        raise EntryError("a name must be none that is a token")


def _instant(name: str, text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise EntryError(f"{name}'s token must end at an instant such as 2030-01-31T00:00:00Z")
    return instant
