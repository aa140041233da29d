"""From a token of an issuer to a caller: who he is and what he may, by its claims."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

import jwt

from orchestrator.domain import limits
from orchestrator.domain.callers import Caller, KnownBy, Scope
from orchestrator.domain.errors import UnauthenticatedError
from orchestrator.domain.validation import name_mistake
from orchestrator.identity.keys import ALGORITHMS, Published
from orchestrator.identity.means import Expected

LEEWAY: Final = timedelta(seconds=30)
"""By how much clocks may differ."""

_LONGEST = 16_384
"""Characters of a token; a header of HTTP has hardly more."""


def key_id(token: str) -> str | None:
    """Read which key a token says that it was signed with; it is not believed in anything by that.

    Raises:
        UnauthenticatedError: it is no token, or signed in no way that counts.
    """
    if len(token) > _LONGEST:
        raise _refused("the token is too long")
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.InvalidTokenError, UnicodeError):
        # A WebSocket's greeting may hold half a character.
        raise _refused("the token is none that is known here: it is no signed JWT") from None
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise _refused("the token is signed in a way that does not count")
    identifier = header.get("kid")
    return identifier if isinstance(identifier, str) else None


def caller_of(token: str, key: Published, expected: Expected) -> Caller:
    """Say who has a token.

    Raises:
        UnauthenticatedError: it is not signed with the key, or not for this service, or not now, or gives no scope.
    """
    claims = _verified(token, key, expected)
    name = _at(claims, expected.name_claim)
    if not isinstance(name, str) or name_mistake(name, limits.NAME):
        raise _refused(
            f"the token does not say whose it is: its claim {expected.name_claim} has no name"
        )
    scope = _scope(_at(claims, expected.scope_claim), expected.scope_prefix)
    if scope is None:
        words = ", ".join(expected.scope_prefix + one for one in Scope)
        raise _refused(
            f"the token gives none of the scopes: its claim {expected.scope_claim} has none of {words}"
        )
    return Caller(
        name=name,
        scope=scope,
        known_by=KnownBy.ISSUER,
        until=_end(claims["exp"]),
        proof=key.key,
    )


def _verified(token: str, key: Published, expected: Expected) -> Mapping[str, Any]:
    try:
        return jwt.decode(
            token,
            key.key,
            algorithms=sorted(key.algorithms),
            audience=expected.audience,
            issuer=expected.issuer,
            leeway=LEEWAY,
            options={"require": ["exp", "iss", "aud"]},
        )
    except jwt.ExpiredSignatureError:
        why = "the token has expired"
    except jwt.ImmatureSignatureError:
        why = "the token is not valid yet"
    except jwt.InvalidIssuerError:
        why = "the token is of another issuer"
    except jwt.InvalidAudienceError:
        why = "the token is for another audience"
    except jwt.MissingRequiredClaimError as error:
        why = f"the token has no claim {error.claim}"
    except jwt.InvalidSignatureError:
        why = "the token was not signed by its issuer"
    except jwt.InvalidTokenError:
        why = "the token cannot be read"
    raise _refused(why)


def _end(seconds: Any) -> datetime:
    try:
        return datetime.fromtimestamp(int(seconds), UTC) + LEEWAY
    except (OverflowError, ValueError, OSError):
        raise _refused("the token ends at no time that there is") from None


def _scope(claim: object, prefix: str) -> Scope | None:
    """Read the highest scope in a text of words, or in a list of them; what else stands there is for others."""
    if isinstance(claim, str):
        words: list[object] = list(claim.split())
    elif isinstance(claim, list):
        words = cast("list[object]", claim)
    else:
        words = []
    named = {
        word.removeprefix(prefix)
        for word in words
        if isinstance(word, str) and word.startswith(prefix)
    }
    return next((scope for scope in reversed(Scope) if scope in named), None)


def _at(claims: Mapping[str, Any], path: str) -> object:
    """Find a claim by its name, or, where none has it, by names apart by dots, one inside the other.

    Names may have dots themselves, as those of services do: what stands before any of the dots may be one.
    """
    if path in claims:
        return claims[path]
    for name, within in claims.items():
        if isinstance(within, dict) and path.startswith(f"{name}."):
            found = _at(cast("dict[str, Any]", within), path[len(name) + 1 :])
            if found is not None:
                return found
    return None


def _refused(why: str) -> UnauthenticatedError:
    return UnauthenticatedError(why, shown=True)
