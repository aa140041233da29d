"""Callers with tokens of an issuer: one on a real socket, that signs, and changes its keys."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.responses import (
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    StreamingResponse,
)
from structlog.testing import capture_logs

from orchestrator.domain.callers import Scope
from orchestrator.domain.errors import UnauthenticatedError, UnavailableError
from orchestrator.domain.values import replace
from orchestrator.identity import keys
from orchestrator.identity.doorkeeper import Doorkeeper
from orchestrator.identity.issuer import Issuer
from orchestrator.identity.keys import Keys, WrongIssuerError
from orchestrator.identity.means import Expected, Means
from orchestrator.service.callers import doorkeeper_of
from tests.support.local_issuer import AUDIENCE, Key, LocalIssuer, elliptic_key, rsa_key


@pytest.fixture
async def issuer() -> AsyncGenerator[LocalIssuer]:
    async with LocalIssuer().serve() as issuer:
        yield issuer


@pytest.fixture
async def http() -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as http:
        yield http


@pytest.fixture
def expected(issuer: LocalIssuer) -> Expected:
    return Expected(issuer=issuer.url, audience=AUDIENCE)


@pytest.fixture
def doorkeeper(expected: Expected, http: httpx.AsyncClient) -> Doorkeeper:
    return a_doorkeeper(expected, http)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys may be asked for again at once."""
    monkeypatch.setattr(keys, "_AGAIN_SECONDS", 0.0)


def a_doorkeeper(expected: Expected, http: httpx.AsyncClient) -> Doorkeeper:
    return Doorkeeper(Means(expected=expected), Issuer(expected, http))


async def refused(doorkeeper: Doorkeeper, token: str) -> str:
    with pytest.raises(UnauthenticatedError) as caught:
        await doorkeeper.admit(f"Bearer {token}")
    assert caught.value.shown
    assert token not in caught.value.why
    return caught.value.why


async def test_a_token_says_who_what_and_until_when(
    issuer: LocalIssuer, doorkeeper: Doorkeeper
) -> None:
    end = int(time.time()) + 60

    caller = await doorkeeper.admit(f"Bearer {issuer.sign(scope='openid deliberate', exp=end)}")

    assert (caller.name, caller.scope, caller.keyspace) == ("ada", Scope.DELIBERATE, "oidc:ada")
    assert caller.until == datetime.fromtimestamp(end + 30, UTC)


@pytest.mark.parametrize("make", [rsa_key, elliptic_key])
async def test_keys_of_several_kinds_are_known(
    issuer: LocalIssuer, doorkeeper: Doorkeeper, make: Any
) -> None:
    issuer.rotate(make("another"))

    assert (await doorkeeper.admit(f"Bearer {issuer.sign()}")).name == "ada"


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"])
async def test_an_rsa_key_that_is_published_for_no_one_algorithm_counts_for_each_that_is_for_rsa(
    issuer: LocalIssuer, doorkeeper: Doorkeeper, algorithm: str
) -> None:
    key = replace(rsa_key("rsa"), algorithm=algorithm)
    issuer.keys, issuer.more = [], [without_algorithm(key)]

    assert (await doorkeeper.admit(f"Bearer {issuer.sign(key)}")).name == "ada"


@pytest.mark.parametrize(
    ("curve", "algorithm"),
    [(ec.SECP256R1(), "ES256"), (ec.SECP384R1(), "ES384"), (ec.SECP521R1(), "ES512")],
    ids=["P-256", "P-384", "P-521"],
)
async def test_an_elliptic_key_that_is_published_for_no_algorithm_counts_for_that_of_its_curve(
    issuer: LocalIssuer,
    doorkeeper: Doorkeeper,
    curve: ec.EllipticCurve,
    algorithm: str,
) -> None:
    key = Key(id="ec", algorithm=algorithm, private=ec.generate_private_key(curve))
    issuer.keys, issuer.more = [], [without_algorithm(key)]

    assert (await doorkeeper.admit(f"Bearer {issuer.sign(key)}")).name == "ada"


