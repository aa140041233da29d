"""Search, through GraphQL: pages whose cursors survive, and what is shown of a hit."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from orchestrator.api.pages import cursor
from orchestrator.api.types import searching
from orchestrator.domain.searching import Hit
from orchestrator.domain.values import replace
from tests.support.samples import a_deliberation, play
from tests.unit.api.conftest import Api
from tests.unit.api.doubles import House

SEARCH = """query ($text: String!, $first: Int, $after: String) {
  search(text: $text, first: $first, after: $after) {
    totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor score highlights node { __typename ... on Task { id description } ... on Proposal { id content } } }
  } }"""


@pytest.fixture
def found(house: House) -> House:
    """Ten tasks and a proposal, all found."""
    decided, transcript = play(a_deliberation())
    house.archive.keep(decided, transcript)
    for number in range(10):
        task = replace(decided.task, id=f"tsk_{number}", description=f"Write cache {number}.")
        house.archive.keep(replace(decided, id=f"dlb_x{number}", task=task))
    house.archive.hits = [Hit(f"tsk_{number}", 10.0 - number) for number in range(10)]
    house.archive.hits.append(Hit("trn_1-r1-s1", 5.5))
    return house


async def page(api: Api, first: int, after: str | None) -> dict[str, Any]:
    return (await api.ask(SEARCH, {"text": "cache revision", "first": first, "after": after}))[
        "search"
    ]


def ids(told: dict[str, Any]) -> list[str]:
    return [edge["node"]["id"] for edge in told["edges"]]


async def test_hits_are_shown_with_their_score_and_what_matched(api: Api, found: House) -> None:
    found.archive.hits = [Hit("tsk_3", 2.5), Hit("trn_1-r1-s1", 1.25)]

    told = (await api.ask(SEARCH, {"text": "CACHE revision"}))["search"]

    assert told["totalCount"] == 2
    task, proposal = told["edges"]
    assert (task["score"], task["highlights"]) == (2.5, ["Write <mark>cache</mark> 3."])
    assert task["node"] == {"__typename": "Task", "id": "tsk_3", "description": "Write cache 3."}
    assert (proposal["score"], proposal["node"]["__typename"]) == (1.25, "Proposal")
    assert proposal["node"]["content"] == "REVISION of seat 1"
    assert proposal["highlights"] == ["<mark>REVISION</mark> of seat 1"]


@pytest.mark.usefixtures("found")
async def test_a_text_is_looked_through_once_and_only_where_somebody_asks(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []

    def look(wanted: frozenset[str], *texts: str | None) -> list[str]:
        looked.append(f"{sorted(wanted)} {texts[0]}")
        return ["passage"]

    monkeypatch.setattr(searching, "highlights", look)
    found = 'search(text: "cache", first: 1)'
    await api.ask(f"{{ {found} {{ edges {{ score }} }} }}")
    assert looked == []

    told = await api.ask(
        f"{{ one: {found} {{ edges {{ highlights }} }} two: {found} {{ edges {{ again: highlights highlights }} }} }}"
    )
    assert looked == ["['cache'] Write cache 0."]
    assert told["one"]["edges"] == [{"highlights": ["passage"]}]


@pytest.mark.usefixtures("found")
async def test_all_else_has_its_turn_after_each_text_that_is_looked_through(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def look(wanted: frozenset[str], *texts: str | None) -> list[str]:
        done.append(f"looks for {sorted(wanted)} in {texts[0]}")
        return []

    async def all_else() -> None:
        while True:
            done.append("all else")
            await asyncio.sleep(0)

    monkeypatch.setattr(searching, "highlights", look)
    other = asyncio.create_task(all_else())
    await api.ask(
        """{ one: search(text: "cache", first: 5) { edges { highlights } }
             two: search(text: "caches", first: 5) { edges { highlights } } }"""
    )
    other.cancel()

    looks = [place for place, what in enumerate(done) if what.startswith("looks")]
    assert len(looks) == 10
    assert all("all else" in done[place + 1 : after] for place, after in pairwise(looks))


async def test_hits_however_many_are_read_in_one_statement_a_kind(api: Api, found: House) -> None:
    for number in (2, 3):
        found.archive.keep(*play(a_deliberation(f"dlb_{number}")))
    found.archive.hits = [
        *(Hit(f"tsk_{number}", 9.0) for number in range(1, 4)),
        *(Hit(f"trn_{number}-r1-s1", 8.0) for number in range(1, 4)),
        Hit("trn_1-r1-s2", 7.0),
    ]

    told = (await api.ask(SEARCH, {"text": "cache revision"}))["search"]

    assert ids(told) == [hit.id for hit in found.archive.hits]
    assert sorted(map(str, found.archive.names)) == [
        "deliberations_by_id",
        "search",
        "tasks_by_id",
        "transcripts",
    ]


async def test_pages_follow_one_another_though_others_come_before_and_scores_change(
    api: Api, found: House
) -> None:
    walked: list[str] = []
    after = None
    for number in range(4):
        told = await page(api, 3, after)
        walked += ids(told)
        after = told["pageInfo"]["endCursor"]
        assert told["pageInfo"]["hasNextPage"] is (number < 3)
        assert told["pageInfo"]["hasPreviousPage"] is (number > 0)
        # One more that matches better, and all others by a little less.
        found.archive.hits = [replace(hit, score=hit.score * 0.9) for hit in found.archive.hits]
        found.archive.hits.append(Hit("tsk_9", 50.0 + number))
        found.archive.hits = [
            hit for hit in found.archive.hits if hit.id != "tsk_9" or hit.score >= 50.0 + number
        ]

    assert walked[:9] == [f"tsk_{n}" for n in range(5)] + ["trn_1-r1-s1"] + [
        f"tsk_{n}" for n in range(5, 8)
    ]


async def test_cursor_of_what_was_removed_leads_to_what_comes_after_it(
    api: Api, found: House
) -> None:
    told = await page(api, 3, None)
    found.archive.hits = [hit for hit in found.archive.hits if hit.id != "tsk_2"]

    assert ids(await page(api, 2, told["pageInfo"]["endCursor"])) == ["tsk_3", "tsk_4"]


async def test_what_was_pruned_meanwhile_is_left_out(api: Api, found: House) -> None:
    found.archive.hits = [Hit("tsk_none", 3.0), Hit("trn_none-r1-s1", 2.0), Hit("tsk_1", 1.0)]

    told = await page(api, 10, None)

    assert ids(told) == ["tsk_1"]


async def test_a_page_of_which_all_was_pruned_meanwhile_leads_to_the_next_and_the_one_before(
    api: Api, found: House
) -> None:
    found.archive.hits = [Hit("tsk_1", 4.0), Hit("tsk_none", 3.0), Hit("trn_none-r1-s1", 2.0)]
    first = await page(api, 1, None)

    told = await page(api, 1, first["pageInfo"]["endCursor"])

    assert told["edges"] == []
    assert told["pageInfo"] == {
        "hasNextPage": True,
        "hasPreviousPage": True,
        "startCursor": cursor("3.000000000 tsk_none"),
        "endCursor": cursor("3.000000000 tsk_none"),
    }


async def test_where_only_their_number_is_asked_for_none_is_read(api: Api, found: House) -> None:
    told = await api.ask('{ search(text: "cache") { totalCount } }')

    assert told == {"search": {"totalCount": 11}}
    assert found.archive.names == ["search"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "text must not be blank"),
        (" \t", "text must not be blank"),
        ("x" * 501, "text must have at most 500 characters, and has 501"),
        ("a\0b", "text must not hold NUL characters"),
        ("\ud800", "text must be valid Unicode, without lone surrogates"),
    ],
)
async def test_text_that_cannot_be_searched_for_is_refused(
    api: Api, house: House, text: str, words: str
) -> None:
    error = await api.fail(SEARCH, {"text": text})

    assert error["message"] == words
    assert (error["extensions"]["code"], error["extensions"]["path"]) == ("INVALID_INPUT", ["text"])
    assert house.archive.names == []


@pytest.mark.parametrize(
    "key", ["", "x", "1.0 dlb_1", "1 tsk_1", "1e5 tsk_1", "-1.0 tsk_1", "tsk_1"]
)
async def test_cursor_that_no_search_gave_out_is_refused(api: Api, key: str) -> None:
    error = await api.fail(SEARCH, {"text": "cache", "after": cursor(key)})

    assert error["extensions"]["path"] == ["after"]
