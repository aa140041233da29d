"""What is known of a document that was seen before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from graphql.language import source

from graphql import DocumentNode, Source
from orchestrator.api import documents
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
