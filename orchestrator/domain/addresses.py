"""Which addresses a caller may name as an endpoint's.

The service sends requests, with a key, to wherever an endpoint's URL leads. A cloud machine's
metadata service hands out credentials to whoever reaches its link-local address, so those are
refused: here by what a URL says, and once more when a connection is made, by where its host's name led.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

from orchestrator.domain import limits

MASKED = "********"
"""What is shown in the place of a secret, whatever its length."""

_USERINFO = re.compile(r"(?<=://)([^:/@\s]+:)?\S*@")

_LINK_LOCAL_REASON = (
    "must not lead to a link-local or metadata address; COUNCIL_ALLOW_LINK_LOCAL=true allows it"
)

_METADATA_HOSTS = frozenset(
    {
        "metadata",
        "metadata.google.internal",
        "metadata.goog",
        "instance-data",
        "instance-data.ec2.internal",
    }
)

_METADATA_ADDRESSES = frozenset(
    {
        IPv4Address("100.100.100.200"),  # Alibaba
        IPv4Address("168.63.129.16"),  # Azure's wire server
        IPv4Address("192.0.0.192"),  # Oracle, formerly
        IPv6Address("fd00:ec2::254"),  # Amazon
        IPv6Address("fd20:ce::254"),  # Google
    }
)

_CARRIES_IPV4 = (
    IPv6Network("64:ff9b::/96"),  # NAT64
    IPv6Network("::/96"),  # IPv4-compatible
)

_VERSION = re.compile(r"/v\d\w*(?=/|$)")

_OF_A_GRAPH = re.compile(r"(bolt|neo4j)(\+s|\+ssc)?")
_FOUR_NUMBERS = re.compile(r"[0-9]+(\.[0-9]+){3}")
_NAME = re.compile(r"[a-z0-9._-]+")

_LARGEST_IPV4 = 2**32 - 1
_IPV4_PARTS = 4
_LARGEST_BYTE = 255


def url_mistake(url: str, *, allow_link_local: bool) -> str | None:
    """Say what is wrong with an endpoint's URL, as a phrase that follows "the URL"; none where nothing is."""
    if len(url) > limits.URL:
        return f"must not be longer than {limits.URL} characters, and has {len(url)}"
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        # urlsplit drops tabs and newlines without a word, and names in other scripts can be
        # normalised into another address later: what is checked must be what is used.
        return "must be printable ASCII without spaces and backslashes (other names as xn--…)"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "must be a URL such as http://host:8000/v1"
    return _parts_mistake(url, parts, port, allow_link_local=allow_link_local)


def with_version(url: str) -> str:
    """Return an endpoint's URL with the version of the API in its path, the same for all that are one server's.

    `http://host:8000`, `http://host:8000/` and `http://host:8000/v1` are the same server. A path
    that holds a version anywhere (`/v1beta/openai`) is taken as it is; any other is a prefix, to
    which `/v1` belongs.
    """
    base = url.rstrip("/")
    return base if _version(base) else f"{base}/v1"


def without_version(url: str) -> str:
    """Return what stands before the version in an endpoint's URL that has one."""
    found = _version(url)
    return url if found is None else url[: found.start()]


def _version(url: str) -> re.Match[str] | None:
    host = url.find("://") + len("://")
    path = url.find("/", host)
    return None if path < 0 else _VERSION.search(url, path)


def graph_mistake(url: str) -> str | None:
    """Say what is wrong with the URL of a graph, as a phrase that follows "it"; none where nothing is."""
    try:
        parts = urlsplit(url)
        fits = (
            _OF_A_GRAPH.fullmatch(parts.scheme)
            and parts.port != 0
            and can_be_looked_up(parts.hostname or "localhost")
        )
        if fits and (parts.path not in {"", "/"} or parts.fragment):
            return "must not have a path or a fragment: name the database in NEO4J_DATABASE"
    except ValueError:
        fits = False
    return None if fits else "must be a URL such as neo4j://host:7687 or bolt+s://host"


def without_password(url: str) -> str:
    """Mask what a URL may carry before its host: a password, or whatever may be one.

    Up to the last @, since a password that was not encoded may hold any character.
    """
    return _USERINFO.sub(lambda found: f"{found[1] or ''}{MASKED}@", url)


