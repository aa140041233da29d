"""How long an operation may take: what has not come by then is told, and ended; the rest is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from strawberry.types import ExecutionResult
from structlog.testing import capture_logs

from orchestrator.api.context import Context
from orchestrator.api.schema import SCHEMA
from orchestrator.domain.errors import UnavailableError
from orchestrator.engine.events import Moved
from tests.support.samples import ANYBODY, a_council, a_deliberation, play
from tests.support.waiting import until
from tests.unit.api.doubles import House
from tests.unit.api.test_app import greeted

SHORT = 1.0
"""Seconds that an operation may take: enough on a busy machine for all that does not wait."""


class Endless:
    """A port's method that never answers."""

    def __init__(self) -> None:
        self.begun = 0
        self.ended = 0

    async def __call__(self, *_: object, **__: object) -> Any:
        self.begun += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.ended += 1


Make = Callable[[str], Endless]


@pytest.fixture
def house() -> House:
    house = House(operation_seconds=SHORT)
    house.registry.add(a_council("dev"), a_council("qa"))
    house.archive.keep(a_deliberation())
    return house


@pytest.fixture
def endless(house: House, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Let a method of the councils or of the records never answer."""

    def make(name: str) -> Endless:
        method = Endless()
        port = house.registry if hasattr(house.registry, name) else house.archive
        monkeypatch.setattr(port, name, method)
        return method

    return make


async def answer(document: str, house: House, **variables: Any) -> ExecutionResult:
    context = Context(house.ports(), ANYBODY)
    async with asyncio.timeout(40):
        return await SCHEMA.execute(document, variable_values=variables, context_value=context)


def told(result: ExecutionResult) -> list[tuple[str, list[str | int] | None]]:
    """The code and the path of each error."""
    return sorted(((error.extensions or {})["code"], error.path) for error in result.errors or ())


BOTH_WAYS = pytest.mark.parametrize(
    # What is of the schema is walked.
    "also",
    ["", "__schema { queryType { name } }"],
    ids=["by plan", "walked"],
)


@BOTH_WAYS
async def test_field_that_is_not_answered_in_time_says_so_and_the_others_are_answered(
    house: House, endless: Make, also: str
) -> None:
    roles = endless("roles")

    with capture_logs() as logs:
        result = await answer(
            f"{{ {also} service {{ version }} models {{ name }} roles {{ name }} }}", house
        )

    assert result.data is not None
    result.data.pop("__schema", None)
    assert result.data == {
        "service": {"version": "1.2.3"},
        "models": [{"name": "a-model"}],
        "roles": None,
    }
    assert told(result) == [("LIMIT", ["roles"])]
    assert result.errors is not None
    [error] = result.errors
    limit: Any = (error.extensions or {})["limit"]
    assert (limit["name"], limit["bound"]) == ("seconds", SHORT)
    assert limit["value"] >= SHORT
    assert f"may take {SHORT:g} at most" in error.message
    [line] = [line for line in logs if line["event"] == "operation_too_slow"]
    assert line["fields"] == ["roles"]
    assert line["correlation_id"] == (error.extensions or {})["correlationId"]
    assert (roles.begun, roles.ended) == (1, 1)


@BOTH_WAYS
async def test_what_several_fields_wait_for_below_is_ended_too(
    house: House, endless: Make, also: str
) -> None:
    councils = endless("councils_by_id")

    result = await answer(
        f"{{ {also} service {{ version }} roles {{ council {{ name }} }} }}", house
    )

    assert result.data is not None
    assert (result.data["service"], result.data["roles"]) == ({"version": "1.2.3"}, None)
    assert told(result) == [("LIMIT", ["roles"])]
    await until(lambda: councils.ended == 1)
    assert councils.begun == 1


@BOTH_WAYS
async def test_field_that_must_not_be_null_takes_the_answer_with_it(
    house: House, endless: Make, also: str
) -> None:
    endless("councils_by_id")

    result = await answer(f'{{ {also} models {{ name }} nodes(ids: ["cou_dev"]) {{ id }} }}', house)

    assert result.data is None
    assert told(result) == [("LIMIT", ["nodes"])]


async def test_graph_that_is_away_is_told_as_that(house: House, endless: Make) -> None:
    endless("roles")
    house.state.waiting_for = "the graph: Neo4j does not answer"

    result = await answer("{ service { version } roles { name } }", house)

    assert result.data == {"service": {"version": "1.2.3"}, "roles": None}
    assert told(result) == [("UNAVAILABLE", ["roles"])]


async def test_mutation_says_what_may_have_been_carried_out_and_what_was_not_begun(
    house: House, endless: Make
) -> None:
    retiring, archiving = endless("retire_agent"), endless("archive_council")

    result = await answer(
        """mutation { retireAgent(input: {id: "agt_dev1"}) { errors { code } }
             archiveCouncil(input: {id: "cou_dev"}) { errors { code } } }""",
        house,
    )

    assert result.data == {"retireAgent": None, "archiveCouncil": None}
    assert told(result) == [("LIMIT", ["archiveCouncil"]), ("LIMIT", ["retireAgent"])]
    perhaps, not_begun = sorted(
        (error.message for error in result.errors or ()), key=lambda text: "not begun" in text
    )
    assert "may have been carried out all the same" in perhaps
    assert "idempotencyKey" in perhaps
    assert not_begun.endswith("it was not begun")
    assert (retiring.begun, retiring.ended, archiving.begun) == (1, 1, 0)


async def _fall_silent(house: House, under_way: Endless) -> None:
    await until(lambda: under_way.begun == 1)
    house.state.waiting_for = "the graph: Neo4j does not answer"


async def test_mutation_that_the_graph_does_not_answer_is_not_for_clients_to_send_again_by_themselves(
    house: House, endless: Make
) -> None:
    retiring = endless("retire_agent")
    falling_silent = asyncio.create_task(_fall_silent(house, retiring))

    result = await answer(
        """mutation { retireAgent(input: {id: "agt_dev1"}) { errors { code } }
             archiveCouncil(input: {id: "cou_dev"}) { errors { code } } }""",
        house,
    )

    await falling_silent
    assert told(result) == [("UNAVAILABLE", ["archiveCouncil"]), ("UNAVAILABLE", ["retireAgent"])]
    perhaps, not_begun = sorted(
        (error for error in result.errors or ()), key=lambda error: "not begun" in error.message
    )
    assert "waits for the graph; it may have been carried out all the same" in perhaps.message
    assert "retryAfter" not in (perhaps.extensions or {})
    assert not_begun.message.endswith("waits for the graph; it was not begun")
    assert "retryAfter" in (not_begun.extensions or {})


@pytest.mark.parametrize(
    ("lost", "errs_at"),
    [
        ("councils_by_id", ["restoreCouncil"]),
        ("deliberations_of_each", ["restoreCouncil", "council", "deliberations"]),
    ],
    ids=["what was written", "what is below it"],
)
async def test_what_was_carried_out_and_cannot_be_read_back_is_not_to_be_sent_again(
    house: House, monkeypatch: pytest.MonkeyPatch, lost: str, errs_at: list[str]
) -> None:
    async def away(*_: object, **_by_name: object) -> Any:
        raise UnavailableError("Neo4j cannot be reached", "at an address")

    port = house.registry if hasattr(house.registry, lost) else house.archive
    monkeypatch.setattr(port, lost, away)

    with capture_logs() as logs:
        result = await answer(
            """mutation { restoreCouncil(input: {id: "cou_dev"}) { council { name deliberations(first: 1) { edges { node { id } } } } } }""",
            house,
        )

    assert told(result) == [("UNAVAILABLE", errs_at)], result.errors
    [error] = result.errors or []
    assert "it was carried out, and cannot be read now" in error.message
    assert "retryAfter" not in (error.extensions or {})
    [line] = logs
    assert "at an address" in line["why"]


async def test_what_is_waited_for_when_asked_to_does_not_count(house: House) -> None:
    house.operation_seconds = 0.3

    result = await answer('{ deliberation(id: "dlb_1", wait: 1) { status } roles { name } }', house)

    assert told(result) == []
    assert result.data is not None
    assert result.data["deliberation"] == {"status": "RUNNING"}


async def test_subscription_goes_on_for_as_long_as_it_likes(house: House) -> None:
    async with greeted(house) as socket:
        socket.subscribe(
            "1", 'subscription { deliberationEvents(id: "dlb_1", after: 12) { __typename } }'
        )
        await asyncio.sleep(2 * SHORT)
        house.archive.keep(*play(a_deliberation()))
        house.office.post("dlb_1", Moved(deliberation="dlb_1", changed=True))
        messages = [await socket.receive() for _ in range(3)]

    assert [message["type"] for message in messages] == ["next", "next", "complete"]
    assert "errors" not in str(messages)


async def test_caller_who_leaves_a_websocket_operation_ends_what_it_reads(
    house: House, endless: Make
) -> None:
    house.operation_seconds = 60
    councils = endless("councils_by_id")
    async with greeted(house) as socket:
        socket.subscribe("1", "{ roles { council { name } } }")
        await until(lambda: councils.begun == 1)
        socket.send({"type": "complete", "id": "1"})
        await until(lambda: councils.ended == 1)
