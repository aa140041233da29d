"""What is known of a document that was seen before."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import pytest
from graphql.language import source

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    Source,
    validate,
)
from orchestrator.api import documents, remembering
from orchestrator.api.schema import SCHEMA
from tests.unit.api.conftest import Api


async def test_document_that_was_seen_before_is_neither_parsed_nor_validated_again(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def noting(name: str) -> None:
        do = getattr(documents, name)

        def noted(*given: Any) -> Any:
            done.append(name)
            return do(*given)

        monkeypatch.setattr(documents, name, noted)

    noting("parse")
    noting("validate")
    asked = "query SeenTwice { service { version } }"

    first, second = await api.send(asked), await api.send(asked)

    assert first == second
    assert done == ["parse", "validate"]


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the operations that were validated."""
    names: list[str] = []

    def noting(schema: GraphQLSchema, document: DocumentNode) -> list[GraphQLError]:
        [operation] = document.definitions
        assert isinstance(operation, OperationDefinitionNode)
        assert operation.name is not None
        names.append(operation.name.value)
        return validate(schema, document)

    monkeypatch.setattr(documents, "validate", noting)
    return names


async def test_documents_that_were_not_seen_before_are_judged_with_a_turn_for_others_between(
    api: Api, judged: list[str]
) -> None:
    at_once: list[int] = []

    async def others() -> None:
        before = 0
        while True:
            at_once.append(len(judged) - before)
            before = len(judged)
            await asyncio.sleep(0)

    watching = asyncio.ensure_future(others())
    async with asyncio.TaskGroup() as asking:
        for number in range(20):
            asking.create_task(api.ask(f"query InTurn{number} {{ service {{ version }} }}"))
    watching.cancel()

    assert len(judged) == 20
    assert max(at_once) == 1


async def test_document_that_was_seen_before_does_not_wait_for_others_to_be_judged(
    api: Api, judged: list[str]
) -> None:
    known = "query Known { service { version } }"
    await api.ask(known)

    async with asyncio.TaskGroup() as asking:
        for number in range(50):
            asking.create_task(api.ask(f"query Unknown{number} {{ service {{ version }} }}"))
        await asking.create_task(api.ask(known))
        judged_by_then = len(judged)

    assert judged_by_then < len(judged)


async def test_document_that_is_sent_many_times_at_once_is_judged_once(
    api: Api, judged: list[str]
) -> None:
    async with asyncio.TaskGroup() as asking:
        for _ in range(5):
            asking.create_task(api.ask("query ManyTimes { service { version } }"))

    assert judged == ["ManyTimes"]


async def test_document_that_is_refused_is_not_remembered_with_what_it_is_told(api: Api) -> None:
    kept = known()
    before = len(list(kept))

    for number in range(3):
        await api.fail("{ " + f"a{number}" * 1000 + " }")

    assert len(list(kept)) == before


async def test_as_much_is_remembered_as_weighs_no_more_than_it_may(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembering, "_MOST_WEIGHT", 100)
    for number in range(9):
        await api.ask(f"query Heavy{number} {{ " + "__typename " * 20 + "}")

    # Of each: two for the braces, two for the name, and the beginning and the end of all.
    assert len(list(known())) == 100 // 26


def known() -> remembering.Kept[Any]:
    schema = vars(SCHEMA)["_schema"]
    return vars(documents._known(schema))["_kept"]  # pyright: ignore[reportPrivateUsage]


MANY_MISTAKES = "\n\r\n\r# one\r\n{\n\n a\r\r\nb\n}\r"


def parsed(text: str) -> DocumentNode:
    return documents._parse(text)  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize("position", range(len(MANY_MISTAKES) + 1))
def test_each_place_in_a_document_is_in_the_line_in_which_graphql_has_it(position: int) -> None:
    place = parsed(MANY_MISTAKES).loc
    assert place is not None

    told = place.source.get_location(position)

    assert told == Source(MANY_MISTAKES).get_location(position)


async def test_document_is_looked_through_for_its_lines_once_however_many_mistakes_it_has(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = 0

    class Looking:
        def finditer(self, text: str) -> Iterator[re.Match[str]]:
            nonlocal looked
            looked += 1
            return re.finditer(r"\n", text)

    monkeypatch.setattr(documents, "_END_OF_LINE", Looking())
    # graphql-core would look, once a mistake, with its own.
    monkeypatch.setattr(source, "_re_newline", Looking())

    answer = await api.send("\n{ " + "nothing " * 9 + "}")

    assert [error["locations"][0]["line"] for error in answer["errors"]] == [2] * 9
    assert looked == 1