def without_algorithm(key: Key) -> dict[str, Any]:
    """As issuers may publish it: of a key's members `alg` is one that need not be there."""
    return {name: value for name, value in key.public.items() if name != "alg"}


async def test_keys_are_fetched_once_for_many_tokens_at_the_same_moment(
    issuer: LocalIssuer, doorkeeper: Doorkeeper
) -> None:
    shown = [f"Bearer {issuer.sign(sub=f'caller-{number}')}" for number in range(20)]

    callers = await asyncio.gather(*(doorkeeper.admit(one) for one in shown))

    assert [caller.name for caller in callers] == [f"caller-{number}" for number in range(20)]
    assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]


@pytest.mark.usefixtures("impatient")
async def test_the_issuer_is_not_asked_for_a_key_that_is_known(
    issuer: LocalIssuer, doorkeeper: Doorkeeper
) -> None:
    for number in range(3):
        await doorkeeper.admit(f"Bearer {issuer.sign(sub=f'caller-{number}')}")

    assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]


async def test_of_tokens_that_were_verified_only_so_many_are_kept(
    expected: Expected,
    issuer: LocalIssuer,
    http: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("orchestrator.identity.issuer._MOST_KNOWN", 3)
    admitting = Issuer(expected, http)

    for number in range(10):
        assert (await admitting.admit(issuer.sign(sub=f"caller-{number}"))).name is not None

    assert len(vars(admitting)["_known"]) <= 3


# ---------------------------------------------------------------- tokens that are none


def unsigned(**claims: Any) -> str:
    """A token by the algorithm `none`."""
    return ".".join((_encoded({"alg": "none", "typ": "JWT"}), _encoded(claims), ""))


def signed_by_what_is_no_name(algorithm: object, **claims: Any) -> str:
    """A token whose algorithm is no text."""
    return ".".join((_encoded({"alg": algorithm, "typ": "JWT"}), _encoded(claims), ""))


def signed_with_the_public_key(key: Key, **claims: Any) -> str:
    """A token whose secret is the issuer's public key, which everybody has."""
    secret = key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    text = f"{_encoded({'alg': 'HS256', 'kid': key.id})}.{_encoded(claims)}"
    signature = hmac.digest(secret, text.encode(), hashlib.sha256)
    return f"{text}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def _encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


async def test_a_token_that_is_signed_in_no_way_is_none(
    issuer: LocalIssuer, doorkeeper: Doorkeeper
) -> None:
    claims = {"iss": issuer.url, "aud": AUDIENCE, "sub": "ada", "exp": 2**31, "scope": "manage"}

    why = "the token is signed in a way that does not count"
    assert await refused(doorkeeper, unsigned(**claims)) == why
    assert await refused(doorkeeper, signed_with_the_public_key(issuer.key, **claims)) == why
    odd: list[object] = [["RS256"], {"RS256": 1}]
    for algorithm in odd:
        assert await refused(doorkeeper, signed_by_what_is_no_name(algorithm, **claims)) == why


async def test_a_key_that_is_published_for_one_algorithm_counts_for_no_other(
    issuer: LocalIssuer, doorkeeper: Doorkeeper
) -> None:
    issuer.rotate(rsa_key("rsa"))

    other = replace(issuer.key, algorithm="PS256")
    assert await refused(doorkeeper, issuer.sign(other)) == "the token cannot be read"


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"exp": 1_000_000_000}, "the token has expired"),
        ({"exp": None}, "the token has no claim exp"),
        ({"nbf": 2**31}, "the token is not valid yet"),
        ({"iss": "https://elsewhere.example"}, "the token is of another issuer"),
        ({"iss": None}, "the token has no claim iss"),
        ({"aud": "another-service"}, "the token is for another audience"),
        ({"aud": ["one", "other"]}, "the token is for another audience"),
        ({"aud": None}, "the token has no claim aud"),
        ({"sub": None}, "the token does not say whose it is"),
        ({"sub": ""}, "the token does not say whose it is"),
        ({"sub": "a\nb"}, "the token does not say whose it is"),
        ({"sub": "a" * 256}, "the token does not say whose it is"),
        ({"scope": None}, "gives none of the scopes"),
        ({"scope": "openid profile reading"}, "gives none of the scopes"),
        ({"scope": {"read": True}}, "gives none of the scopes"),
        ({"scope": 7}, "gives none of the scopes"),
        ({"exp": 2**70}, "the token ends at no time that there is"),
        ({"exp": float("inf")}, "the token cannot be read"),
        ({"exp": "soon"}, "the token cannot be read"),
    ],
    ids=str,
)
async def test_a_token_that_is_not_for_this_service_now_is_refused_with_the_reason(
    issuer: LocalIssuer, doorkeeper: Doorkeeper, claims: dict[str, Any], why: str
) -> None:
    assert why in await refused(doorkeeper, issuer.sign(**claims))


