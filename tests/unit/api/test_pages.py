"""Pages of lists, in both directions."""

from __future__ import annotations

from itertools import chain
from typing import Any

import pytest

from orchestrator.api.pages import cursor
from orchestrator.domain.deliberations import Status
from orchestrator.domain.filters import CouncilFilter, DeliberationFilter
from orchestrator.domain.pages import Page, PageRequest
from tests.support.samples import NOW, a_council, a_deliberation, play
from tests.unit.api.conftest import Api
from tests.unit.api.doubles import House

PAGE = "totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { id } }"


def ids(connection: dict[str, Any]) -> list[str]:
    return [edge["node"]["id"] for edge in connection["edges"]]


@pytest.fixture
def full(house: House) -> House:
    for number in range(1, 8):
        house.archive.keep(*play(a_deliberation(f"dlb_{number}"), turns=number))
    return house


async def walk(api: Api, field: str, size: str, cursor: str, end: str) -> list[list[str]]:
    """Follow a list page by page to its end."""
    pages: list[list[str]] = []
    after: str | None = None
    while True:
        arguments = f"{size}: 3" + (f', {cursor}: "{after}"' if after else "")
        data = await api.ask(field.replace("@", arguments))
        connection = data[next(iter(data))]
        connection = connection.get("turns", connection)
        pages.append(ids(connection))
        more = "hasNextPage" if size == "first" else "hasPreviousPage"
        if not connection["pageInfo"][more]:
            return pages
        after = connection["pageInfo"][end]


@pytest.mark.usefixtures("full")
async def test_list_is_walked_forwards_and_backwards(api: Api) -> None:
    field = f"{{ deliberations(@) {{ {PAGE} }} }}"

    forwards = await walk(api, field, "first", "after", "endCursor")
    backwards = await walk(api, field, "last", "before", "startCursor")

    assert forwards == [["dlb_7", "dlb_6", "dlb_5"], ["dlb_4", "dlb_3", "dlb_2"], ["dlb_1"]]
    assert backwards == [["dlb_3", "dlb_2", "dlb_1"], ["dlb_6", "dlb_5", "dlb_4"], ["dlb_7"]]


@pytest.mark.usefixtures("full")
async def test_turns_are_walked_forwards_and_backwards(api: Api) -> None:
    field = f'{{ deliberation(id: "dlb_7") {{ turns(@) {{ {PAGE} }} }} }}'

    forwards = await walk(api, field, "first", "after", "endCursor")
    backwards = await walk(api, field, "last", "before", "startCursor")

    assert [len(page) for page in forwards] == [3, 3, 1]
    assert [len(page) for page in backwards] == [3, 3, 1]
    assert [*chain(*forwards)] == [*chain(*reversed(backwards))]


@pytest.mark.parametrize("left", [[], ["dlb_6"]])
async def test_a_page_of_which_some_is_gone_since_has_the_cursors_of_what_was_listed(
    api: Api, full: House, left: list[str]
) -> None:
    kept = [full.archive.kept[id_] for id_ in left]
    gone = Page(items=tuple(kept), has_next=True, has_previous=False, ends=("dlb_7", "dlb_5"))
    full.archive.pages = [gone]

    page = (await api.ask(f"{{ deliberations(first: 3) {{ {PAGE} }} }}"))["deliberations"]

    assert ids(page) == left
    assert (page["pageInfo"]["startCursor"], page["pageInfo"]["endCursor"]) == (
        cursor("dlb_7"),
        cursor("dlb_5"),
    )


@pytest.mark.usefixtures("full")
async def test_page_of_nothing_still_counts(api: Api) -> None:
    data = await api.ask(f"{{ deliberations(first: 0) {{ {PAGE} }} }}")

    assert data["deliberations"]["totalCount"] == 7
    assert data["deliberations"]["edges"] == []


async def test_page_and_filter_reach_the_port(api: Api, full: House) -> None:
    data = await api.ask(
        """{ deliberations(filter: {statuses: [RUNNING, DECIDED, RUNNING], role: "DEV", councilId: "cou_dev",
               acceptedSince: "2026-01-31T13:00:00+01:00", acceptedBefore: "2027-01-01T00:00:00Z", externalId: "x"})
             { edges { cursor } } }"""
    )
    cursor = data["deliberations"]["edges"][0]["cursor"]
    await api.ask(f'{{ deliberations(last: 5, before: "{cursor}") {{ edges {{ cursor }} }} }}')

    [(_, page, where), (_, second, everything)] = full.archive.calls
    assert page == PageRequest()
    assert isinstance(where, DeliberationFilter)
    assert where == DeliberationFilter(
        statuses=(Status.RUNNING, Status.DECIDED),
        role="DEV",
        council_id="cou_dev",
        accepted_since=NOW,
        accepted_before=where.accepted_before,
        external_id="x",
    )
    assert second == PageRequest(limit=5, key="dlb_7", backward=True)
    assert everything == DeliberationFilter()


async def test_deliberations_of_a_council_and_on_a_task_are_only_those(
    api: Api, full: House
) -> None:
    full.archive.keep(a_deliberation("dlb_9", council=a_council("qa")))

    data = await api.ask(
        """{ council(by: {role: "QA"}) { deliberations { totalCount edges { node { id } } } }
             task(id: "tsk_3") { deliberations { edges { node { id } } } } }"""
    )

    assert data["council"]["deliberations"]["totalCount"] == 1
    assert ids(data["council"]["deliberations"]) == ["dlb_9"]
    assert ids(data["task"]["deliberations"]) == ["dlb_3"]


async def test_council_cannot_list_what_another_held(api: Api) -> None:
    error = await api.fail(
        '{ council(by: {role: "QA"}) { deliberations(filter: {councilId: "cou_dev"}) { totalCount } } }'
    )

    assert error["extensions"]["path"] == ["filter", "councilId"]


async def test_councils_tasks_and_agents_are_listed(api: Api, full: House) -> None:
    data = await api.ask(
        f"""{{ councils(filter: {{role: "QA", nameContains: "coun", includeArchived: true}}) {{ {PAGE} }}
               tasks(first: 2, filter: {{externalId: "JIRA-1"}}) {{ {PAGE} }}
               agents(last: 2) {{ {PAGE} }} }}"""
    )

    assert ids(data["councils"]) == ["cou_qa"]
    assert ids(data["tasks"]) == ["tsk_7", "tsk_6"]
    assert ids(data["agents"]) == ["agt_dev2", "agt_dev1"]
    assert data["agents"]["totalCount"] == 6
    where = CouncilFilter(role="QA", name_contains="coun", include_archived=True)
    assert ("count_councils", where) in full.registry.calls
    assert ("count_tasks", "JIRA-1") in full.archive.calls
