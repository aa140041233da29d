"""Between which ids a list is looked for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from orchestrator.domain.ids import Prefix
from orchestrator.graph.paging import Span, narrowed

EARLIEST = datetime.min.replace(tzinfo=UTC)
LATEST = datetime.max.replace(tzinfo=UTC)


def test_a_bound_in_time_leaves_out_what_by_its_id_is_more_than_a_day_away():
    span = narrowed(
        Span(),
        Prefix.DELIBERATION,
        datetime(2026, 1, 2, tzinfo=UTC),
        datetime(2026, 1, 3, tzinfo=UTC),
    )
    assert span == Span(above="dlb_019b76daa800", below="dlb_019b864dbc00")


@pytest.mark.parametrize(
    ("since", "before", "span"),
    [
        (EARLIEST, None, Span(above="dlb_000000000000")),
        (None, LATEST, Span(below="dlb_e677d21fdbff")),
    ],
)
def test_a_bound_at_the_end_of_the_calendar_is_none(
    since: datetime | None, before: datetime | None, span: Span
):
    assert narrowed(Span(), Prefix.DELIBERATION, since, before) == span
