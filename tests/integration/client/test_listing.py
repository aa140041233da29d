"""`council deliberations`: how many are listed, and what is said where there is none."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from rich.console import Console

from orchestrator.cli import listing
from orchestrator.cli.failures import InputError, MissingError
from orchestrator.cli.screen import THEME, Screen, console
from orchestrator.client import CouncilClient
from orchestrator.client.models import DeliberationStatus
from tests.support import answers
from tests.support.tiny_api import TinyApi

_COUNCIL = answers.council()["id"]


@pytest.fixture
async def api() -> AsyncGenerator[TinyApi]:
    """A service whose one council had 120 deliberations, of which any filter finds all."""
    async with TinyApi(root={"deliberations": _page, "councils": _councils}).serve() as api:
        yield api


def _page(*_: object, first: int, after: str | None, **_named: object) -> answers.Json:
    newest = 120 if after is None else int(after) - 1
    ids = range(newest, max(0, newest - first), -1)
    found = [answers.deliberation(id=f"dlb_{number}") for number in ids]
    return answers.page(found, cursor=str(ids[-1]) if ids[-1] > 1 else None)


def _councils(*_: object, **_named: object) -> answers.Json:
    return answers.page([answers.council()])


def _none(*_: object, **_named: object) -> answers.Json:
    return answers.page([])


async def listed(
    api: TinyApi, *, as_json: bool = False, watched: bool = False, **asked: Any
) -> tuple[str, str]:
    """What is printed, and what is said beside it: on pipes, or the latter where somebody watches."""
    out, err = io.StringIO(), io.StringIO()
    beside = Console(file=err, theme=THEME, width=100, force_terminal=watched, color_system=None)
    screen = Screen(out=console(), err=beside)
    screen.out.file = out
    wanted: dict[str, Any] = {
        "role": None,
        "council": None,
        "statuses": None,
        "limit": None,
        "everything": False,
    }
    async with CouncilClient(api.url) as client:
        await listing.deliberations(client, screen, **(wanted | asked), as_json=as_json)
    return out.getvalue(), err.getvalue()


@pytest.mark.parametrize(
    ("asked", "count"),
    [({}, 20), ({"limit": 1}, 1), ({"limit": 70}, 70), ({"everything": True}, 120)],
    ids=str,
)
async def test_the_newest_are_listed_as_many_as_are_asked_for(
    api: TinyApi, asked: dict[str, Any], count: int
) -> None:
    out, _ = await listed(api, as_json=True, **asked)

    newest = [f"dlb_{number}" for number in range(120, 120 - count, -1)]
    assert [one["id"] for one in json.loads(out)] == newest


@pytest.mark.parametrize(("limit", "more"), [(119, True), (120, False), (121, False)])
async def test_who_watches_is_told_whether_there_are_more(
    api: TinyApi, limit: int, more: bool
) -> None:
    _, said = await listed(api, watched=True, limit=limit)

    assert ("There are more: --limit N" in said) is more


async def test_what_is_sought_is_sought_by_the_service(api: TinyApi) -> None:
    statuses = [DeliberationStatus.QUEUED, DeliberationStatus.RUNNING]
    await listed(api, role="DEV", council=_COUNCIL, statuses=statuses)

    wanted = {"statuses": ["QUEUED", "RUNNING"], "role": "DEV", "councilId": _COUNCIL}
    assert [one["variables"]["filter"] for one in api.asked] == [wanted]


async def test_of_the_longest_tasks_no_more_are_asked_for_than_one_answer_may_have(
    api: TinyApi,
) -> None:
    await listed(api, everything=True)

    assert [one["variables"]["first"] for one in api.asked] == [50, 50, 50]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "There is no deliberation. "),
        ({"role": "DEV"}, "There is no deliberation of the role DEV. "),
        (
            {"statuses": [DeliberationStatus.QUEUED, DeliberationStatus.FAILED]},
            "There is no deliberation that is QUEUED or FAILED. ",
        ),
    ],
    ids=str,
)
async def test_where_there_is_none_it_is_said_and_nothing_is_printed(
    api: TinyApi, asked: dict[str, Any], words: str
) -> None:
    api.root["deliberations"] = _none

    out, err = await listed(api, **asked)

    assert (out, err) == ("", f"{words}To begin one: council ask ROLE TASK\n")


async def test_where_there_is_none_json_is_an_empty_list(api: TinyApi) -> None:
    api.root["deliberations"] = _none

    assert await listed(api, as_json=True) == ("[]\n", "")


async def test_of_an_unknown_role_it_is_said_which_there_are(api: TinyApi) -> None:
    api.root["deliberations"] = _none

    with pytest.raises(MissingError, match=r"--role: no council has the role dev; .* DEV$"):
        await listed(api, role="dev", as_json=True)


async def test_of_an_unknown_council_it_is_said_where_ids_are_listed(api: TinyApi) -> None:
    api.root |= {"deliberations": _none, "council": None}

    with pytest.raises(MissingError, match=r"--council: .* `council councils --archived`"):
        await listed(api, council=_COUNCIL)


async def test_a_limit_and_all_of_them_are_not_both_given(api: TinyApi) -> None:
    with pytest.raises(InputError, match="--limit and --all: give one of the two"):
        await listed(api, limit=3, everything=True)
