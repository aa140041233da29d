"""Every kind of broken file is refused before anything is written: each mistake with its line and its field."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.api.mutations.sending import idempotency
from orchestrator.domain import limits
from orchestrator.domain.callers import Caller, KnownBy, Scope
from orchestrator.graph.moving.checking import check
from orchestrator.graph.moving.form import Contents, Line
from orchestrator.graph.moving.mistakes import NotImportedError
from tests.unit.graph.moving import sound
from tests.unit.graph.moving.sound import (
    COUNCIL,
    DELIBERATION,
    END,
    ENDPOINT,
    HEADER,
    MODEL,
    PROCESS,
    REHEARSAL,
    REMOVED,
    RETIRED,
    ROLE,
)

Records = list[dict[str, Any]]
Break = Callable[[Records], object]

PLACE = re.compile(r"^line \d+(?:, [\w.\[\]]+)?(?=: | )")


def said(lines: list[Line]) -> list[str]:
    """What is told of a file: where."""
    try:
        check(lines, allow_link_local=False)
    except NotImportedError as refused:
        return [PLACE.findall(line)[0] for line in str(refused).split("\n")]
    return []


def put(number: int, *path: str | int, to: Any) -> Break:
    """Change a field."""

    def change(records: Records) -> None:
        at: Any = records[number]
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = to

    return change


def limited(**counts: int) -> Break:
    """Give the deliberation a token budget, sound but for these."""

    def change(records: Records) -> None:
        records[DELIBERATION] |= {
            "tokenBudget": 100,
            "tokensReserved": 40,
            "tokensSettled": 40,
            **counts,
        }

    return change


def without(number: int, *path: str | int) -> Break:
    """Take a field away."""

    def change(records: Records) -> None:
        at: Any = records[number]
        for step in path[:-1]:
            at = at[step]
        del at[path[-1]]

    return change


def both(*changes: Break) -> Break:
    def change(records: Records) -> None:
        for one in changes:
            one(records)

    return change


def unfinished(records: Records) -> None:
    """The deliberation goes on: what is left of it is sound."""
    one = records[DELIBERATION]
    for key in ("stopReason", "finishedAt", "verdict"):
        del one[key]
    one["status"] = "RUNNING"
    one["sequence"] = 6


def test_a_sound_file_is_taken() -> None:
    looked = check(sound.lines(), allow_link_local=False)
    assert looked.contents is Contents.EVERYTHING
    assert looked.early == ()


def test_a_deliberation_that_is_under_way_is_sound() -> None:
    records = sound.records()
    unfinished(records)
    assert said(sound.lines(records)) == []


def test_the_longest_key_of_the_caller_with_the_longest_name_is_sound() -> None:
    caller = Caller(scope=Scope.MANAGE, name="\U00020000" * limits.NAME, known_by=KnownBy.TOKEN)
    key = "\U00020000" * limits.IDEMPOTENCY_KEY
    made = idempotency(caller, "retryDeliberation", key, {})
    assert made is not None
    records = sound.records()
    records[ROLE] |= {"idempotencyKey": made.key, "inputDigest": made.input_digest}
    assert said(sound.lines(records)) == []


def pruned(records: Records) -> None:
    """The deliberation was emptied, but for the winning proposal."""
    one = records[DELIBERATION]
    one["prunedAt"] = sound.AT
    for turn in one["turns"]:
        if turn["id"] != one["verdict"]["ranked"][0]["proposal"]:
            del turn["content"]


def test_a_deliberation_that_was_pruned_is_sound() -> None:
    records = sound.records()
    pruned(records)
    assert said(sound.lines(records)) == []


def cancelled_retry(records: Records) -> None:
    """A retry, cancelled before anybody claimed it, comes before what it retries."""
    one = sound.deliberation()
    for key in ("startedAt", "verdict"):
        del one[key]
    nothing: dict[str, Any] = {**sound.ZERO, "seats": one["seats"][:1], "turns": [], "claims": []}
    ended = {"status": "CANCELLED", "stopReason": "CANCELLED", "sequence": 1, "retries": "dlb_d"}
    records.insert(DELIBERATION, {**one, **nothing, **ended, "id": "dlb_0"})
    records[END + 1]["counts"]["deliberation"] = 2


def failed(records: Records) -> None:
    """What the retry above retries has failed."""
    one = records[DELIBERATION + 1]
    del one["verdict"]
    one |= {"status": "FAILED", "failure": "nobody is left"}


def never_claimed(records: Records) -> None:
    """The retry above has an absence, though nobody can have called the model."""
    absent = {**sound.turn(1, "p0-s1", 1, "PROPOSAL"), **sound.ZERO, "id": "trn_0-p0-s1"}
    records[DELIBERATION] |= {
        "turns": [absent | {"outcome": "ABSENT", "absence": "away"}],
        "sequence": 2,
    }


def test_a_retry_may_come_before_what_it_retries() -> None:
    records = sound.records()
    both(cancelled_retry, failed)(records)
    (early,) = check(sound.lines(records), allow_link_local=False).early
    assert (early.id, early.of) == ("dlb_0", "dlb_d")


BROKEN: dict[str, tuple[Break, list[str]]] = {
    "another format": (put(HEADER, "format", to="x"), ["line 1"]),
    "a schema of a later version": (put(HEADER, "schema", to=2), ["line 1, schema"]),
    "contents that are none": (put(HEADER, "contents", to="all"), ["line 1, contents"]),
    "a field of the header that is none": (put(HEADER, "x", to=1), ["line 1, x"]),
    "contents that are no text": (put(HEADER, "contents", to=[]), ["line 1, contents"]),
    "a kind that is no text": (
        put(ROLE, "kind", to={"role": 1}),
        ["line 2, kind", "line 7, serves", "line 11, counts.role"],
    ),
    "no header": (lambda r: r.pop(0), ["line 1"]),
    "no end": (lambda r: r.pop(), ["line 10"]),
    "something after the end": (lambda r: r.append(r[ROLE]), ["line 12"]),
    "a line that is missing": (
        lambda r: r.pop(RETIRED),
        ["line 10, counts.agent"],
    ),
    "a count of something unknown": (put(END, "counts", "x", to=1), ["line 11, counts.x"]),
    "a kind that is not counted": (
        without(END, "counts", "role"),
        ["line 11, counts.role"],
    ),
    "counts that are none": (put(END, "counts", to=3), ["line 11, counts"]),
    "an unknown kind": (
        put(PROCESS, "kind", to="x"),
        ["line 9, kind", "line 10, claims[0].by", "line 11, counts.process"],
    ),
    "kinds in another order": (
        lambda r: r.insert(RETIRED, r.pop(PROCESS)),
        ["line 9, kind"],
    ),
    "the same line twice": (
        both(lambda r: r.insert(ROLE, dict(r[ROLE])), put(END + 1, "counts", "role", to=2)),
        ["line 3, id", "line 3, name", "line 3, id"],
    ),
    "history in a file of councils": (
        put(HEADER, "contents", to="councils"),
        ["line 9, kind", "line 10, kind"],
    ),
    "a field that is missing": (without(ROLE, "agentsNamed"), ["line 2, agentsNamed"]),
    "a field that is unknown": (put(ROLE, "lock", to=True), ["line 2, lock"]),
    "a number that is a text": (put(ROLE, "agentsNamed", to="3"), ["line 2, agentsNamed"]),
    "a number that is negative": (put(ROLE, "agentsNamed", to=-1), ["line 2, agentsNamed"]),
    "a number of more than 64 bits": (
        put(ROLE, "agentsNamed", to=2**63),
        ["line 2, agentsNamed"],
    ),
    "a number that is true": (put(ROLE, "agentsNamed", to=True), ["line 2, agentsNamed"]),
    "a null": (put(ROLE, "description", to=None), ["line 2, description"]),
    "an id of another kind": (put(ROLE, "id", to="cou_2"), ["line 2, id"]),
    "a lone surrogate": (put(ROLE, "description", to="\ud800"), ["line 2, description"]),
    "a NUL": (put(ROLE, "description", to="a\0"), ["line 2, description"]),
    "a blank name": (
        both(put(ROLE, "name", to=" ")),
        ["line 2, name", "line 7, serves"],
    ),
    "half an idempotency key": (
        put(ROLE, "idempotencyKey", to="k"),
        ["line 2, idempotencyKey"],
    ),
    "a key that is too long for an index": (
        both(put(ROLE, "idempotencyKey", to="k" * 5_000), put(ROLE, "inputDigest", to="d")),
        ["line 2, idempotencyKey"],
    ),
    "a metadata address": (
        put(ENDPOINT, "url", to="http://169.254.169.254/"),
        ["line 3, url"],
    ),
    "a key variable of somebody else": (
        put(ENDPOINT, "apiKeyVariable", to="NEO4J_PASSWORD"),
        ["line 3, apiKeyVariable"],
    ),
    "a secret": (put(ENDPOINT, "apiKey", to="sk-1"), ["line 3, apiKey"]),
    "an endpoint that was removed and was not": (
        put(REMOVED, "id", to="end_1"),
        ["line 4, id", "line 4, id"],
    ),
    "an instant without a zone": (
        put(REMOVED, "removedAt", to="2026-01-02T03:04:05"),
        ["line 4, removedAt"],
    ),
    "an instant that never was": (
        put(REMOVED, "removedAt", to="2026-02-30T03:04:05Z"),
        ["line 4, removedAt"],
    ),
    "a model that nothing serves": (
        put(MODEL, "servedBy", to=["x"]),
        ["line 5, servedBy[0]"],
    ),
    "two default models": (
        put(REHEARSAL, "isDefault", to=True),
        ["line 6, isDefault"],
    ),
    "a rehearsal model that is none": (
        put(REHEARSAL, "rehearsal", to=False),
        ["line 6, rehearsal"],
    ),
    "a rehearsal model that is served": (
        put(REHEARSAL, "servedBy", to=["e"]),
        ["line 6, servedBy"],
    ),
    "a role that is unknown": (
        both(put(COUNCIL, "serves", to="QA"), put(COUNCIL, "servesRole", to="QA")),
        ["line 7, serves", "line 10, role"],
    ),
    "a council that serves and is archived": (
        put(COUNCIL, "archivedAt", to=sound.AT),
        ["line 7, servesRole"],
    ),
    "a council that serves another role": (
        put(COUNCIL, "servesRole", to="QA"),
        ["line 7, servesRole"],
    ),
    "a protocol that is none": (
        put(COUNCIL, "protocol", to="VOTE"),
        ["line 7, protocol"],
    ),
    "rounds beyond the bound": (put(COUNCIL, "rounds", to=11), ["line 7, rounds"]),
    "a quorum above the seats": (put(COUNCIL, "quorum", to=3), ["line 7, quorum"]),
    "seats that are not numbered": (
        put(COUNCIL, "agents", 1, "seat", to=3),
        ["line 7, agents[1].seat"],
    ),
    "a temperature beyond the bound": (
        put(COUNCIL, "agents", 0, "temperature", to=2.5),
        ["line 7, agents[0].temperature"],
    ),
    "an agent's name twice": (
        put(COUNCIL, "agents", 1, "name", to="dev-agent-1"),
        ["line 7, agents[1].name", "line 7, agents[1].name"],
    ),
    "an agent's id twice": (
        both(put(COUNCIL, "agents", 1, "id", to="agt_1")),
        ["line 7, agents[1].id", "line 10, seats[1].of"],
    ),
    "a retired agent in a seat": (
        put(COUNCIL, "agents", 0, "retired", to=True),
        ["line 7, agents[0].retired"],
    ),
    "an agent in no seat": (without(RETIRED, "retired"), ["line 8, retired"]),
    "a model that is unknown": (
        put(COUNCIL, "agents", 0, "speaksWith", to={"model": "x"}),
        ["line 7, agents[0].speaksWith.model"],
    ),
    "the rehearsal model as a choice": (
        put(COUNCIL, "agents", 0, "speaksWith", to={"model": "rehearsal"}),
        ["line 7, agents[0].speaksWith.model"],
    ),
    "another default model": (
        without(MODEL, "isDefault"),
        [
            "line 7, agents[0].speaksWith.default",
            "line 7, agents[1].speaksWith.default",
            "line 8, speaksWith.default",
        ],
    ),
    "an endpoint that is unknown": (
        put(COUNCIL, "agents", 1, "boundTo", to="x"),
        ["line 7, agents[1].boundTo"],
    ),
    "metadata that is no JSON": (
        put(COUNCIL, "agents", 1, "metadata", to="{"),
        ["line 7, agents[1].metadata"],
    ),
    "agents that are no objects": (
        put(COUNCIL, "agents", to=["a"]),
        ["line 7, agents", "line 10, seats[0].of", "line 10, seats[1].of"],
    ),
    "a council that is unknown": (
        put(DELIBERATION, "councilId", to="cou_9"),
        ["line 10, councilId"],
    ),
    "a version that the council never had": (
        put(DELIBERATION, "councilVersion", to=3),
        ["line 10, councilVersion"],
    ),
    "a retry of something unknown": (
        put(DELIBERATION, "retries", to="dlb_c"),
        ["line 10, retries"],
    ),
    "a retry of another task": (
        both(
            lambda r: r.insert(
                END, {**json.loads(json.dumps(r[DELIBERATION]).replace("_d", "_e"))}
            ),
            put(END, "retries", to="dlb_d"),
            put(END, "about", "id", to="tsk_2"),
            put(END + 1, "counts", "deliberation", to=2),
        ),
        ["line 11, retries"],
    ),
    "a retry of itself": (
        both(cancelled_retry, put(DELIBERATION, "retries", to="dlb_0")),
        ["line 10, retries"],
    ),
    "two retries of each other": (
        both(
            cancelled_retry,
            put(DELIBERATION, "retries", to="dlb_a"),
            lambda r: r.insert(END, {**r[DELIBERATION], "id": "dlb_a", "retries": "dlb_0"}),
            put(END + 2, "counts", "deliberation", to=3),
        ),
        ["line 11, retries", "line 10, retries"],
    ),
    "an early retry of another task": (
        both(cancelled_retry, failed, put(DELIBERATION, "about", "id", to="tsk_2")),
        ["line 10, retries"],
    ),
    "an early retry of what has decided": (cancelled_retry, ["line 10, retries"]),
    "turns of what was never claimed": (
        both(cancelled_retry, failed, never_claimed),
        ["line 10, turns"],
    ),
    "a temperature of 400 digits": (
        put(COUNCIL, "agents", 0, "temperature", to=10**400),
        ["line 7, agents[0].temperature", "line 10, seats[0].of"],
    ),
    "a score of 400 digits": (
        put(DELIBERATION, "verdict", "ranked", 0, "score", to=10**400),
        ["line 10, verdict.ranked[0].score"],
    ),
    "a task without words": (
        put(DELIBERATION, "about", "description", to=""),
        ["line 10, about.description"],
    ),
    "an external id that is not the task's": (
        put(DELIBERATION, "externalId", to="x"),
        ["line 10, externalId"],
    ),
    "an end without a time": (without(DELIBERATION, "finishedAt"), ["line 10, finishedAt"]),
    "a failure without words": (
        both(put(DELIBERATION, "status", to="FAILED"), without(DELIBERATION, "verdict")),
        ["line 10, failure"],
    ),
    "a verdict before the end": (
        both(unfinished, put(DELIBERATION, "verdict", to=sound.deliberation()["verdict"])),
        ["line 10, verdict"],
    ),
    "a decision without a verdict": (without(DELIBERATION, "verdict"), ["line 10, verdict"]),
    "a seat of nobody": (
        put(DELIBERATION, "seats", 1, "of", to="agt_9"),
        ["line 10, seats[1].of"],
    ),
    "a seat that speaks with an unknown model": (
        put(DELIBERATION, "seats", 1, "speaksWith", to="x"),
        ["line 10, seats[1].speaksWith"],
    ),
    "a seat that was bound to something unknown": (
        put(DELIBERATION, "seats", 1, "boundToRemoved", to="end_9"),
        ["line 10, seats[1].boundToRemoved"],
    ),
    "a seat that was bound twice": (
        both(
            put(DELIBERATION, "seats", 1, "boundToRemoved", to="end_2"),
            put(DELIBERATION, "seats", 1, "boundTo", to="e"),
        ),
        ["line 10, seats[1].boundToRemoved"],
    ),
    "a rehearsal that was none": (put(DELIBERATION, "rehearsal", to=True), ["line 10, rehearsal"]),
    "a claim by nobody": (
        put(DELIBERATION, "claims", 0, "by", to="prc_9"),
        ["line 10, claims[0].by"],
    ),
    "a claim of another epoch": (
        put(DELIBERATION, "claims", 0, "epoch", to=2),
        ["line 10, claims[0].epoch", "line 10, claims[0].id"],
    ),
    "an epoch without a claim": (put(DELIBERATION, "epoch", to=2), ["line 10, epoch"]),
    "a resumption that nobody counted": (
        put(DELIBERATION, "claims", 0, "resumed", to=True),
        ["line 10, resumptions"],
    ),
    "usage that is not the turns'": (put(DELIBERATION, "calls", to=4), ["line 10, calls"]),
    "a budget of nothing": (limited(tokenBudget=0), ["line 10, tokenBudget"]),
    "a budget without what was reserved of it": (
        put(DELIBERATION, "tokenBudget", to=100),
        ["line 10, tokensReserved", "line 10, tokensSettled"],
    ),
    "a reservation without a budget": (
        put(DELIBERATION, "tokensReserved", to=100),
        ["line 10, tokensReserved"],
    ),
    "more settled than reserved": (limited(tokensSettled=41), ["line 10, tokensSettled"]),
    "a gap in the sequence": (
        put(DELIBERATION, "turns", 4, "sequence", to=9),
        ["line 10, sequence"],
    ),
    "a turn of another deliberation": (
        put(DELIBERATION, "turns", 4, "id", to="trn_x-b1-s2"),
        ["line 10, turns[4].id"],
    ),
    "a turn with the id of another one": (
        put(DELIBERATION, "turns", 4, "id", to="trn_d-b1-s1"),
        ["line 10, turns[4].id"],
    ),
    "an absence without a reason, and with a choice": (
        put(DELIBERATION, "turns", 4, "outcome", to="ABSENT"),
        ["line 10, turns[4].absence", "line 10, turns[4].ranks"],
    ),
    "a critique of nothing": (
        without(DELIBERATION, "turns", 2, "critiques"),
        ["line 10, turns[2].critiques", "line 10, turns[3].answers[0]"],
    ),
    "a critique of itself": (
        put(DELIBERATION, "turns", 2, "critiques", to="trn_d-p0-s2"),
        ["line 10, turns[2].critiques", "line 10, turns[3].answers[0]"],
    ),
    "a revision of nothing": (
        without(DELIBERATION, "turns", 3, "revises"),
        ["line 10, turns[3].revises", "line 10, turns[3].answers[0]"],
    ),
    "a revision of another's": (
        put(DELIBERATION, "turns", 3, "revises", to="trn_d-p0-s2"),
        ["line 10, turns[3].revises", "line 10, turns[3].answers[0]"],
    ),
    "a proposal that revises": (
        put(DELIBERATION, "turns", 0, "revises", to="trn_d-p0-s2"),
        ["line 10, turns[0].revises"],
    ),
    "a ballot for itself": (
        put(DELIBERATION, "turns", 4, "ranks", to=["trn_d-p0-s2"]),
        ["line 10, turns[4].ranks[0]"],
    ),
    "a ballot without a choice": (
        without(DELIBERATION, "turns", 4, "ranks"),
        ["line 10, turns[4].ranks"],
    ),
    "a ballot that ranks one twice": (
        put(DELIBERATION, "turns", 4, "ranks", to=["trn_d-r1-s1", "trn_d-r1-s1"]),
        ["line 10, turns[4].ranks"],
    ),
    "a verdict on a critique": (
        put(DELIBERATION, "verdict", "ranked", 1, "proposal", to="trn_d-c1-s2-t1"),
        ["line 10, verdict.ranked[1].proposal"],
    ),
    "a verdict that ranks a seat twice": (
        put(DELIBERATION, "verdict", "ranked", 1, "proposal", to="trn_d-p0-s1"),
        ["line 10, verdict.ranked[1].proposal"],
    ),
    "a verdict whose ranks do not count": (
        put(DELIBERATION, "verdict", "ranked", 1, "rank", to=3),
        ["line 10, verdict.ranked[1].rank"],
    ),
    "a verdict whose scores rise": (
        put(DELIBERATION, "verdict", "ranked", 1, "score", to=1.5),
        ["line 10, verdict.ranked[1].score"],
    ),
    "a verdict that ranks nothing": (
        put(DELIBERATION, "verdict", "ranked", to=[]),
        ["line 10, verdict.ranked"],
    ),
    "a turn without its content": (
        without(DELIBERATION, "turns", 1, "content"),
        ["line 10, turns[1].content"],
    ),
    "a winning proposal without its content": (
        both(pruned, without(DELIBERATION, "turns", 3, "content")),
        ["line 10, turns[3].content"],
    ),
    "content that should have been pruned": (
        both(pruned, put(DELIBERATION, "turns", 1, "reasoning", to="a thought")),
        ["line 10, turns[1].reasoning"],
    ),
    "a pruning before the end": (
        both(pruned, put(DELIBERATION, "prunedAt", to="2026-01-02T03:04:05.67Z")),
        ["line 10, prunedAt"],
    ),
    "a pruning that says no time": (
        put(DELIBERATION, "pruning", to=True),
        ["line 10, pruning"],
    ),
    "a verdict of another": (
        put(DELIBERATION, "verdict", "id", to="vrd_x"),
        ["line 10, verdict.id"],
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_told_with_its_line_and_its_field(what: str) -> None:
    change, places = BROKEN[what]
    records = sound.records()
    change(records)
    assert said(sound.lines(records)) == places


TEXTS: dict[str, tuple[str, str]] = {
    "nothing": ("", "line 1"),
    "no JSON": ("PK\x03\x04", "line 1"),
    "another JSON": ('{"a": 1}', "line 1"),
    "a list": ("[1]", "line 1"),
}


@pytest.mark.parametrize("what", TEXTS)
def test_a_file_of_another_kind_is_told_at_once(what: str) -> None:
    text, place = TEXTS[what]
    lines = [Line(place=f"line {n}", text=part) for n, part in enumerate([text] * 3, 1)]
    assert said(lines if text else []) == [place]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"kind":"role"',
        "[" * 100_000,
        '{"kind":"role","kind":"model"}',
        '{"kind":"role","agentsNamed":NaN}',
        '{"kind":"role","agentsNamed":' + "9" * 5000 + "}",
        "\udc80",
    ],
)
def test_a_line_that_is_no_json_is_told_by_its_number(text: str) -> None:
    lines = sound.lines()
    lines[ROLE] = Line(place="line 2", text=text)
    assert said(lines)[0].startswith("line 2")


def test_every_mistake_is_told_at_once_in_the_order_of_the_lines() -> None:
    records = sound.records()
    for change in (
        put(DELIBERATION, "calls", to=4),
        put(ROLE, "description", to=3),
        put(COUNCIL, "rounds", to=-1),
        put(COUNCIL, "agents", 0, "maxTokens", to=0),
    ):
        change(records)
    assert said(sound.lines(records)) == [
        "line 2, description",
        "line 7, rounds",
        "line 10, calls",
    ]


def test_of_very_many_mistakes_the_first_hundred_are_shown() -> None:
    records = sound.records()
    process = records[PROCESS]
    records[PROCESS:PROCESS] = [{**process, "id": f"prc_0{n:04}", "x": n} for n in range(300)]
    with pytest.raises(NotImportedError) as refused:
        check(sound.lines(records), allow_link_local=False)
    shown = str(refused.value).split("\n")
    assert len(shown) == 101
    assert shown[-1] == "and 201 more"


def test_a_cut_file_is_known_wherever_it_was_cut() -> None:
    whole = "\n".join(line.text for line in sound.lines())
    for at in range(1, len(whole), 97):
        lines = [
            Line(place=f"line {number}", text=text)
            for number, text in enumerate(whole[:at].split("\n"), 1)
        ]
        assert said(lines) != []
    json.loads(whole.split("\n")[-1])
