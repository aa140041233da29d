"""What the plan of a query does where its fields do not do what they are there for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest

from orchestrator.api.projection import plans, shapes
from orchestrator.api.projection.errors import NotProjectedError
from orchestrator.api.projection.plans import Entry, Plan
from orchestrator.api.projection.run import Run


class _Counting:
    """As many values as it is told, however many objects there are."""

    def __init__(self, values: int) -> None:
        self._values = values

    def values(self, sources: Sequence[Any], run: Run) -> Sequence[Any]:
        del sources, run
        return ["value"] * self._values


def _plan(*values: int) -> Plan:
    leaf = shapes.Leaf(str, str)
    entries = [Entry(f"field{n}", _Counting(many), leaf) for n, many in enumerate(values)]
    return Plan(entries, root=False, shown=False)


def test_each_object_has_its_answer() -> None:
    answers = _plan(2, 2).project(["one", "two"], Run(cast("Any", None)))
    assert answers == [{"field0": "value", "field1": "value"}] * 2


@pytest.mark.parametrize("values", [(2, 1), (1, 2), (2, 3), (1, 1), (3, 3)])
def test_objects_of_which_some_lack_a_value_are_not_answered_short(values: tuple[int, int]) -> None:
    with pytest.raises(NotProjectedError, match="one value an object"):
        _plan(*values).project(["one", "two"], Run(cast("Any", None)))


@pytest.mark.parametrize(("length", "remembered"), [(1_000, 1), (1_001, 0)])
def test_form_of_an_answer_is_remembered_where_its_keys_are_short(
    length: int, remembered: int
) -> None:
    forms = plans._known_form  # pyright: ignore[reportPrivateUsage]
    before = forms.cache_info().misses
    entries = [Entry(letter * length, _Counting(1), shapes.Leaf(str, str)) for letter in ("a", "b")]

    Plan(entries, root=False, shown=False)

    assert forms.cache_info().misses - before == remembered
