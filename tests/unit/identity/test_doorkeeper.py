"""Who is let in, by what he shows, and until when."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestrator.domain.callers import Caller, KnownBy, Scope
from orchestrator.domain.errors import UnauthenticatedError
from orchestrator.identity import tokens
from orchestrator.identity.doorkeeper import Doorkeeper
from orchestrator.identity.keeping import Kept
from orchestrator.identity.means import Expected, Means

START = datetime(2026, 1, 31, 12, tzinfo=UTC)
END = START + timedelta(days=1)
TOKEN, ENTRY = tokens.create("ada", Scope.DELIBERATE, END)
EXPECTED = Expected(issuer="https://issuer.example", audience="council")


@dataclass
class Clock:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Elsewhere:
    """An issuer that knows one token."""

    gone: bool = False
    asked: int = 0
    changed: Callable[[], None] = lambda: None

    async def admit(self, token: str) -> Caller:
        self.asked += 1
        if token != "x.y.z":
            raise UnauthenticatedError("not one of mine", shown=True)
        return Caller(scope=Scope.READ, name="eve", known_by=KnownBy.ISSUER)

    def against(self, caller: Caller) -> UnauthenticatedError | None:
        return UnauthenticatedError(f"{caller.name} is gone", shown=True) if self.gone else None

    async def run(self) -> None:
        await asyncio.Event().wait()

    def tell(self, changed: Callable[[], None]) -> None:
        self.changed = changed


def a_doorkeeper(
    clock: Clock | None = None, *, anonymous: Scope | None = None, kept: Kept | None = None
) -> Doorkeeper:
    kept = Kept(str(ENTRY), None) if kept is None else kept
    return Doorkeeper(Means(kept=kept, anonymous=anonymous), now=clock or Clock())


async def refused(doorkeeper: Doorkeeper, shown: str | None) -> UnauthenticatedError:
    with pytest.raises(UnauthenticatedError) as caught:
        await doorkeeper.admit(shown)
    return caught.value


@pytest.mark.parametrize(
    "shown", ["Bearer {}", "bearer {}", "BEARER   {}  "], ids=["", "case", "room"]
)
async def test_who_shows_a_token_is_known_by_its_entry(shown: str) -> None:
    caller = await a_doorkeeper().admit(shown.format(TOKEN))

    assert (caller.name, caller.scope, caller.until) == ("ada", Scope.DELIBERATE, END)
    assert caller.keyspace == "token:ada"
    assert ENTRY.digest.hex() not in repr(caller)


@pytest.mark.parametrize(
    "shown",
    [
        "Basic {}",
        "{}",
        "Bearer",
        "Bearer ",
        "",
        "Bearer council_wrong",
        "Bearer {}x",
        "Bearer {0} {0}",
        "Bearer a.b.c",
    ],
)
async def test_who_shows_something_wrong_is_not_let_in_even_where_showing_nothing_would_do(
    shown: str,
) -> None:
    error = await refused(a_doorkeeper(anonymous=Scope.MANAGE), shown.format(TOKEN))

    assert error.shown
    assert TOKEN not in error.why


async def test_who_shows_nothing_may_what_anybody_may() -> None:
    assert (await refused(a_doorkeeper(), None)).shown is False
    assert await a_doorkeeper(anonymous=Scope.READ).admit(None) == Caller(scope=Scope.READ)


async def test_what_is_shown_for_somebody_in_front_is_not_looked_at_where_no_tokens_are_known() -> (
    None
):
    doorkeeper = Doorkeeper(Means(anonymous=Scope.MANAGE))

    assert await doorkeeper.admit("Basic YTpi") == Caller(scope=Scope.MANAGE)


async def test_a_token_ends_when_its_entry_says() -> None:
    clock = Clock()
    doorkeeper = a_doorkeeper(clock)
    caller = await doorkeeper.admit(f"Bearer {TOKEN}")

    clock.now = END
    error = await refused(doorkeeper, f"Bearer {TOKEN}")

    assert error.why == "the token has expired"
    assert str(await doorkeeper.leaving(caller)) == "the token has expired"


async def test_who_is_in_leaves_at_the_moment_his_token_ends() -> None:
    doorkeeper = Doorkeeper(Means(kept=Kept("", None)))
    soon = datetime.now(UTC) + timedelta(seconds=0.1)

    error = await doorkeeper.leaving(Caller(scope=Scope.READ, name="ada", until=soon))

    assert str(error) == "the token has expired"
    assert datetime.now(UTC) >= soon


async def test_who_is_in_leaves_once_his_token_is_taken_out_of_the_file_and_others_stay(
    tmp_path: Path,
) -> None:
    file = tmp_path / "tokens"
    other_token, other = tokens.create("bob", Scope.READ, None)
    file.write_text(f"{ENTRY}\n{other}\n")
    doorkeeper = a_doorkeeper(kept=Kept("", file))
    looking = asyncio.create_task(doorkeeper.run())
    try:
        leaving = asyncio.create_task(doorkeeper.leaving(await doorkeeper.admit(f"Bearer {TOKEN}")))
        staying = asyncio.create_task(
            doorkeeper.leaving(await doorkeeper.admit(f"Bearer {other_token}"))
        )
        file.write_text(f"{other}\n")

        async with asyncio.timeout(20):
            assert str(await leaving) == "the token was taken back"
        assert (await refused(doorkeeper, f"Bearer {TOKEN}")).shown
        assert not staying.done()
        assert (await doorkeeper.admit(f"Bearer {other_token}")).name == "bob"
        staying.cancel()
    finally:
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking


async def test_a_token_whose_scope_was_changed_has_to_be_shown_again(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(str(ENTRY))
    kept = Kept("", file)
    doorkeeper = a_doorkeeper(kept=kept)
    caller = await doorkeeper.admit(f"Bearer {TOKEN}")

    file.write_text(str(ENTRY).replace("deliberate", "manage"))
    kept.renew()

    assert str(await doorkeeper.leaving(caller)) == "the token was taken back"
    assert (await doorkeeper.admit(f"Bearer {TOKEN}")).scope is Scope.MANAGE


async def test_what_is_no_token_of_ours_is_the_issuers_to_judge() -> None:
    issuer = Elsewhere()
    means = Means(kept=Kept(str(ENTRY), None), expected=EXPECTED)
    doorkeeper = Doorkeeper(means, issuer, now=Clock())

    assert (await doorkeeper.admit("Bearer x.y.z")).keyspace == "oidc:eve"
    assert (await doorkeeper.admit(f"Bearer {TOKEN}")).keyspace == "token:ada"
    await refused(doorkeeper, "Bearer council_x.y.z")
    assert (await refused(doorkeeper, "Bearer a.b.c")).why == "not one of mine"
    assert issuer.asked == 2


async def test_what_looks_like_a_token_of_ours_is_none_where_there_are_none() -> None:
    issuer = Elsewhere()
    doorkeeper = Doorkeeper(Means(expected=EXPECTED), issuer, now=Clock())

    assert (await refused(doorkeeper, f"Bearer {TOKEN}")).shown
    assert issuer.asked == 0


async def test_who_showed_nothing_has_nothing_that_the_issuer_could_take_back() -> None:
    issuer = Elsewhere(gone=True)
    doorkeeper = Doorkeeper(Means(expected=EXPECTED, anonymous=Scope.READ), issuer)
    leaving = asyncio.create_task(doorkeeper.leaving(await doorkeeper.admit(None)))
    await asyncio.sleep(0)

    assert not leaving.done()
    leaving.cancel()


async def test_who_is_in_leaves_once_the_issuer_takes_it_back() -> None:
    issuer = Elsewhere()
    doorkeeper = Doorkeeper(Means(expected=EXPECTED), issuer)
    leaving = asyncio.create_task(doorkeeper.leaving(await doorkeeper.admit("Bearer x.y.z")))
    await asyncio.sleep(0)

    issuer.gone = True
    issuer.changed()

    async with asyncio.timeout(5):
        assert str(await leaving) == "eve is gone"
    assert (await refused(doorkeeper, "Bearer x.y.z")).why == "eve is gone"
