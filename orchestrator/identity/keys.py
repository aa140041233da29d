"""The keys of an OpenID issuer: fetched beside what goes on, kept, and fetched anew.

PyJWT's own client of an issuer holds up everything while it asks, asks again for each made-up id of a key, and does not
tell who has to leave because his key was taken back.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final, cast

import httpx
import structlog
from jwt import PyJWK

from orchestrator.domain.addresses import can_be_looked_up, is_loopback
from orchestrator.domain.errors import UnavailableError, WrongSettingError

_RSA = frozenset(f"{kind}{bits}" for kind in ("RS", "PS") for bits in (256, 384, 512))
ALGORITHMS: Final = _RSA | {"ES256", "ES384", "ES512", "EdDSA"}
"""Those by which who can verify cannot sign: a token that is signed with a public key as if it were a secret is none."""

_RENEWAL_SECONDS = 300.0
_AGAIN_SECONDS = 10.0
"""Between two attempts, whatever is asked for: made-up ids of keys must not have the issuer asked each time."""
_KEPT_SECONDS = 3600.0
"""How long keys count while the issuer cannot be asked whether they still do."""
_TIMEOUT_SECONDS = 10.0
"""For all that is asked of the issuer at once, however slowly it answers: who shows a token waits for it."""
_LARGEST = 1024 * 1024
"""Bytes of what is asked of the issuer."""
_HIGHEST_PORT = 65535
_SHOWN = 200
"""Characters of what the issuer says, in the log."""
_MOST_TOLD = 20
"""Keys of the issuer's that are not understood, in the log."""

_log = structlog.get_logger(__name__)


class WrongIssuerError(WrongSettingError):
    """The setting names nothing that can be an issuer."""

    def __init__(self) -> None:
        super().__init__(
            "COUNCIL_OIDC_ISSUER must begin with https://, or be on this machine, and be a URL such as https://login.example.com/realms/ours"
        )


class NotKnownError(UnavailableError):
    """Which keys count is not known: the issuer was never reached, or not for long."""

    def __init__(self) -> None:
        super().__init__("who issues tokens cannot be reached, so that none can be judged")


class _UnusableError(Exception):
    """What the issuer answered is of no use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A key as an issuer has published it."""

    id: str | None
    key: Any
    algorithms: frozenset[str]
    """By which a token may be signed with it: the one that the issuer names, else all that are for a key of its kind."""


def asking(url: str) -> httpx.AsyncClient:
    """Make what an issuer is asked with.

    Raises:
        WrongIssuerError: it is not https, and not on this machine.
        WrongSettingError: the environment names certificates or a proxy that cannot be used.
    """
    if not _is_safe(url):
        raise WrongIssuerError
    try:
        return httpx.AsyncClient(
            verify=httpx.create_ssl_context(),
            # A proxy is for the way out. What is said over http on this machine is for nobody beyond it.
            trust_env=not is_loopback(httpx.URL(url).host),
        )
    except OSError as error:
        raise WrongSettingError(
            f"the issuer cannot be asked: SSL_CERT_FILE, where it is set, must name a readable file of certificates ({error})"
        ) from error
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        # What httpx says of a proxy may quote its password.
        raise WrongSettingError(
            "the issuer cannot be asked: the proxy of HTTPS_PROXY or ALL_PROXY must be as http://host:3128, and is not; NO_PROXY names what is reached without it"
        ) from error