async def test_a_token_of_a_key_that_only_calls_itself_the_issuers_is_refused(
    issuer: LocalIssuer, doorkeeper: Doorkeeper
) -> None:
    forged = issuer.sign(elliptic_key(issuer.key.id), scope="manage")

    assert await refused(doorkeeper, forged) == "the token was not signed by its issuer"


async def test_a_token_that_was_changed_after_it_was_signed_is_refused(
    issuer: LocalIssuer, doorkeeper: Doorkeeper
) -> None:
    header, claims, signature = issuer.sign().split(".")
    said = json.loads(base64.urlsafe_b64decode(claims + "=="))

    changed = ".".join((header, _encoded({**said, "scope": "manage"}), signature))

    assert await refused(doorkeeper, changed) == "the token was not signed by its issuer"


@pytest.mark.parametrize(
    ("token", "why"),
    [
        *((token, "it is no signed JWT") for token in ("x", "a.b", "a.b.c", "....", "é.é.é")),
        ("\ud800.a.b", "it is no signed JWT"),
        ("x" * 20_000, "the token is too long"),
    ],
)
async def test_what_is_no_token_at_all_is_refused_and_the_issuer_not_asked(
    issuer: LocalIssuer, doorkeeper: Doorkeeper, token: str, why: str
) -> None:
    assert why in await refused(doorkeeper, token)

    assert issuer.asked == []


@pytest.mark.usefixtures("impatient")
async def test_a_token_that_names_no_key_is_of_the_only_one_and_of_none_of_several(
    issuer: LocalIssuer, doorkeeper: Doorkeeper
) -> None:
    unnamed = replace(issuer.key, id="")
    assert (await doorkeeper.admit(f"Bearer {issuer.sign(unnamed)}")).name == "ada"

    issuer.keys.append(elliptic_key("key-2"))
    # Of one that is not known it is asked whether it is new.
    await refused(doorkeeper, issuer.sign(elliptic_key("made-up")))

    why = "the token names no key (kid), and its issuer does not have just one"
    assert await refused(doorkeeper, issuer.sign(unnamed, sub="bob")) == why


async def test_a_key_that_is_not_for_signatures_or_is_a_secret_is_none(
    issuer: LocalIssuer, doorkeeper: Doorkeeper
) -> None:
    for_secrecy = elliptic_key("for-secrecy")
    issuer.more = [
        {**for_secrecy.public, "use": "enc"},
        {"kty": "oct", "kid": "secret", "k": _encoded("secret"), "alg": "HS256"},
        {"kty": "unheard of", "kid": "new"},
    ]

    why = "the token was signed with a key that its issuer does not have"
    assert await refused(doorkeeper, issuer.sign(for_secrecy)) == why
    assert (await doorkeeper.admit(f"Bearer {issuer.sign()}")).name == "ada"


