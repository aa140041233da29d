"""The address of Neo4j Browser, with who logs in, where to, and a query to begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit

from orchestrator.domain.addresses import in_url
from orchestrator.local import homes
from orchestrator.local.configuration import Ports
from orchestrator.service.browsing import first_query

if TYPE_CHECKING:
    from orchestrator.settings import Settings

_HTTP_PORT = 7474
_HTTPS_PORT = 7473


def address(settings: Settings) -> str:
    """Return the address for the graph that these settings lead to."""
    page, bolt = _places(settings)
    return prefilled(page, bolt=bolt, user=settings.neo4j_user, database=settings.neo4j_database)


def prefilled(page: str, *, bolt: str, user: str, database: str) -> str:
    """Put who logs in, where to, and the starting query into the address of a Browser's page."""
    parts = urlsplit(bolt)
    filled = urlencode(
        {
            "dbms": f"{parts.scheme}://{user}@{parts.netloc.rpartition('@')[2]}",
            "db": database,
            "preselectAuthMethod": "NATIVE",
            "cmd": "edit",
            "arg": first_query(),
        },
        quote_via=quote,
    )
    return f"{page}?{filled}"


def _places(settings: Settings) -> tuple[str, str]:
    """Say where the page is and where Bolt is spoken."""
    if settings.neo4j_uri is None:
        # A port of 0 has `council up` choose one.
        ports = homes.last_ports(settings.home) or Ports(
            bolt=settings.bolt_port, http=settings.browser_port
        )
        page, bolt = f"http://127.0.0.1:{ports.http}/browser/", f"bolt://127.0.0.1:{ports.bolt}"
    else:
        bolt = settings.neo4j_uri
        page = _page_beside(bolt)
    return settings.browser_url or page, bolt


def _page_beside(bolt: str) -> str:
    parts = urlsplit(bolt)
    host = in_url(parts.hostname or "127.0.0.1")
    if parts.scheme.endswith(("+s", "+ssc")):
        return f"https://{host}:{_HTTPS_PORT}/browser/"
    return f"http://{host}:{_HTTP_PORT}/browser/"
