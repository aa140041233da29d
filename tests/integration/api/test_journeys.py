"""What a client does, over a real graph: with the documents that our own client sends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from orchestrator.client.generated import documents
from orchestrator.domain.ids import verdict_id
from tests.integration.api.conftest import Api
from tests.integration.api.playing import accept, claim, decide
from tests.support.deliberating import all_turns, recordings
from tests.support.waiting import until

pytestmark = pytest.mark.neo4j

FOLLOW = """subscription ($id: ID!, $after: Int) { deliberationEvents(id: $id, after: $after) {
  __typename sequence deliberation { status } ... on TurnTaken { turn { id } } } }"""


async def test_seeded_councils_are_shown_by_every_way_to_them(api: Api) -> None:
    listed = await api.ask(
        documents.LIST_COUNCILS_GQL, {"first": 100, "after": None, "filter": None}
    )
    councils = [edge["node"] for edge in listed["councils"]["edges"]]

    assert {council["role"]["name"] for council in councils} == {
        "DEV",
        "QA",
        "ARCHITECT",
        "DEVOPS",
        "DATA",
    }
    for council in councils:
        assert [seat["number"] for seat in council["seats"]] == [1, 2, 3]
        by_id = await api.ask(documents.FIND_COUNCIL_GQL, {"by": {"id": council["id"]}})
        by_role = await api.ask(
            documents.FIND_COUNCIL_GQL, {"by": {"role": council["role"]["name"]}}
        )
        assert by_id["council"] == by_role["council"] == council
    agents = await api.ask(documents.LIST_AGENTS_GQL, {"first": 100, "after": None})
    assert len(agents["agents"]["edges"]) == 15
    for edge in agents["agents"]["edges"]:
        agent = await api.ask(documents.FIND_AGENT_GQL, {"by": {"name": edge["node"]["name"]}})
        assert agent["agent"] == edge["node"]


async def test_list_is_walked_in_both_directions_while_it_grows(api: Api) -> None:
    page = """query ($first: Int, $after: String, $last: Int, $before: String) {
      councils(first: $first, after: $after, last: $last, before: $before) {
        edges { node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
    whole = await api.ask(page, {"first": 100})
    ids = [edge["node"]["id"] for edge in whole["councils"]["edges"]]

    walked: list[str] = []
    after: str | None = None
    for number in range(3):
        data = await api.ask(page, {"first": 2, "after": after})
        walked += [edge["node"]["id"] for edge in data["councils"]["edges"]]
        info = data["councils"]["pageInfo"]
        assert info["hasNextPage"] is (number < 2)
        after = info["endCursor"]
        # Newest first: what is added now comes before what is still to be walked.
        await api.change("createRole", "role { id }", name=f"R{number}")
        await api.change("createCouncil", "council { id }", role=f"R{number}", seats=1)
    back = await api.ask(page, {"last": 2, "before": after})

    assert walked == ids
    assert [edge["node"]["id"] for edge in back["councils"]["edges"]] == ids[-3:-1]
    assert back["councils"]["pageInfo"]["hasPreviousPage"] is True


async def test_deliberation_is_followed_from_its_acceptance_to_its_verdict(api: Api) -> None:
    id_ = await accept(api, priority="HIGH", deadlineSeconds=3600, rounds=1)
    seen: list[dict[str, Any]] = []

    async def follow() -> None:
        async for data in api.follow(FOLLOW, id=id_):
            seen.append(data["deliberationEvents"])  # noqa: PERF401 - others look at it meanwhile

    following = asyncio.create_task(follow())
    held = await claim(api)
    await until(lambda: len(seen) > 0)
    await decide(api, held)
    async with asyncio.timeout(40):
        await following
    replayed = [data["deliberationEvents"] async for data in api.follow(FOLLOW, id=id_)]
    rest = [data["deliberationEvents"] async for data in api.follow(FOLLOW, id=id_, after=9)]

    expected = ["DeliberationClaimed", *["TurnTaken"] * 12, "DeliberationEnded"]
    assert [event["__typename"] for event in seen] == expected
    assert [event["sequence"] for event in seen] == list(range(1, 15))
    assert seen[-1]["deliberation"] == {"status": "DECIDED"}
    assert [(e["sequence"], e.get("turn")) for e in replayed] == [
        (e["sequence"], e.get("turn")) for e in seen
    ]
    assert rest == replayed[9:]

    shown = (await api.ask(documents.FIND_TRANSCRIPT_GQL, {"id": id_, "first": 100}))[
        "deliberation"
    ]
    assert shown["status"] == "DECIDED"
    assert shown["progress"] == {"turnsTaken": 12, "turnsExpected": 12, "phase": None}
    assert shown["waitingFor"] is None
    assert shown["usage"] == {
        "promptTokens": 1200,
        "cachedPromptTokens": 720,
        "completionTokens": 240,
        "calls": 24,
    }
    assert shown["verdict"]["id"] == verdict_id(id_)
    assert shown["verdict"]["winner"]["id"].endswith("-r1-s3")
    assert [place["votes"] for place in shown["verdict"]["ranking"]] == [2, 1, 0]
    assert [ballot["seat"]["number"] for ballot in shown["verdict"]["ballots"]] == [1, 2, 3]
    assert len(shown["turns"]["edges"]) == 12
    for edge in shown["turns"]["edges"]:
        node = (await api.ask(documents.FIND_NODE_GQL, {"id": edge["node"]["id"]}))["node"]
        assert node.pop("deliberation") == {"id": id_}
        assert node == edge["node"]
    task = (await api.ask(documents.FIND_TASK_GQL, {"id": shown["task"]["id"]}))["task"]
    assert task["metadata"] == {"a": [1, None]}
    assert [edge["node"]["id"] for edge in task["deliberations"]["edges"]] == [id_]


async def test_one_key_in_two_mutations_is_two_keys(api: Api) -> None:
    first = await accept(api, idempotencyKey="mine")
    await api.change("cancelDeliberation", "deliberation { id }", id=first)

    payloads = [
        await api.change(
            "retryDeliberation",
            "deliberation { id retryOf { id } }",
            id=first,
            idempotencyKey="mine",
        )
        for _ in range(2)
    ]

    second = payloads[0]["deliberation"]["id"]
    retried = {"id": second, "retryOf": {"id": first}}
    assert second != first
    assert [payload["deliberation"] for payload in payloads] == [retried, retried]
    assert await accept(api, idempotencyKey="mine") == first


async def test_cancel_ends_what_is_followed_and_is_shown_ever_after(api: Api) -> None:
    id_ = await accept(api)
    held = await claim(api)
    seen: list[dict[str, Any]] = []

    async def follow() -> None:
        async for data in api.follow(FOLLOW, id=id_):
            seen.append(data["deliberationEvents"])  # noqa: PERF401 - others look at it meanwhile

    following = asyncio.create_task(follow())
    await until(lambda: len(seen) > 0)
    first, *_ = all_turns(id_)
    await api.desk.deliberations.record(recordings(held, [first]))
    cancelled, again = [
        await api.change(
            "cancelDeliberation",
            "deliberation { id status stopReason failure finishedAt turns { totalCount } waitingFor }",
            id=id_,
            reason=reason,
        )
        for reason in ("the wrong council", "twice")
    ]
    async with asyncio.timeout(40):
        await following

    assert [event["__typename"] for event in seen] == [
        "DeliberationClaimed",
        "TurnTaken",
        "DeliberationEnded",
    ]
    assert [event["sequence"] for event in seen] == [1, 2, 3]
    shown = cancelled["deliberation"]
    assert shown.pop("finishedAt") == again["deliberation"].pop("finishedAt") is not None
    assert shown == {
        "id": id_,
        "status": "CANCELLED",
        "stopReason": "CANCELLED",
        "failure": "the wrong council",
        "turns": {"totalCount": 1},
        "waitingFor": None,
    }
    assert again == cancelled


async def test_cancel_of_what_was_decided_is_a_conflict_that_shows_it(api: Api) -> None:
    id_ = await accept(api)
    await decide(api, await claim(api))
    payload = await api.change("cancelDeliberation", "deliberation { id }", id=id_)

    assert payload["deliberation"] is None
    [error] = payload["errors"]
    assert (error["__typename"], error["path"]) == ("Conflict", ["id"])
    assert error["existing"] == {"id": id_}


async def test_same_key_brings_back_the_same_and_another_input_conflicts(api: Api) -> None:
    first, second = await asyncio.gather(
        accept(api, idempotencyKey="k"), accept(api, idempotencyKey="k")
    )
    other = await api.change(
        "deliberate",
        "deliberation { id }",
        council={"role": "DEV"},
        task={"description": "Another."},
        idempotencyKey="k",
    )
    listed = await api.ask("{ deliberations { totalCount } tasks { totalCount } }")

    assert first == second
    assert other["deliberation"] is None
    [error] = other["errors"]
    assert error["__typename"] == "Conflict"
    assert error["existing"] == {"id": first}
    assert listed == {"deliberations": {"totalCount": 1}, "tasks": {"totalCount": 1}}


async def test_busy_agent_is_busy_until_the_deliberation_ends(api: Api) -> None:
    query = '{ council(by: {role: "DEV"}) { seats { agent { status } } } agent(by: {name: "qa-agent-1"}) { status } }'
    api.state.rehearsal = True

    async def statuses() -> list[str]:
        data = await api.ask(query)
        return [s["agent"]["status"] for s in data["council"]["seats"]] + [data["agent"]["status"]]

    before = await statuses()
    await accept(api)
    held = await claim(api)
    during = await statuses()
    await decide(api, held)

    assert before == ["READY"] * 4
    assert during == ["BUSY"] * 3 + ["READY"]
    assert await statuses() == before


async def test_filters_find_what_they_say(api: Api) -> None:
    first, second = await accept(api), await accept(api)
    await claim(api)
    query = """query ($filter: DeliberationFilter) { deliberations(filter: $filter) {
                 totalCount edges { node { id } } } }"""
    at = (
        await api.ask("query ($id: ID!) { deliberation(id: $id) { acceptedAt } }", {"id": second})
    )["deliberation"]["acceptedAt"]

    async def found(**filter: Any) -> set[str]:
        data = (await api.ask(query, {"filter": filter}))["deliberations"]
        ids = {edge["node"]["id"] for edge in data["edges"]}
        assert data["totalCount"] == len(ids)
        return ids

    assert await found() == {first, second}
    assert await found(statuses=["RUNNING"]) == {first}
    assert await found(statuses=["QUEUED", "DECIDED"]) == {second}
    assert await found(statuses=[]) == set()
    assert await found(role="QA") == set()
    assert await found(role="DEV", externalId="JIRA-1") == {first, second}
    assert await found(acceptedSince=at) == {second}
    assert await found(acceptedBefore=at) == {first}


async def test_update_clears_and_keeps(api: Api) -> None:
    agent = (await api.ask('{ agent(by: {name: "dev-agent-1"}) { id persona temperature } }'))[
        "agent"
    ]
    await api.change("registerEndpoint", "endpoint { id }", name="gpu", url="http://gpu:8000/v1")
    fields = "agent { persona temperature maxTokens metadata endpoint { name } }"

    bound = await api.change(
        "updateAgent", fields, id=agent["id"], endpoint="gpu", metadata={"é": [1.5]}, maxTokens=9
    )
    cleared = await api.change(
        "updateAgent", fields, id=agent["id"], endpoint=None, metadata=None, persona=None
    )

    assert bound["agent"] == {
        "persona": agent["persona"],
        "temperature": agent["temperature"],
        "maxTokens": 9,
        "metadata": {"é": [1.5]},
        "endpoint": {"name": "gpu"},
    }
    assert cleared["agent"] == {
        "persona": None,
        "temperature": agent["temperature"],
        "maxTokens": 9,
        "metadata": None,
        "endpoint": None,
    }
