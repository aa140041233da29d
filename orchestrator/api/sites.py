"""Which web pages may use the service, by the Host and the Origin that browsers send, and pages cannot change; and which machines.

A page of another site can have its reader's browser send requests to whatever that reaches, this machine included. It is
told from the service's own pages by its Origin. Where the other site has its name lead here (DNS rebinding), both are
the same, and the name is one that nobody has given to the service: that is told by the Host.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

import structlog
import uuid_utils
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from strawberry.http.websocket_origin import is_same_origin, normalize_origin

from orchestrator.api.answers import refusal
from orchestrator.domain.addresses import is_loopback

_SHOWN = 200
"""Characters of what a stranger sent, in the log."""

_PROBES = frozenset({"/livez", "/readyz"})
"""They say nothing that is anybody's business, and are asked for under whatever name there is."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sites:
    """What is let through."""

    hosts: tuple[str, ...] = ()
    """Names of the service, in lower case; `*.` before one: whatever ends so; `*`: any. Addresses and localhost are always."""
    neighbours: bool = False
    """Whether names without a dot are let through, too: nobody far away can have one."""
    origins: tuple[str, ...] = ()
    """Of other pages, as browsers send them; `*`: all."""
    here_alone: bool = False
    """Whether nobody is let through for whom a proxy on this machine asks, and who is on another."""

    def has_host(self, host: str) -> bool:
        """Whether a Host header names the service."""
        name = _name(host)
        if name is None:
            return False
        return (
            _is_address(name)
            or name == "localhost"
            or name.endswith(".localhost")
            or (self.neighbours and "." not in name)
            or any(_matches(name, pattern) for pattern in self.hosts)
        )

    def has_client(self, address: str) -> bool:
        """Whether who is there may ask, by what a proxy says where one asks for him."""
        return not self.here_alone or is_loopback(address)

    def has_origin(self, origin: str, host: str) -> bool:
        """Whether a page of that origin may ask."""
        return (
            is_same_origin(origin, host)
            or "*" in self.origins
            or normalize_origin(origin) in self.origins
        )


class OwnSites:
    """Lets through what no browser sent, or sent for a page that may use the service, and comes from where it may."""

    def __init__(self, app: ASGIApp, sites: Sites) -> None:
        """`app` sees only what is let through."""
        self._app = app
        self._sites = sites

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on, or refuse it."""
        if scope["type"] not in {"http", "websocket"} or scope["path"] in _PROBES:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        client = scope.get("client")
        if client is not None and not self._sites.has_client(client[0]):
            status = 403
            why = "the service is for this machine alone, as nobody has said who may use it: COUNCIL_TOKENS_FILE, COUNCIL_OIDC_ISSUER or COUNCIL_ANONYMOUS would"
        elif not self._sites.has_host(host):
            status = 421
            why = "the service has no such name: COUNCIL_ALLOWED_HOSTS says which it has"
        elif origin is not None and not self._sites.has_origin(origin, host):
            status = 403
            why = "pages of this origin may not use the service: COUNCIL_ALLOWED_ORIGINS says which may"
        elif origin is None and _is_embedded(headers):
            status = 403
            why = "another site's page may not have its reader's browser ask the service"
        else:
            await self._app(scope, receive, send)
            return
        correlation_id = uuid_utils.uuid7().hex
        _log.warning(
            "site_refused",
            why=why,
            client=None if client is None else client[0][:_SHOWN],
            host=host[:_SHOWN],
            origin=None if origin is None else origin[:_SHOWN],
            correlation_id=correlation_id,
        )
        # Of what was sent with it for the same answer each would be a line of the log, of many times its bytes.
        close = {"Connection": "close"}
        # Before a WebSocket is accepted: its handshake is answered like any request.
        await refusal(status, why, close, correlation_id)(scope, receive, send)


def _is_embedded(headers: Headers) -> bool:
    """Whether a page of another site asks for an image, a script or the like; a link to here may be followed."""
    return (
        headers.get("sec-fetch-site") == "cross-site"
        and headers.get("sec-fetch-mode", "") != "navigate"
    )


def _name(host: str) -> str | None:
    """The name or address in a Host header, in lower case; none where it is no such header."""
    if host.startswith("["):
        name, bracket, port = host[1:].partition("]")
        port = port.removeprefix(":")
        if not bracket:
            return None
    else:
        name, _, port = host.partition(":")
    if not name or (port and not (port.isascii() and port.isdigit())):
        return None
    return name.lower().removesuffix(".")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _matches(name: str, pattern: str) -> bool:
    if pattern.startswith("*."):
        return name.endswith(pattern[1:])
    return pattern in {"*", name}
