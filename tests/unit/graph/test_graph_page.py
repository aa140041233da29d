"""The page about the graph says what there is in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from graphql import GraphQLInterfaceType, GraphQLObjectType, build_schema
from orchestrator.graph.vocabulary import (
    RELATIONSHIPS,
    RELATIONSHIPS_MAY_HAVE,
    RELATIONSHIPS_REQUIRE,
    REQUIRED,
    properties_of,
)

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "graph.md").read_text("utf-8")
SCHEMA = build_schema((ROOT / "graphql" / "schema.graphql").read_text("utf-8"))


TYPES = {"RemovedEndpoint": "Endpoint", "Claim": "DeliberationClaimed"}
"""Under which name the API tells of a label, where that is another one."""


def told_by_the_api(label: str) -> set[str]:
    """The fields of the API's type, of which the schema says what they are."""
    type_ = SCHEMA.type_map.get(TYPES.get(label, label))
    told = isinstance(type_, GraphQLObjectType | GraphQLInterfaceType)
    return set(type_.fields) if told else set()


@pytest.mark.parametrize("label", REQUIRED)
def test_every_label_is_on_the_page(label: str) -> None:
    assert re.search(rf"\b{label}\b", PAGE)


@pytest.mark.parametrize("type_", sorted({type_ for type_, _, _ in RELATIONSHIPS}))
def test_every_type_of_relationship_is_on_the_page(type_: str) -> None:
    assert re.search(rf"\b{type_}\b", PAGE)


@pytest.mark.parametrize("label", REQUIRED)
def test_every_property_that_the_api_does_not_tell_is_on_the_page(label: str) -> None:
    properties = properties_of(label).keys() - told_by_the_api(label)
    assert [name for name in sorted(properties) if not re.search(rf"\b{name}\b", PAGE)] == []


ROWS = [
    (name, set(labels.split(", ")))
    for names, labels in re.findall(r"^\| (`[^|]*) \| ([^|]*) \|.*\|$", PAGE, re.MULTILINE)
    for name in re.findall(r"`(\w+)`", names)
    if labels.split(", ")[0] in REQUIRED
]
"""The properties in the table of what the engine keeps for itself, each with the labels that it says it is of."""


@pytest.mark.parametrize(("name", "labels"), ROWS)
def test_every_row_names_all_that_have_the_property(name: str, labels: set[str]) -> None:
    having = {label for label in REQUIRED if name in properties_of(label)}
    untold = {label for label in having if name not in told_by_the_api(label)}
    assert untold <= labels <= having


@pytest.mark.parametrize("type_", [*RELATIONSHIPS_REQUIRE, *RELATIONSHIPS_MAY_HAVE])
def test_every_property_of_a_relationship_is_on_the_page(type_: str) -> None:
    names = {**RELATIONSHIPS_REQUIRE, **RELATIONSHIPS_MAY_HAVE}[type_]
    assert f"[:{type_} {{{', '.join(names)}}}]" in PAGE