def can_be_looked_up(host: str) -> bool:
    """Whether a host's name can be asked for, whatever comes of it."""
    try:
        # A lookup encodes a name by this codec, and fails where that does.
        host.encode("idna")
    except UnicodeError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches what listens there."""
    if host == "localhost":
        return True
    try:
        found = ip_address(host)
    except ValueError:
        return False
    # As a server that listens for both kinds of address sees one of the older kind.
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback


def is_link_local(address: str) -> bool:
    """Whether an IP address in its usual form is link-local or a cloud's metadata service.

    Raises:
        ValueError: it is not an IP address.
    """
    return _is_link_local(ip_address(address))


def _parts_mistake(
    url: str, parts: SplitResult, port: int | None, *, allow_link_local: bool
) -> str | None:
    if parts.scheme not in {"http", "https"}:
        return "must begin with http:// or https://"
    host = parts.hostname
    if not host or port == 0 or "%" in parts.netloc:
        return "must name a host, such as http://host:8000/v1"
    if "@" in parts.netloc:
        return "must not hold a user or a password: name the variable that holds the key instead"
    if "?" in url or "#" in url:
        return "must not have a query or a fragment: what is asked for is appended to its path"
    return _host_mistake(host, bracketed="[" in parts.netloc, allow_link_local=allow_link_local)


def _host_mistake(host: str, *, bracketed: bool, allow_link_local: bool) -> str | None:
    if not can_be_looked_up(host):
        return "must name a host whose parts, between its dots, have 1 to 63 characters"
    if not allow_link_local and _leads_to_metadata(host.rstrip(".")):
        return _LINK_LOCAL_REASON
    if bracketed:
        return None if _is_ip(host, IPv6Address) else "must have an IPv6 address in its brackets"
    if _FOUR_NUMBERS.fullmatch(host) and not _is_ip(host, IPv4Address):
        return "must have four numbers from 0 to 255 without leading zeros as an IPv4 address"
    if not _NAME.fullmatch(host):
        return "must name a host by letters, digits, hyphens, underscores and dots alone"
    return None


def _is_ip(host: str, version: type[IPv4Address | IPv6Address]) -> bool:
    try:
        version(host)
    except ValueError:
        return False
    return True


def _leads_to_metadata(host: str) -> bool:
    if host in _METADATA_HOSTS:
        return True
    address = _written_ipv4(host)
    if address is not None:
        return _is_link_local(address)
    try:
        return is_link_local(host)
    except ValueError:
        return False


def _written_ipv4(host: str) -> IPv4Address | None:
    """Read the forms that a C library takes for an IPv4 address: 2852039166, 0xA9FEA9FE, 0251.254.43518."""
    parts = host.split(".")
    if len(parts) > _IPV4_PARTS:
        return None
    numbers: list[int] = []
    for part in parts:
        try:
            octal = len(part) > 1 and part.startswith("0") and not part.startswith("0x")
            numbers.append(int(part, 8 if octal else 16 if part.startswith("0x") else 10))
        except ValueError:
            return None
    *heads, last = numbers
    if any(not 0 <= head <= _LARGEST_BYTE for head in heads):
        return None
    if not 0 <= last < 256 ** (_IPV4_PARTS - len(heads)):
        return None
    value = last
    for place, head in enumerate(heads):
        value |= head << (8 * (_IPV4_PARTS - 1 - place))
    return IPv4Address(value)


def _is_link_local(address: IPv4Address | IPv6Address) -> bool:
    if address.is_link_local or address in _METADATA_ADDRESSES:
        return True
    if isinstance(address, IPv4Address):
        return False
    carried = [
        inner
        for inner in (address.ipv4_mapped, address.sixtofour, *(address.teredo or ()))
        if inner is not None
    ]
    if any(address in network for network in _CARRIES_IPV4):
        carried.append(IPv4Address(int(address) & _LARGEST_IPV4))
    return any(_is_link_local(inner) for inner in carried)


def in_url(host: str) -> str:
    """Write a host as it stands in a URL."""
    return f"[{host}]" if ":" in host else host


def url_here(host: str, port: int) -> str:
    """Return the URL under which what listens on a host is reached from this machine; what listens on every address does on this machine's own."""
    own = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://{in_url(own)}:{port}"
