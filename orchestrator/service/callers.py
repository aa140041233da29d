"""Who may use the service: what the settings say of it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator

from orchestrator.domain.addresses import is_loopback
from orchestrator.domain.callers import Scope
from orchestrator.domain.errors import WrongSettingError
from orchestrator.identity.doorkeeper import Doorkeeper
from orchestrator.identity.keeping import Kept
from orchestrator.identity.means import Expected, Means
from orchestrator.settings import Settings

_ANONYMOUS = {"read": Scope.READ, "all": Scope.MANAGE}


class OpenToTheWorldError(WrongSettingError):
    """The API would be open to whoever can reach it, and nobody said that it may be."""

    def __init__(self, host: str) -> None:
        """`host` is where it would have listened."""
        self.host: str = host
        super().__init__(
            f"COUNCIL_HOST is {host}: whoever can reach it could do everything, since callers are not asked who they are. Set COUNCIL_TOKENS_FILE or COUNCIL_TOKENS (`council token create` makes a token), or COUNCIL_OIDC_ISSUER; or COUNCIL_ANONYMOUS=all if something in front of it asks them, or =read if all may read; or listen on 127.0.0.1"
        )


def means_of(settings: Settings) -> Means:
    """Say by what callers are known.

    Raises:
        OpenToTheWorldError: by nothing, and more can reach the service than this machine.
        WrongSettingError: by something that cannot be.
    """
    means = Means(
        kept=_kept(settings),
        expected=_expected(settings),
        anonymous=None if settings.anonymous is None else _ANONYMOUS[settings.anonymous],
    )
    if means.asks or means.anonymous is not None:
        return means
    if not is_loopback(settings.host):
        raise OpenToTheWorldError(settings.host)
    return Means(anonymous=Scope.MANAGE)


@contextlib.asynccontextmanager
async def doorkeeper_of(means: Means) -> AsyncGenerator[Doorkeeper]:
    """Have somebody at the door."""
    if means.expected is None:
        yield Doorkeeper(means)
        return
    # To load what it needs takes a third of a second, which no other start should take.
    from orchestrator.identity.issuer import Issuer  # noqa: PLC0415
    from orchestrator.identity.keys import asking  # noqa: PLC0415

    async with asking(means.expected.issuer) as http:
        yield Doorkeeper(means, Issuer(means.expected, http))


def _kept(settings: Settings) -> Kept | None:
    if settings.tokens is not None and settings.tokens_file is not None:
        raise WrongSettingError("COUNCIL_TOKENS and COUNCIL_TOKENS_FILE are set: only one may be")
    if settings.tokens is not None:
        return Kept(settings.tokens.get_secret_value(), None)
    return None if settings.tokens_file is None else Kept("", settings.tokens_file)


def _expected(settings: Settings) -> Expected | None:
    if settings.oidc_issuer is None:
        if settings.oidc_audience is not None:
            raise WrongSettingError(
                "COUNCIL_OIDC_AUDIENCE is set, and COUNCIL_OIDC_ISSUER is not: callers would not be asked for the tokens that it is about"
            )
        return None
    if settings.oidc_audience is None:
        raise WrongSettingError(
            "COUNCIL_OIDC_AUDIENCE is not set: tokens that the issuer gave for other services would count"
        )
    return Expected(
        issuer=settings.oidc_issuer,
        audience=settings.oidc_audience,
        name_claim=settings.oidc_name_claim,
        scope_claim=settings.oidc_scope_claim,
        scope_prefix=settings.oidc_scope_prefix or "",
    )
