"""Ids: a prefix and a body. Those of turns, claims and verdicts are derived, so that one recorded twice is one node."""

from __future__ import annotations

import re
from enum import StrEnum

from orchestrator.domain.deliberations import TurnKey, TurnKind


class Prefix(StrEnum):
    """What an id is the id of."""

    ROLE = "rol"
    COUNCIL = "cou"
    AGENT = "agt"
    MODEL = "mdl"
    ENDPOINT = "end"
    TASK = "tsk"
    DELIBERATION = "dlb"
    TURN = "trn"
    VERDICT = "vrd"
    CLAIM = "clm"
    PROCESS = "prc"


_PREFIXES = {prefix.value: prefix for prefix in Prefix}

_LETTER = {
    TurnKind.PROPOSAL: "p",
    TurnKind.CRITIQUE: "c",
    TurnKind.REVISION: "r",
    TurnKind.BALLOT: "b",
}


def with_prefix(prefix: Prefix, body: str) -> str:
    """`dlb` and a time-ordered body make the id of a deliberation."""
    return f"{prefix}_{body}"


def body(identifier: str) -> str:
    """What follows the prefix."""
    return identifier.partition("_")[2]


def prefix_of(identifier: str) -> Prefix | None:
    """What an id is the id of; none where it is no id of ours."""
    head, _, tail = identifier.partition("_")
    return _PREFIXES.get(head) if tail else None


def turn_id(deliberation: str, key: TurnKey) -> str:
    """The id of a turn, such as `trn_0198…-c1-s2-t3` for seat 2's critique of seat 3 in round 1."""
    target = "" if key.target is None else f"-t{key.target}"
    sample = "" if key.sample == 1 else f"-n{key.sample}"
    return with_prefix(
        Prefix.TURN,
        f"{body(deliberation)}-{_LETTER[key.kind]}{key.round}-s{key.seat}{target}{sample}",
    )


def verdict_id(deliberation: str) -> str:
    """A deliberation has one verdict."""
    return with_prefix(Prefix.VERDICT, body(deliberation))


_KIND = {letter: kind for kind, letter in _LETTER.items()}

# Few digits: what a caller sends must not become a number that Python refuses to read.
_NUMBER = r"\d{1,4}"
_TURN = re.compile(
    rf"""
    {Prefix.TURN}_(?P<body>[^-]+)
    -(?P<kind>[{"".join(_KIND)}])(?P<round>{_NUMBER})
    -s(?P<seat>{_NUMBER})(-t(?P<target>{_NUMBER}))?(-n(?P<sample>{_NUMBER}))?
    """,
    re.VERBOSE,
)


def turn_named(identifier: str) -> tuple[str, TurnKey] | None:
    """The deliberation of a turn's id, and which of its turns it is; none where it is no turn's id."""
    match = _TURN.fullmatch(identifier)
    if match is None:
        return None
    key = TurnKey(
        kind=_KIND[match["kind"]],
        round=int(match["round"]),
        seat=int(match["seat"]),
        target=None if match["target"] is None else int(match["target"]),
        sample=int(match["sample"] or 1),
    )
    deliberation = with_prefix(Prefix.DELIBERATION, match["body"])
    # Another way to write the same numbers, such as p00, is not the id.
    return (deliberation, key) if turn_id(deliberation, key) == identifier else None
