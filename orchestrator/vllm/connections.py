"""The connections to endpoints: one of httpx's transports an endpoint, for the life of the process.

httpx's own pool scans all its connections on each request; over aiohttp's, a request costs a
twentieth. aiohttp also offers the place where an address is judged by where its host's name led.
What httpx's client adds to a transport (cookies, redirects, proxies, logins) is not wanted here, and
was a seventh of what a call costs.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncGenerator, Callable, Mapping
from types import TracebackType
from typing import Any, Final, Self

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport
from typing_extensions import override

from orchestrator.domain.addresses import is_link_local, url_mistake, with_version, without_version
from orchestrator.domain.councils import (
    DEFAULT_ENDPOINT,
    DEFAULT_KEY_VARIABLE,
    KEY_PREFIX,
    Endpoint,
)
from orchestrator.domain.errors import ModelError
from orchestrator.vllm.gate import Gate
from orchestrator.vllm.lookups import Lookups

_KEPT_ALIVE: Final = 4.0
"""Seconds. vLLM closes a connection that was idle for 5: asked in that moment, it would be a lost call."""


class AddressRefusedError(OSError):
    """A host's name led to an address that endpoints may not have."""


class HeldBackError(Exception):
    """A request was not sent: when there was a connection for it, it was not to be sent any more."""


class _LastLook(httpx.AsyncByteStream):
    """The body of a request that may be held back. aiohttp sends nothing before it, the headers included."""

    def __init__(self, content: bytes, may_send: Callable[[], bool]) -> None:
        self._content: Final = content
        self._may_send: Final = may_send
        self.held_back = False

    @override
    async def __aiter__(self) -> AsyncGenerator[bytes]:
        if not self._may_send():
            self.held_back = True
            raise HeldBackError
        yield self._content


class Address:
    """Where an endpoint answers, from its URL with or without the version of the API."""

    def __init__(self, url: str) -> None:
        """`url` has no query and no fragment."""
        base = with_version(url)
        root = without_version(base)
        self.base: Final = base
        self.completions: Final = httpx.URL(f"{base}/chat/completions")
        self.models: Final = httpx.URL(f"{base}/models")
        self.health: Final = httpx.URL(f"{root}/health")
        self.metrics: Final = httpx.URL(f"{root}/metrics")


