"""Tokens of our own: made, kept as digests, found again, and read from what an operator writes."""

from __future__ import annotations

import hmac
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest

from orchestrator.domain.callers import Scope
from orchestrator.identity import tokens
from orchestrator.identity.tokens import Entry, EntryError

END = datetime(2030, 1, 31, tzinfo=UTC)
DIGEST = "ab" * 32
TOKEN = f"council_{'x' * 43}"


def kept(text: str) -> tuple[Entry, ...]:
    return tuple(one for one in tokens.read(text) if isinstance(one, Entry))


def mistakes(text: str) -> list[str]:
    return [str(one) for one in tokens.read(text) if isinstance(one, EntryError)]


def test_a_token_has_256_bits_of_chance_and_a_prefix_by_which_it_is_known() -> None:
    made = {tokens.create("ada", Scope.READ, None)[0] for _ in range(50)}

    assert len(made) == 50
    assert all(re.fullmatch(r"council_[A-Za-z0-9_-]{43}", token) for token in made)


@pytest.mark.parametrize("until", [None, END, END.astimezone(timezone(timedelta(hours=5)))])
def test_an_entry_is_read_as_it_was_written_and_holds_no_token(until: datetime | None) -> None:
    token, entry = tokens.create("ci.bot@example", Scope.DELIBERATE, until)

    assert kept(str(entry)) == (entry,)
    assert token not in str(entry)
    assert token.removeprefix(tokens.PREFIX) not in str(entry)


def test_a_token_is_found_among_others_and_what_is_none_is_not() -> None:
    made = [tokens.create(f"caller-{number}", Scope.READ, None) for number in range(5)]
    entries = tuple(entry for _, entry in made)

    assert [tokens.entry_of(token, entries) for token, _ in made] == list(entries)
    assert tokens.entry_of(made[0][0][:-1], entries) is None
    assert tokens.entry_of("", entries) is None
    assert tokens.entry_of("\udcff", entries) is None
    assert tokens.entry_of(entries[0].digest.hex(), entries) is None


def test_which_token_it_is_does_not_change_what_is_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = [tokens.create(f"caller-{number}", Scope.READ, None) for number in range(4)]
    entries = tuple(entry for _, entry in made)
    compared: list[tuple[int, int]] = []
    constant_time = hmac.compare_digest

    def noted(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return constant_time(one, other)

    monkeypatch.setattr(hmac, "compare_digest", noted)
    for shown in (made[0][0], made[3][0], "no token at all"):
        compared.clear()
        tokens.entry_of(shown, entries)
        # Digests of one length, each of them once, by the function that takes as long whatever they are.
        assert compared == [(32, 32)] * 4


def test_entries_stand_apart_by_spaces_commas_or_lines_and_remarks_are_left_out() -> None:
    one, other, third = (f"{name}:read:sha256-{name * 64}" for name in "abc")

    found = kept(f"# who may\n{one}, {other} # since May\n\n  {third}\n")

    assert [entry.name for entry in found] == ["a", "b", "c"]
    assert mistakes(f"{one} {other}") == []
    assert kept("") == ()


def test_an_old_and_a_new_token_may_have_one_name() -> None:
    entries = [tokens.create("ci", Scope.READ, None)[1] for _ in range(2)]

    assert kept("\n".join(map(str, entries))) == tuple(entries)


@pytest.mark.parametrize(
    ("entry", "mistake"),
    [
        ("ada", "an entry has the form"),
        ("council_mistakenlyPastedHere", "an entry has the form"),
        (f"council_{'mistakenlyPasted':x<43}:read:sha256-{DIGEST}", "none that is a token"),
        (f"council_{'mistakenlyPasted':x<43}:read:sha256-00", "none that is a token"),
        (f"ada:write:sha256-{DIGEST}", "one of read, deliberate, manage"),
        (f"ada:READ:sha256-{DIGEST}", "one of read, deliberate, manage"),
        (f"ada:read:{DIGEST}", "sha256- and 64 hexadecimal digits"),
        (f"ada:read:sha256-{DIGEST[:-1]}", "sha256- and 64 hexadecimal digits"),
        (f"ada/x:read:sha256-{DIGEST}", "a name must begin with"),
        (f":read:sha256-{DIGEST}", "a name must begin with"),
        (f"ada:read:sha256-{DIGEST}:soon", "an instant such as"),
        (f"ada:read:sha256-{DIGEST}:2030-01-31", "an instant such as"),
        (f"ada:read:sha256-{DIGEST}:", "an instant such as"),
        (f"a:read:sha256-{DIGEST}\nb:read:sha256-{DIGEST}", "line 2: b's token is there twice"),
    ],
)
def test_what_is_no_entry_is_told_with_its_line_and_without_what_may_be_a_token(
    entry: str, mistake: str
) -> None:
    (told,) = mistakes(entry)

    assert told.startswith("line ")
    assert mistake in told
    assert "mistakenlyPasted" not in told
    assert DIGEST not in told


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a/b", "-a", "a" * 101, "ä", "a\n", TOKEN])
def test_a_name_that_would_not_fit_into_an_entry_is_none(name: str) -> None:
    with pytest.raises(EntryError, match="a name must"):
        tokens.create(name, Scope.READ, None)
