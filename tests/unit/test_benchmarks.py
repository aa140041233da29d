"""How benchmarks reckon; what they measure is not tested."""

from __future__ import annotations

import pytest

from tests.benchmarks.persistence import covered
from tests.benchmarks.results import Figure


@pytest.mark.parametrize(("count", "interval"), [(6, (1, 6)), (20, (6, 15)), (50, (18, 33))])
def test_a_median_lies_between_values_that_depend_on_how_many_there_are(
    count: int, interval: tuple[float, float]
) -> None:
    # As printed tables of confidence intervals for the median have them.
    values = tuple(float(value) for value in range(count, 0, -1))
    assert Figure(what="", unit="", values=values).interval == interval


def test_of_too_few_values_nothing_is_said_about_their_median() -> None:
    assert Figure(what="", unit="", values=(1.0, 2.0, 3.0, 4.0, 5.0)).interval is None


def test_what_lasts_at_the_same_time_is_counted_once() -> None:
    assert covered([(5.0, 6.0), (0.0, 2.0), (1.0, 3.0), (1.5, 2.5)]) == 4.0
