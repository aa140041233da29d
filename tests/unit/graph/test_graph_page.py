"""The page about the graph says what there is in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestrator.graph.vocabulary import RELATIONSHIPS, REQUIRED

PAGE = (Path(__file__).parents[3] / "docs" / "graph.md").read_text("utf-8")


@pytest.mark.parametrize("label", REQUIRED)
def test_every_label_is_on_the_page(label: str) -> None:
    assert re.search(rf"\b{label}\b", PAGE)


@pytest.mark.parametrize("type_", sorted({type_ for type_, _, _ in RELATIONSHIPS}))
def test_every_type_of_relationship_is_on_the_page(type_: str) -> None:
    assert re.search(rf"\b{type_}\b", PAGE)