@pytest.mark.parametrize(
    "malformed",
    [
        {"kty": "oct"},
        {"kty": "RSA", "alg": ["RS256"], "n": "AQAB", "e": "AQAB"},
        {**elliptic_key("odd").public, "use": ["sig"]},
        {"kty": "unheard of", "alg": "none"},
        "no object",
    ],
    ids=["a secret without one", "several algorithms", "several uses", "no algorithm", "a text"],
)
async def test_a_malformed_key_takes_no_other_with_it(
    issuer: LocalIssuer, doorkeeper: Doorkeeper, malformed: Any
) -> None:
    issuer.more = [malformed]
    assert (await doorkeeper.admit(f"Bearer {issuer.sign()}")).name == "ada"


# ---------------------------------------------------------------- who, and what


@pytest.mark.parametrize(
    ("where", "claims"),
    [
        ({}, {"scope": "openid read manage deliberate"}),
        ({"scope_claim": "scp"}, {"scp": ["manage", 7, None]}),
        (
            {"scope_claim": "roles", "scope_prefix": "council:"},
            {"roles": ["council:manage", "read"]},
        ),
        (
            {"scope_claim": "resource_access.council.roles"},
            {"resource_access": {"council": {"roles": ["manage"]}}},
        ),
        (
            {"scope_claim": "resource_access.council.example.com.roles"},
            {
                "resource_access": {
                    "council": {"example": []},
                    "council.example.com": {"roles": ["manage"]},
                }
            },
        ),
        (
            {"scope_claim": "https://example.com/roles"},
            {"https://example.com/roles": ["manage"]},
        ),
    ],
    ids=str,
)
async def test_the_highest_scope_counts_wherever_the_issuer_writes_it(
    issuer: LocalIssuer,
    expected: Expected,
    http: httpx.AsyncClient,
    where: dict[str, str],
    claims: dict[str, Any],
) -> None:
    there = replace(expected, **where)

    caller = await a_doorkeeper(there, http).admit(f"Bearer {issuer.sign(**claims)}")

    assert caller.scope is Scope.MANAGE


@pytest.mark.parametrize("scopes", ["manage", "other:manage", "council:managed", "Council:manage"])
async def test_a_scope_without_the_prefix_is_for_somebody_else(
    issuer: LocalIssuer, expected: Expected, http: httpx.AsyncClient, scopes: str
) -> None:
    prefixed = a_doorkeeper(replace(expected, scope_prefix="council:"), http)

    why = "the token gives none of the scopes: its claim scope has none of council:read, council:deliberate, council:manage"
    assert await refused(prefixed, issuer.sign(scope=scopes)) == why


async def test_a_caller_is_called_what_the_claim_says_that_is_set(
    issuer: LocalIssuer, expected: Expected, http: httpx.AsyncClient
) -> None:
    doorkeeper = a_doorkeeper(replace(expected, name_claim="email"), http)

    caller = await doorkeeper.admit(f"Bearer {issuer.sign(email='ada@example.com')}")

    assert caller.name == "ada@example.com"
    why = "the token does not say whose it is: its claim email has no name"
    assert await refused(doorkeeper, issuer.sign()) == why


# ---------------------------------------------------------------- keys that change


@pytest.mark.usefixtures("impatient")
async def test_after_a_rotation_tokens_of_the_new_key_count_and_those_of_the_old_do_not(
    issuer: LocalIssuer, doorkeeper: Doorkeeper
) -> None:
    old = issuer.sign()
    caller = await doorkeeper.admit(f"Bearer {old}")
    leaving = asyncio.create_task(doorkeeper.leaving(caller))

    issuer.rotate()
    assert (await doorkeeper.admit(f"Bearer {issuer.sign()}")).name == "ada"

    async with asyncio.timeout(5):
        assert str(await leaving) == "the key that the token was signed with was taken back"
    assert "was taken back" in await refused(doorkeeper, old)