class Line:
    """The connections to one endpoint, and the gate before them that no more than `most_calls` pass at once."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        key: str | None,
        most_calls: int,
        allow_link_local: bool,
        connect_seconds: float,
        silence_seconds: float,
    ) -> None:
        """Nothing is connected yet."""
        self.endpoint: Final = endpoint
        self.address: Final = Address(endpoint.url)
        self.gate: Final = Gate(endpoint.name, most_calls)
        self.takes_priorities = True
        """False once the server has refused a call for its priority."""
        self.schemaless: Final[set[str]] = set()
        """The models that the server has refused a call to for the schema of its answer: it may have it for others."""
        self._key: Final = key
        self._allow_link_local: Final = allow_link_local
        self._closing = False
        self.silence_seconds: Final = silence_seconds
        """The longest without anything new of an answer."""
        self.opening_seconds: Final = connect_seconds + 2 * silence_seconds
        """The longest until the head of an answer is there: to connect, to send, and to wait."""
        tls = (
            httpx.create_ssl_context()
            if endpoint.url.lower().startswith("https:")
            else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        )
        # No proxy: it would resolve the host's name itself, and lead where it is not judged.
        self._transport: Final = AiohttpTransport(verify=tls, client=lambda: self._session(tls))
        self._extensions: Final = {
            "timeout": {"connect": connect_seconds, "read": silence_seconds, "pool": None}
        }
        headers = [
            (b"Host", self.address.completions.netloc),
            (b"Accept-Encoding", b"identity"),
            (b"User-Agent", b"graph-council"),
        ]
        if key is not None:
            headers.append((b"Authorization", b"Bearer " + key.encode()))
        self._headers: Final = headers

    async def post(
        self, url: httpx.URL, content: bytes, request_id: str, may_send: Callable[[], bool]
    ) -> httpx.Response:
        """Send a request; the response's body has not been read, and the caller closes it.

        Raises:
            HeldBackError: it may not be sent any more, now that there is a connection.
        """
        headers = [
            *self._headers,
            (b"Content-Type", b"application/json"),
            (b"Content-Length", b"%d" % len(content)),
            (b"X-Request-Id", request_id.encode()),
        ]
        body = _LastLook(content, may_send)
        try:
            return await self._send(httpx.Request("POST", url, headers=headers, stream=body))
        except Exception as exc:
            if body.held_back:
                raise HeldBackError from exc
            raise

    async def get(self, url: httpx.URL) -> httpx.Response:
        """Get something small; the response's body has not been read, and the caller closes it."""
        return await self._send(httpx.Request("GET", url, headers=self._headers))

    async def _send(self, request: httpx.Request) -> httpx.Response:
        request.extensions = self._extensions
        return await self._transport.handle_async_request(request)

    @property
    def key_variable(self) -> str | None:
        """The environment variable that the key is looked for in."""
        default = DEFAULT_KEY_VARIABLE if self.endpoint.name == DEFAULT_ENDPOINT else None
        return self.endpoint.api_key_variable or default

    def unspoken(self, text: str) -> str:
        """Return a server's words without the key, should it repeat it."""
        return text.replace(self._key, "***") if self._key else text

    async def close(self, *, now: bool) -> None:
        """Close the connections: at once, or when the calls in flight have ended."""
        self._closing = True
        self.gate.shut()
        if now:
            await self._transport.aclose()
        else:
            await self.close_if_idle()

    async def close_if_idle(self) -> None:
        """Close the connections where that was asked for and the last call has ended."""
        if self._closing and self.gate.in_flight == 0:
            await self._transport.aclose()

    def _session(self, tls: ssl.SSLContext) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,  # calls are counted by the gate; the watch must get through at any time
                ssl=tls,
                keepalive_timeout=_KEPT_ALIVE,
                socket_factory=self._socket,
                resolver=Lookups(),
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    def _socket(self, address: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, where = address
        if not self._allow_link_local and is_link_local(str(where[0])):
            raise AddressRefusedError(
                "the address is link-local or a metadata service's; COUNCIL_ALLOW_LINK_LOCAL=true allows it"
            )
        return socket.socket(family, kind, protocol)


class Connections:
    """The lines of this process, one an endpoint; an async context manager that closes them all."""

    def __init__(
        self,
        *,
        environment: Mapping[str, str],
        calls_per_endpoint: int,
        allow_link_local: bool = False,
        connect_seconds: float = 5.0,
        silence_seconds: float = 60.0,
    ) -> None:
        """`environment` is where the keys are, by variable.

        `silence_seconds` is the longest between two bytes, and between two pieces of an answer: bytes
        that say nothing keep no call alive.
        """
        self._environment: Final = environment
        self._calls_per_endpoint: Final = calls_per_endpoint
        self._allow_link_local: Final = allow_link_local
        self._connect_seconds: Final = connect_seconds
        self._silence_seconds: Final = silence_seconds
        self._lines: Final[dict[str, Line]] = {}

    async def __aenter__(self) -> Self:
        """Nothing is connected yet."""
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close every line, calls in flight included."""
        for line in self._lines.values():
            await line.close(now=True)
        self._lines.clear()

    async def line(self, endpoint: Endpoint) -> Line:
        """Return the line to an endpoint, another one where its URL or its key's name has changed.

        Raises:
            ModelError: the endpoint's URL is not allowed, its key is not in the environment, or no certificates can be read.
        """
        known = self._lines.get(endpoint.id)
        if known is not None and known.endpoint == endpoint:
            return known
        self._lines.pop(endpoint.id, None)
        try:
            # Known before anything is waited for: whoever asks meanwhile is to have the same one.
            line = self._lines[endpoint.id] = self._made(endpoint)
        finally:
            if known is not None:
                await known.close(now=False)
        return line

    def _made(self, endpoint: Endpoint) -> Line:
        mistake = url_mistake(endpoint.url, allow_link_local=self._allow_link_local)
        if mistake is not None:
            raise ModelError(f"the URL of endpoint {endpoint.name} {mistake}", retryable=False)
        try:
            return Line(
                endpoint,
                key=self._key(endpoint),
                most_calls=self._calls_per_endpoint,
                allow_link_local=self._allow_link_local,
                connect_seconds=self._connect_seconds,
                silence_seconds=self._silence_seconds,
            )
        except httpx.InvalidURL as exc:
            raise ModelError(
                f"the URL of endpoint {endpoint.name} cannot be used: {exc}", retryable=False
            ) from exc
        except OSError as exc:
            raise ModelError(
                f"endpoint {endpoint.name} cannot be asked over TLS: SSL_CERT_FILE, where it is set, must name a readable file of certificates where the service runs ({exc})",
                retryable=False,
            ) from exc

    def gate(self, endpoint: Endpoint) -> Gate | None:
        """Return the gate of an endpoint; none while nobody has asked it anything."""
        line = self._lines.get(endpoint.id)
        return None if line is None else line.gate

    async def drop(self, endpoint: Endpoint) -> None:
        """Close the line to an endpoint that is no more, once its calls have ended."""
        line = self._lines.pop(endpoint.id, None)
        if line is not None:
            await line.close(now=False)

    def _key(self, endpoint: Endpoint) -> str | None:
        variable = endpoint.api_key_variable
        if endpoint.name == DEFAULT_ENDPOINT and variable in {None, DEFAULT_KEY_VARIABLE}:
            variable = DEFAULT_KEY_VARIABLE
            key = self._environment.get(variable)  # optional: most vLLMs ask for none
            if not key:
                return None
        elif variable is None:
            return None
        elif not variable.startswith(KEY_PREFIX):
            raise ModelError(
                f"endpoint {endpoint.name} names {variable} for its key: only variables that begin with {KEY_PREFIX} are sent to a server",
                retryable=False,
            )
        else:
            key = self._environment.get(variable)
        if not key:
            raise ModelError(
                f"endpoint {endpoint.name} needs a key, and {variable} is not set where the service runs",
                retryable=False,
            )
        if not key.isascii() or not key.isprintable():
            raise ModelError(
                f"the key in {variable} holds characters that no header can carry",
                retryable=False,
            )
        return key
