"""What reading costs: a statement a level of the document, however many rows there are, and no row that was not asked for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from orchestrator.graph.deliberations import GraphDeliberations
from orchestrator.graph.driver import Graph
from orchestrator.graph.seeding import read_seed, seed, settle_defaults
from tests.integration.api.conftest import Api, Ran
from tests.support.deliberating import LEASE
from tests.support.ended import make_ended
from tests.support.neo4j import wipe

pytestmark = pytest.mark.neo4j

DEEPEST = """{
  councils(first: ROWS) { totalCount edges { node {
    role { council { id } }
    seats { agent { status council { id } model { endpoints { status } } } }
    deliberations(first: ROWS) { totalCount edges { node {
      council { version }
      task { deliberations(first: ROWS) { totalCount edges { node { status } } } }
      retryOf { id } retries { id } waitingFor
      turns(first: ROWS) { totalCount edges { node { seat { agent { name } } } } }
      verdict { winner { agent { status } critiques { target { revisedBy { id } } } } dissent { id } }
    } } }
  } } }
}"""


@pytest.fixture(scope="module")
async def filled(migrated_graph: Graph) -> Graph:
    """The seeded councils with forty deliberations that were decided, eight of each."""
    graph = migrated_graph
    await wipe(graph.driver, graph.database)
    await settle_defaults(graph, "http://127.0.0.1:8000/v1", "Qwen/Qwen2.5-0.5B-Instruct")
    await seed(graph, read_seed(None))
    await GraphDeliberations(graph).enter("prc_one", "host", LEASE)
    await make_ended(graph.driver, graph.database, first=1, last=40)
    return graph


@pytest.fixture
def seeded(filled: Graph) -> Graph:
    """The same for all of these: they read it, and one changes what none of the others looks at."""
    return filled


@pytest.mark.parametrize("rows", [1, 2, 5])
async def test_level_costs_a_statement_however_many_rows_it_has(
    api: Api, ran: Ran, rows: int
) -> None:
    answer = await api.ask(DEEPEST.replace("ROWS", str(rows)))

    councils = answer["councils"]["edges"]
    assert len(councils) == rows
    assert all(len(council["node"]["deliberations"]["edges"]) == rows for council in councils)
    assert sorted(name for name, _ in ran) == [
        "agent/find_busy",
        "council/count",
        "council/find_by_id",
        "council/list_older",
        "deliberation/count_between_on_task",
        "deliberation/count_of_council",
        # A page is a level, and what is on it the next.
        "deliberation/list_older_of_council",
        "deliberation/list_older_on_task",
        "deliberation/read",
        "deliberation/read_retries",
        "deliberation/read_without_seats",
        "model/find_by_id",
        "turn/read_transcripts",
    ]


async def test_who_has_a_seat_is_read_with_the_deliberation_as_he_is_now(
    api: Api, ran: Ran
) -> None:
    answer = await api.ask(
        "{ deliberations(first: 1) { edges { node { id seats { agent { id } } } } } }"
    )
    [edge] = answer["deliberations"]["edges"]
    agent = edge["node"]["seats"][0]["agent"]["id"]
    payload = await api.change("updateAgent", "agent { persona }", id=agent, persona="Be brief.")
    assert payload["errors"] == []
    ran.clear()

    answer = await api.ask(
        "query ($id: ID!) { deliberation(id: $id) { seats { persona agent { persona } } } }",
        {"id": edge["node"]["id"]},
    )

    [seat, *_] = answer["deliberation"]["seats"]
    assert (seat["persona"], seat["agent"]["persona"]) == (None, "Be brief.")
    assert [name for name, _ in ran] == ["deliberation/read"]


@pytest.mark.parametrize("followed", [1, 40])
async def test_those_who_begin_to_follow_at_once_are_read_for_together(
    api: Api, ran: Ran, followed: int
) -> None:
    listed = await api.ask("{ deliberations(first: 40) { edges { node { id } } } }")
    ids: list[str] = [edge["node"]["id"] for edge in listed["deliberations"]["edges"]]
    document = "subscription ($id: ID!) { deliberationEvents(id: $id) { __typename } }"
    ran.clear()

    async def events(id_: str) -> list[str]:
        told = api.follow(document, id=id_)
        return [event["deliberationEvents"]["__typename"] async for event in told]

    of_each = await asyncio.gather(*(events(ids[number % followed]) for number in range(40)))

    assert all(of_one[-1] == "DeliberationEnded" for of_one in of_each)
    # One alone takes two.
    assert 2 <= len([name for name, _ in ran if name != "deliberation/read_places"]) < 40


async def test_only_the_rows_asked_for_are_read(api: Api, ran: Ran) -> None:
    await api.ask("{ deliberations(first: 3) { edges { node { status task { id } } } } }")

    [(listing, page), (reading, rows)] = ran
    assert (listing, reading) == ("deliberation/list_older", "deliberation/read_without_seats")
    # The one more says whether there is a next page.
    assert (page["limit"], len(rows["ids"])) == (4, 3)


@pytest.mark.parametrize(
    "asked",
    [
        "councils { edges { node { COUNCIL } } }",
        'council(by: { role: "DEV" }) { COUNCIL }',
        'role(name: "DEV") { council { COUNCIL } }',
        "agents(first: 2) { edges { node { council { COUNCIL } } } }",
        "deliberations(first: 2) { edges { node { council { COUNCIL } } } }",
    ],
)
async def test_who_sits_on_councils_is_read_only_where_it_is_asked_for(
    api: Api, ran: Ran, asked: str
) -> None:
    async def seated(what: str) -> list[bool]:
        ran.clear()
        await api.ask(
            f"{{ {asked} }} fragment C on Council {{ {what} }}".replace("COUNCIL", "...C")
        )
        return [given["seated"] for _, given in ran if "seated" in given]

    assert await seated("name role { name } deliberations { totalCount }") == [False]
    assert await seated("name ... { seats { number } }") == [True]


async def test_who_is_busy_is_read_only_where_a_status_is_asked_for(api: Api, ran: Ran) -> None:
    await api.ask(
        """{ agents { edges { node { ...A } } } councils { edges { node { seats { agent { ...A } } } } } }
        fragment A on Agent { name persona model { name } endpoint { name } }"""
    )
    assert sorted(name for name, _ in ran) == ["agent/list_older", "council/list_older"]

    ran.clear()
    await api.ask("{ agents { edges { node { status } } } }")
    assert sorted(name for name, _ in ran) == [
        "agent/find_busy",
        "agent/list_older",
        "model/find_by_id",
    ]


@pytest.mark.parametrize(
    ("asked", "statement"),
    [
        ("councils", "council/count"),
        ("agents", "agent/count"),
        ("tasks", "task/count"),
        ("deliberations", "deliberation/count"),
        ("deliberations(filter: { statuses: [DECIDED] })", "deliberation/count_by_status"),
    ],
)
async def test_who_asks_only_how_many_there_are_has_none_of_them_read(
    api: Api, ran: Ran, asked: str, statement: str
) -> None:
    answer = await api.ask(f"{{ all: {asked} {{ totalCount }} }}")

    assert answer["all"]["totalCount"] > 0
    assert [name for name, _ in ran] == [statement]


@pytest.mark.parametrize(
    ("asked", "brief"),
    [
        ("deliberations { totalCount }", True),
        ("description", False),
        ("... on Task { externalId context }", False),
    ],
)
async def test_texts_of_tasks_are_read_only_where_they_are_asked_for(
    api: Api, ran: Ran, asked: str, *, brief: bool
) -> None:
    await api.ask(f"{{ tasks(first: 2) {{ edges {{ node {{ id {asked} }} }} }} }}")

    assert [given["brief"] for name, given in ran if name == "task/list_older"] == [brief]


@pytest.mark.parametrize(
    ("asked", "brief"),
    [
        ("status", True),
        ("task { id deliberations { totalCount } }", True),
        ("task { description }", False),
        ("... on Deliberation { task { ... on Task { rubric } } seats { number } }", False),
        ("verdict { winner { ... on Turn { deliberation { task { context } } } } }", False),
    ],
)
async def test_texts_of_the_tasks_of_deliberations_are_read_only_where_they_are_asked_for(
    api: Api, ran: Ran, asked: str, *, brief: bool
) -> None:
    await api.ask(f"{{ deliberations(first: 2) {{ edges {{ node {{ id {asked} }} }} }} }}")

    read = [given["brief"] for name, given in ran if name.startswith("deliberation/read")]
    assert read == [brief]


@pytest.mark.parametrize(
    ("asked", "brief"),
    [
        ("progress { turnsTaken }", True),
        ("verdict { winner { agent { name } } }", True),
        ("turns { edges { node { kind } } }", True),
        ("turns { edges { node { kind content } } }", False),
        ("proposals { critiques { reasoning } }", False),
        ("progress { turnsTaken } verdict { winner { content } }", False),
    ],
)
async def test_what_was_said_is_read_only_where_it_is_asked_for(
    api: Api, ran: Ran, asked: str, *, brief: bool
) -> None:
    await api.ask(f"{{ deliberations(first: 2) {{ edges {{ node {{ {asked} }} }} }} }}")

    [given] = [given for name, given in ran if name == "turn/read_transcripts"]
    assert sorted(given["brief"]) == (sorted(given["ids"]) if brief else [])


@pytest.mark.parametrize(
    ("statement", "parameters"),
    [
        ("turn/read_transcripts", {"brief": []}),
        ("deliberation/follow", {}),
        ("deliberation/read", {"brief": False}),
        ("deliberation/read_without_seats", {"brief": False}),
    ],
)
async def test_of_what_may_be_long_each_has_a_row_that_neo4j_sends_before_the_next(
    api: Api, seeded: Graph, statement: str, parameters: dict[str, Any]
) -> None:
    listed = await api.ask("{ deliberations(first: 3) { edges { node { id } } } }")
    ids = [edge["node"]["id"] for edge in listed["deliberations"]["edges"]]

    assert len(await seeded.read(statement, ids=ids, **parameters)) == 3


async def test_nothing_is_counted_that_is_not_asked_for(api: Api, ran: Ran) -> None:
    await api.ask(
        "{ councils(first: 2) { edges { node { deliberations { edges { cursor } } } } } }"
    )

    assert not [name for name, _ in ran if "count" in name]
