"""The predecessor's documents, one a council, as they are in the server; what they mean is the domain's to say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit

from orchestrator.domain.errors import CouncilError, InvalidInput, RefusedError, UnavailableError
from orchestrator.domain.predecessor import KEY_PREFIX

if TYPE_CHECKING:
    from redis.asyncio import Redis

_SCHEMES: Final = {"valkey": "redis", "valkeys": "rediss", "redis": "redis", "rediss": "rediss"}
_SECONDS: Final = 10.0
_TOGETHER: Final = 500
"""Keys that one SCAN looks at: it holds the server up for no longer than that."""


class NoClientError(CouncilError):
    """The client of the protocol is not installed: few need it, and only once."""

    def __init__(self) -> None:
        """Say how to install it."""
        super().__init__(
            "--from-valkey needs the client `redis`, which is not installed: pip install 'graph-council[valkey]'"
        )


async def read_documents(url: str) -> dict[str, str]:
    """Read the document of each council, by its key, in order.

    Raises:
        NoClientError: the client is not installed.
        UnavailableError: the server cannot be reached, or does not answer.
        RefusedError: the URL is none, the server refuses the login, or a key holds no text.
    """
    async with _open(url) as client:
        names = await _names(client)
        return {name: await _document(client, name) for name in names}


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
    except ValueError as exc:
        raise _no_url() from exc
    try:
        async with client, asyncio.timeout(60 * _SECONDS):
            yield client
    except (exceptions.AuthenticationError, exceptions.NoPermissionError) as exc:
        # The server's words, which do not repeat what was sent.
        raise _refused(f"the server refuses: {exc}") from exc
    except (exceptions.ConnectionError, exceptions.TimeoutError, TimeoutError, OSError) as exc:
        raise UnavailableError(
            f"The Valkey of --from-valkey cannot be reached at {_shown(url)}"
        ) from exc
    except exceptions.ResponseError as exc:
        raise _refused(f"the server refuses: {exc}") from exc


async def _names(client: Redis) -> list[str]:
    """List the keys; SCAN may bring one more than once."""
    found: set[str] = set()
    async for key in cast(
        "AsyncIterator[bytes]", client.scan_iter(match=f"{KEY_PREFIX}*", count=_TOGETHER)
    ):
        name = _text(key)
        if name is None:
            raise _refused(f"a key under {KEY_PREFIX} is not valid UTF-8: {key!r}")
        found.add(name)
    return sorted(found)


async def _document(client: Redis, name: str) -> str:
    kind = _text(await client.type(name))
    if kind != "string":
        raise _refused(f"{name} is a {kind}, and not a text with a JSON document")
    text = _text(await client.get(name) or b"")
    if text is None:
        raise _refused(f"{name} is not valid UTF-8")
    return text


def _text(value: bytes | str) -> str | None:
    if isinstance(value, str):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _address(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in _SCHEMES or not urlsplit(f"//{rest}").hostname:
        raise _no_url()
    return f"{_SCHEMES[scheme]}://{rest}"


def _shown(url: str) -> str:
    """Name the server without a user or a password."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 6379}"


def _no_url() -> RefusedError:
    return _refused("it must be as valkey://host:6379/0, or valkeys:// for TLS")


def _refused(message: str) -> RefusedError:
    return RefusedError(InvalidInput(message=message, path=("--from-valkey",)))