class Keys:
    """The keys with which one issuer signs, by their ids. `run` must be running for them to stay those that count."""

    def __init__(
        self,
        url: str,
        http: httpx.AsyncClient,
        *,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Ask nothing yet.

        Args:
            url: the issuer, letter by letter as in the claim `iss`.
            http: what the issuer is asked with.
            clock: seconds.

        Raises:
            WrongIssuerError: it is not https, and not on this machine.
        """
        if not _is_safe(url):
            raise WrongIssuerError
        self.url: str = url
        self._http = http
        self.changed: Callable[[], None] = lambda: None
        """Called where other keys count than before."""
        self._clock = clock
        self._keys: tuple[Published, ...] = ()
        self._fetched: float | None = None
        self._tried: float | None = None
        self._away: str | None = None
        """Why the issuer is, as the log was told; none: it is not."""
        self._passed_over: tuple[str, ...] = ()
        """What it publishes and is not understood here, as the log was told."""
        self._fetching = asyncio.Lock()

    async def key(self, identifier: str | None) -> Published | None:
        """Find a key; none where the issuer has none with that id, or none is named and it has several.

        Raises:
            NotKnownError: which keys count is not known.
        """
        if self._fetched is None:
            await self._fetch(since=self._tried)
        found = self._found(identifier)
        if found is None and self._fetched is not None:
            # It may be newer than what was fetched.
            await self._fetch(since=self._tried)
            found = self._found(identifier)
        if not self.known:
            raise NotKnownError
        return found

    @property
    def known(self) -> bool:
        """Whether it is known which keys count."""
        return self._fetched is not None

    def has(self, key: object) -> bool:
        """Whether a key counts, as far as is known: another one under the same id is another one."""
        return key in self._material

    async def run(self) -> None:
        """Keep the keys those that count."""
        while True:
            await self._fetch(since=self._tried)
            await asyncio.sleep(_AGAIN_SECONDS if self._away else _RENEWAL_SECONDS)

    @property
    def _material(self) -> list[object]:
        """What the keys are, whatever they are called."""
        return [key.key for key in self._keys]

    def _found(self, identifier: str | None) -> Published | None:
        if identifier is None:
            return self._keys[0] if len(self._keys) == 1 else None
        return next((key for key in self._keys if key.id == identifier), None)

    async def _fetch(self, since: float | None) -> None:
        """Fetch the keys, unless somebody has tried that after `since`, or just now."""
        async with self._fetching:
            now = self._clock()
            if self._tried != since or (
                self._tried is not None and now - self._tried < _AGAIN_SECONDS
            ):
                return
            self._tried = now
            before = self._material
            try:
                async with asyncio.timeout(_TIMEOUT_SECONDS):
                    self._keys = await self._read()
            except (TimeoutError, _UnusableError) as error:
                why = str(error) or f"it has not answered for {_TIMEOUT_SECONDS:g} s"
                if why != self._away:
                    _log.error("issuer_away", issuer=self.url, why=why)
                self._away = why
                if self._fetched is not None and now - self._fetched > _KEPT_SECONDS:
                    self._keys, self._fetched = (), None
            else:
                if self._away or self._fetched is None:
                    _log.info("issuer_reached", issuer=self.url, keys=len(self._keys))
                self._away, self._fetched = None, now
            if before != self._material:
                self.changed()

    async def _read(self) -> tuple[Published, ...]:
        address = f"{self.url.rstrip('/')}/.well-known/openid-configuration"
        configuration = await self._get(address)
        if (named := configuration.get("issuer")) != self.url:
            raise _UnusableError(
                f"{address} names the issuer {str(named)[:_SHOWN]!r}: COUNCIL_OIDC_ISSUER must be that, letter by letter"
            )
        address = configuration.get("jwks_uri")
        if not isinstance(address, str) or not _is_safe(address):
            raise _UnusableError("it does not say where its keys are, or not by https")
        if httpx.URL(self.url).scheme != httpx.URL(address).scheme == "http":
            # A proxy for the way out, by which this issuer may be asked, could play that address.
            raise _UnusableError("it does not have its keys by https, as itself")
        published = (await self._get(address)).get("keys")
        if not isinstance(published, list):
            raise _UnusableError(f"{address[:_SHOWN]} publishes no keys")
        keys: list[tuple[PyJWK, frozenset[str]]] = []
        passed_over: list[str] = []
        for jwk in cast("list[object]", published):
            if not isinstance(jwk, dict):
                continue
            one = cast("dict[str, Any]", jwk)
            try:
                keys.append(_usable(one))
            except Exception as error:  # noqa: BLE001 - what PyJWT and cryptography raise of what others publish is not to be enumerated
                # RFC 7517, 5: one that is not understood, or malformed, is passed over.
                if one.get("use") in ("sig", None):
                    passed_over.append(f"{str(one.get('kid'))[:_SHOWN]}: {type(error).__name__}")
        self._tell_passed_over(tuple(passed_over[:_MOST_TOLD]))
        if not keys:
            raise _UnusableError(
                f"{address[:_SHOWN]} publishes no key of a kind that is known here"
            )
        return tuple(
            Published(id=key.key_id, key=key.key, algorithms=algorithms)
            for key, algorithms in keys
            if key.public_key_use in ("sig", None) and algorithms <= ALGORITHMS
        )

    def _tell_passed_over(self, keys: tuple[str, ...]) -> None:
        """Tell the log, once while they are the same: what is signed with them is refused as of no key of the issuer's."""
        if keys and keys != self._passed_over:
            _log.warning("issuer_keys_passed_over", issuer=self.url, keys=keys)
        self._passed_over = keys

    async def _get(self, address: str) -> dict[str, Any]:
        try:
            async with self._http.stream("GET", address, follow_redirects=False) as response:
                if response.status_code != 200:  # noqa: PLR2004
                    raise _UnusableError(
                        f"{address[:_SHOWN]} answers with HTTP {response.status_code}"
                    )
                body = bytearray()
                async for some in response.aiter_bytes():
                    body += some
                    if len(body) > _LARGEST:
                        raise _UnusableError(
                            f"{address[:_SHOWN]} answers with more than {_LARGEST} bytes"
                        )
            answer = json.loads(body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _UnusableError(f"{address[:_SHOWN]}: {_words(error)}") from error
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise _UnusableError(f"{address[:_SHOWN]} answers with no JSON object")
        return cast("dict[str, Any]", answer)


def _usable(jwk: dict[str, Any]) -> tuple[PyJWK, frozenset[str]]:
    """Read a key, and by which algorithms it may sign.

    Raises:
        Exception: it is of no kind that is known here, or malformed.
    """
    key = PyJWK(jwk)
    # Where none is named, PyJWT takes the one that a curve has, and of those that an RSA key has the first.
    named = jwk.get("alg") or key.key_type != "RSA"
    return key, frozenset({key.algorithm_name}) if named else _RSA


def _is_safe(address: str) -> bool:
    """Whether it can be asked, and nobody on the way can put other keys in the place of the issuer's."""
    try:
        url = httpx.URL(address)
        host, port = url.host, url.port or 0
    except (httpx.InvalidURL, ValueError):
        return False
    # A password there would be in the log.
    if not host or not can_be_looked_up(host) or not 0 <= port <= _HIGHEST_PORT or url.userinfo:
        return False
    return url.scheme == "https" or (url.scheme == "http" and is_loopback(host))


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
