"""The predecessor's documents, one a council, as they are in the server; what they mean is the domain's to say."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit

from orchestrator.domain.errors import (
    CouncilError,
    InvalidInput,
    RefusedError,
    UnavailableError,
    WrongSettingError,
)
from orchestrator.domain.predecessor import KEY_PREFIX

if TYPE_CHECKING:
    from redis.asyncio import Redis

_SCHEMES: Final = {"valkey": "redis", "valkeys": "rediss", "redis": "redis", "rediss": "rediss"}
_DATABASE: Final = re.compile(r"/?|/\d+", re.ASCII)
_SECONDS: Final = 10.0
_TOGETHER: Final = 500
"""Keys that one SCAN looks at: it holds the server up for no longer than that."""
_ALL_OVER: Final = 16
"""Keys whose places are spread so widely that no node has all of them, unless it has nearly everything."""


class NoClientError(CouncilError):
    """The client of the protocol is not installed: few need it, and only once."""

    def __init__(self) -> None:
        """Say how to install it."""
        super().__init__(
            "--from-valkey needs the client `redis`, which is not installed; in a checkout: pip install '.[valkey]'"
        )


class NoAddressError(WrongSettingError):
    """What was given for the URL of a Valkey is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """Texts by their keys, in order, and why other keys under the prefix are not among them."""

    texts: dict[str, str]
    ignored: tuple[str, ...]


async def read_documents(url: str) -> Documents:
    """Read the document of each council.

    Raises:
        NoClientError: the client is not installed.
        UnavailableError: the server cannot be reached, does not answer, or speaks another protocol.
        NoAddressError: the URL is none.
        RefusedError: the server refuses the login.
    """
    texts: dict[str, str] = {}
    ignored: list[str] = []
    async with _open(url) as client:
        await _refuse_part(client)
        for key in await _keys(client):
            name, kind = _text(key), _text(await client.type(key))
            value = await client.get(key) if kind == "string" else None
            text = None if value is None else _text(value)
            if kind == "none" or (kind == "string" and value is None):
                continue  # its time to live has run out since
            if name is None:
                ignored.append(f"the key {key!r}, which is not valid UTF-8")
            elif kind != "string":
                ignored.append(f"{name}, which is a {kind} and not a text with a JSON document")
            elif text is None:
                ignored.append(f"{name}, which is not valid UTF-8")
            else:
                texts[name] = text
    return Documents(texts=texts, ignored=tuple(ignored))


@asynccontextmanager
async def _open(url: str) -> AsyncGenerator[Redis]:
    try:
        from redis import exceptions  # noqa: PLC0415 - an extra, which most installations lack
        from redis.asyncio import Redis  # noqa: PLC0415
    except ImportError as exc:
        raise NoClientError from exc
    try:
        client = Redis.from_url(
            _address(url), socket_connect_timeout=_SECONDS, socket_timeout=_SECONDS
        )
        # Looks at the options, which are otherwise looked at when the first connection is made.
        client.connection_pool.make_connection()
    except (ValueError, TypeError, exceptions.RedisError) as exc:
        raise _no_url() from exc
    try:
        async with client, asyncio.timeout(60 * _SECONDS):
            yield client
    except (exceptions.AuthenticationError, exceptions.NoPermissionError) as exc:
        # The server's words, which do not repeat what was sent.
        raise _refused(f"the server refuses: {exc}") from exc
    except (exceptions.ConnectionError, exceptions.TimeoutError, TimeoutError, OSError) as exc:
        # Its reason has host and port, and nothing of the login.
        raise UnavailableError(
            f"The Valkey of --from-valkey cannot be reached at {_shown(url)}: {exc or 'it does not answer'}"
        ) from exc
    except exceptions.AskError as exc:
        raise _refused(
            f"this is a node of a cluster, which has but some of the keys: copy all that begin with {KEY_PREFIX} into a Valkey of its own, and import from there"
        ) from exc
    except exceptions.ResponseError as exc:
        raise _refused(f"the server refuses: {exc}") from exc
    except exceptions.RedisError as exc:
        raise UnavailableError(
            f"What answers at {_shown(url)} is no Valkey, or is not well: --from-valkey cannot be read"
        ) from exc


async def _refuse_part(client: Redis) -> None:
    """Ask for keys all over: a node of a cluster lists its own alone, and refuses to speak of those of others."""
    from redis.exceptions import NoPermissionError  # noqa: PLC0415 - as below

    for number in range(_ALL_OVER):
        # Who may read but the keys that there are may read all that is wanted.
        with suppress(NoPermissionError):
            await client.type(f"{KEY_PREFIX}{number}")


async def _keys(client: Redis) -> list[bytes]:
    """List the keys; SCAN may bring one more than once."""
    found = cast("AsyncIterator[bytes]", client.scan_iter(match=f"{KEY_PREFIX}*", count=_TOGETHER))
    return sorted({key async for key in found})


def _text(value: bytes | str) -> str | None:
    if isinstance(value, str):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _address(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    parts = urlsplit(f"//{rest}")
    # The client takes any path that is no number for database 0, and what a password that was not encoded holds
    # for the end of the host, whose name is shown where it is not found.
    if (
        not separator
        or scheme not in _SCHEMES
        or not parts.hostname
        or not _DATABASE.fullmatch(parts.path)
        or "@" in parts.query
        or "#" in rest
    ):
        raise _no_url()
    return f"{_SCHEMES[scheme]}://{rest}"


def _shown(url: str) -> str:
    """Name the server without a user or a password."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 6379}"


def _no_url() -> NoAddressError:
    return NoAddressError(
        "--from-valkey must be as valkey://host:6379/0, with the number of the database, or valkeys:// for TLS; after a ? come options of redis-py; in a login / ? # and @ are %2F %3F %23 and %40"
    )


def _refused(message: str) -> RefusedError:
    return RefusedError(InvalidInput(message=message, path=("--from-valkey",)))