@pytest.mark.usefixtures("impatient")
async def test_a_key_that_was_taken_back_is_noticed_though_nobody_comes_with_another(
    issuer: LocalIssuer, doorkeeper: Doorkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "_RENEWAL_SECONDS", 0.01)
    monkeypatch.setattr("orchestrator.identity.doorkeeper._LOOK_SECONDS", 0.01)
    leaving = asyncio.create_task(
        doorkeeper.leaving(await doorkeeper.admit(f"Bearer {issuer.sign()}"))
    )
    running = asyncio.create_task(doorkeeper.run())
    try:
        issuer.rotate()

        async with asyncio.timeout(10):
            assert str(await leaving) == "the key that the token was signed with was taken back"
        assert not running.done()
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


@pytest.mark.usefixtures("impatient")
async def test_a_key_that_was_replaced_under_its_old_id_counts_no_longer(
    issuer: LocalIssuer, doorkeeper: Doorkeeper
) -> None:
    old = issuer.sign()
    leaving = asyncio.create_task(doorkeeper.leaving(await doorkeeper.admit(f"Bearer {old}")))

    issuer.rotate(elliptic_key(issuer.key.id))
    # Of one that is not known it is asked whether it is new.
    await refused(doorkeeper, issuer.sign(elliptic_key("made-up")))

    async with asyncio.timeout(5):
        assert str(await leaving) == "the key that the token was signed with was taken back"
    assert "was taken back" in await refused(doorkeeper, old)
    assert (await doorkeeper.admit(f"Bearer {issuer.sign()}")).name == "ada"


async def test_made_up_keys_do_not_have_the_issuer_asked_again_and_again(
    issuer: LocalIssuer, doorkeeper: Doorkeeper
) -> None:
    await doorkeeper.admit(f"Bearer {issuer.sign()}")

    for number in range(20):
        await refused(doorkeeper, issuer.sign(elliptic_key(f"made-up-{number}")))

    assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]


@pytest.mark.usefixtures("impatient")
async def test_while_the_issuer_is_away_its_keys_count_still(
    issuer: LocalIssuer, doorkeeper: Doorkeeper
) -> None:
    await doorkeeper.admit(f"Bearer {issuer.sign()}")
    issuer.instead = PlainTextResponse("busy", 503)

    with capture_logs() as logs:
        await refused(doorkeeper, issuer.sign(elliptic_key("another")))
        await refused(doorkeeper, issuer.sign(elliptic_key("another")))

    assert (await doorkeeper.admit(f"Bearer {issuer.sign(sub='bob')}")).name == "bob"
    assert [line["event"] for line in logs] == ["issuer_away"]


@pytest.mark.usefixtures("impatient")
async def test_keys_that_could_not_be_confirmed_for_an_hour_count_no_longer(
    issuer: LocalIssuer, http: httpx.AsyncClient
) -> None:
    now = 0.0
    known = Keys(issuer.url, http, clock=lambda: now)
    key = await known.key(issuer.key.id)
    assert key is not None
    issuer.instead = PlainTextResponse("busy", 503)

    now = 3599.0
    assert await known.key("another") is None
    assert known.has(key.key)
    now = 3602.0
    with pytest.raises(UnavailableError):
        await known.key("another")
    assert not known.has(key.key)

    issuer.instead = None
    assert await known.key(issuer.key.id) is not None


@pytest.mark.usefixtures("impatient")
async def test_who_was_let_in_before_the_issuer_was_away_for_too_long_is_told_so_and_not_refused(
    issuer: LocalIssuer, doorkeeper: Doorkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = issuer.sign()
    leaving = asyncio.create_task(doorkeeper.leaving(await doorkeeper.admit(f"Bearer {token}")))

    monkeypatch.setattr(keys, "_KEPT_SECONDS", -1.0)
    issuer.instead = PlainTextResponse("busy", 503)
    with pytest.raises(UnavailableError):
        await doorkeeper.admit(f"Bearer {issuer.sign(elliptic_key('another'))}")

    async with asyncio.timeout(5):
        assert isinstance(await leaving, UnavailableError)
    with pytest.raises(UnavailableError):
        await doorkeeper.admit(f"Bearer {token}")

    issuer.instead = None
    assert (await doorkeeper.admit(f"Bearer {token}")).name == "ada"


@pytest.mark.parametrize(
    ("instead", "why"),
    [
        (PlainTextResponse("down", 503), "answers with HTTP 503"),
        (PlainTextResponse("<html>"), "answers with no JSON object"),
        (PlainTextResponse("[" * 100_000), "answers with no JSON object"),
        (PlainTextResponse(" " * 1024 * 1024 + "{}"), "answers with more than 1048576 bytes"),
        (JSONResponse([]), "answers with no JSON object"),
        (JSONResponse({"keys": []}), "names the issuer 'None'"),
        (RedirectResponse("http://127.0.0.1:1/"), "answers with HTTP 307"),
    ],
    ids=["down", "no JSON", "too deep", "too large", "no object", "no issuer", "elsewhere"],
)
async def test_where_no_keys_are_to_be_had_no_token_can_be_judged_and_the_log_says_why(
    issuer: LocalIssuer, doorkeeper: Doorkeeper, instead: Any, why: str
) -> None:
    issuer.instead = instead

    with capture_logs() as logs, pytest.raises(UnavailableError):
        await doorkeeper.admit(f"Bearer {issuer.sign()}")

    assert f"{issuer.url}/.well-known/openid-configuration {why}" in logs[0]["why"]


async def test_where_none_of_its_keys_is_of_a_kind_that_is_known_no_token_can_be_judged(
    issuer: LocalIssuer, doorkeeper: Doorkeeper
) -> None:
    issuer.more, token = [{"kty": "unheard of"}], issuer.sign()
    issuer.keys.clear()

    with capture_logs() as logs, pytest.raises(UnavailableError):
        await doorkeeper.admit(f"Bearer {token}")

    assert logs[-1]["why"].endswith("/keys publishes no key of a kind that is known here")


async def test_an_issuer_to_whom_there_is_no_connection_is_away(http: httpx.AsyncClient) -> None:
    with capture_logs() as logs, pytest.raises(UnavailableError):
        await Keys("http://127.0.0.1:1", http).key(None)

    assert [line["event"] for line in logs] == ["issuer_away"]
    assert "/.well-known/openid-configuration: ConnectError: " in logs[0]["why"]


@pytest.mark.usefixtures("impatient")
async def test_the_log_says_what_an_issuer_calls_itself_and_each_new_reason_why_it_is_away_once(
    issuer: LocalIssuer, doorkeeper: Doorkeeper
) -> None:
    with capture_logs() as logs:
        for says in ({"issuer": f"{issuer.url}/"}, {"jwks_uri": None}, {"jwks_uri": None}):
            issuer.says = says
            with pytest.raises(UnavailableError):
                await doorkeeper.admit(f"Bearer {issuer.sign()}")

    another, nowhere = (line["why"] for line in logs)
    assert f"names the issuer '{issuer.url}/'" in another
    assert nowhere == "it does not say where its keys are, or not by https"


@pytest.mark.usefixtures("impatient")
async def test_the_log_names_the_keys_that_are_passed_over_once_while_they_are_the_same(
    issuer: LocalIssuer, doorkeeper: Doorkeeper
) -> None:
    other_uses = {"kty": "RSA", "kid": "enc-1", "use": "enc", "alg": "RSA-OAEP"}

    with capture_logs() as logs:
        for more in ([{"kty": "EC", "kid": "sig-9"}, other_uses],) * 2 + ([{"kid": "sig-10"}],):
            issuer.more = more
            await refused(doorkeeper, issuer.sign(elliptic_key("sig-9")))

    assert [line["keys"] for line in logs if line["event"] == "issuer_keys_passed_over"] == [
        ("sig-9: InvalidKeyError",),
        ("sig-10: InvalidKeyError",),
    ]


async def test_an_issuer_that_answers_without_end_is_not_waited_for_without_end(
    issuer: LocalIssuer, doorkeeper: Doorkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "_TIMEOUT_SECONDS", 0.2)

    async def drops() -> AsyncGenerator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.01)

    issuer.instead = StreamingResponse(drops())

    async with asyncio.timeout(10):
        with capture_logs() as logs, pytest.raises(UnavailableError):
            await doorkeeper.admit(f"Bearer {issuer.sign()}")
    assert [line["why"] for line in logs] == ["it has not answered for 0.2 s"]


@pytest.mark.parametrize(
    "says",
    [
        {"issuer": "https://another.example"},
        {"issuer": None},
        {"jwks_uri": None},
        {"jwks_uri": "http://keys.example/"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": {}},
        {"jwks_uri": "https://127.0.0.1:99999/"},
        {"jwks_uri": "https://127.0.0.1:-1/"},
        {"jwks_uri": "https://xn--a/"},
        {"jwks_uri": f"https://{'a' * 64}/"},
        {"jwks_uri": "https://me:hunter2@127.0.0.1:1/"},
    ],
    ids=str,
)
async def test_keys_that_another_may_have_put_there_do_not_count(
    issuer: LocalIssuer, doorkeeper: Doorkeeper, says: dict[str, Any]
) -> None:
    issuer.says = says

    with pytest.raises(UnavailableError):
        await doorkeeper.admit(f"Bearer {issuer.sign()}")
    assert issuer.asked == ["/.well-known/openid-configuration"]


async def test_an_issuer_that_is_not_there_at_first_is_found_when_it_is(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "_AGAIN_SECONDS", 0.05)
    issuer = LocalIssuer(instead=PlainTextResponse("starting", 503))
    async with issuer.serve():
        doorkeeper = a_doorkeeper(Expected(issuer=issuer.url, audience=AUDIENCE), http)
        running = asyncio.create_task(doorkeeper.run())
        try:
            with pytest.raises(UnavailableError):
                await doorkeeper.admit(f"Bearer {issuer.sign()}")
            issuer.instead = None
            async with asyncio.timeout(10):
                while True:
                    with suppress(UnavailableError):
                        assert (await doorkeeper.admit(f"Bearer {issuer.sign()}")).name == "ada"
                        break
                    await asyncio.sleep(0.01)
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


@pytest.mark.parametrize(
    "url",
    [
        "http://issuer.example",
        "ftp://issuer.example",
        "ftp://127.0.0.1",
        "issuer.example",
        "",
        "https://",
        "https://issuer.example:99999",
        "https://me:hunter2@issuer.example",
        "https://[::1",
    ],
)
def test_an_issuer_whom_anybody_on_the_way_could_play_is_none(url: str) -> None:
    with pytest.raises(WrongIssuerError, match="COUNCIL_OIDC_ISSUER must begin with https"):
        Keys(url, httpx.AsyncClient())
    with pytest.raises(WrongIssuerError):
        keys.asking(url)


async def test_keys_that_a_proxy_could_play_are_not_those_of_an_issuer_beyond_this_machine() -> (
    None
):
    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(
            200, json={"issuer": "https://issuer.example", "jwks_uri": "http://127.0.0.1:1/keys"}
        )

    asked: list[str] = []
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        with capture_logs() as logs, pytest.raises(UnavailableError):
            await Keys("https://issuer.example", http).key(None)

    assert asked == ["/.well-known/openid-configuration"]
    assert [line["why"] for line in logs] == ["it does not have its keys by https, as itself"]


async def test_an_issuer_may_write_https_in_capitals() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(
            200, json={"issuer": "https://issuer.example", "jwks_uri": "HTTPS://issuer.example/k"}
        )

    asked: list[str] = []
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        with pytest.raises(UnavailableError):
            await Keys("https://issuer.example", http).key(None)

    assert asked == ["/.well-known/openid-configuration", "/k"]


async def test_an_issuer_on_this_machine_is_asked_past_a_proxy_that_could_play_it(
    issuer: LocalIssuer, expected: Expected, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with LocalIssuer().serve() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        async with doorkeeper_of(Means(expected=expected)) as doorkeeper:
            assert (await doorkeeper.admit(f"Bearer {issuer.sign()}")).name == "ada"

    assert proxy.asked == []
