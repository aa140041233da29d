"""The scalars, in and out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphql import GraphQLError
from orchestrator.api.scalars import (
    LARGEST_COUNT,
    parse_count,
    parse_instant,
    print_count,
    print_instant,
)

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-01-31T12:00:00Z", NOON),
        ("2026-01-31t12:00:00z", NOON),
        ("2026-01-31T14:30:00+02:30", NOON),
        ("2026-01-31T12:00:00.5Z", NOON + timedelta(milliseconds=500)),
        ("2026-01-31T12:00:00.123456789-00:00", NOON + timedelta(microseconds=123456)),
    ],
)
def test_instant_is_read_as_utc(text: str, instant: datetime) -> None:
    assert parse_instant(text) == instant
    assert parse_instant(text).tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        "",
        "2026-01-31",
        "2026-01-31T12:00:00",
        "2026-01-31 12:00:00Z",
        "2026-W05-6T12:00:00Z",
        "2026-13-01T12:00:00Z",
        "2026-01-31T25:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "\u0662026-01-31T12:00:00Z",
        0,
        None,
        1.5,
        ["2026-01-31T12:00:00Z"],
    ],
)
def test_what_is_no_instant_is_refused(value: object) -> None:
    with pytest.raises(GraphQLError):
        parse_instant(value)


EARLIEST, LATEST = NOON.replace(tzinfo=None, year=1), NOON.replace(tzinfo=None, year=9999)


@given(st.datetimes(EARLIEST, LATEST, timezones=st.just(UTC)))
def test_instant_is_read_as_it_was_printed(instant: datetime) -> None:
    assert parse_instant(print_instant(instant)) == instant


def test_instant_keeps_its_offset_and_must_have_one() -> None:
    east = NOON.astimezone(timezone(timedelta(hours=2)))

    assert print_instant(east) == "2026-01-31T14:00:00+02:00"
    with pytest.raises(ValueError, match="has no offset"):
        print_instant(datetime(2026, 1, 31, 12))  # noqa: DTZ001 - on purpose


@given(st.integers(0, LARGEST_COUNT))
def test_count_is_read_as_it_was_printed(count: int) -> None:
    assert parse_count(print_count(count)) == count


def test_whole_float_is_a_count() -> None:
    assert parse_count(2.0) == 2


def test_count_below_zero_is_for_its_field_to_refuse() -> None:
    assert parse_count(-1) == -1


@pytest.mark.parametrize(
    "value", [-LARGEST_COUNT - 1, LARGEST_COUNT + 1, 1.5, True, "1", None, float("inf")]
)
def test_what_is_no_count_is_refused(value: object) -> None:
    with pytest.raises(GraphQLError):
        parse_count(value)


@pytest.mark.parametrize("value", [-1, LARGEST_COUNT + 1])
def test_count_that_json_cannot_hold_is_not_printed(value: int) -> None:
    with pytest.raises(ValueError, match="is no count"):
        print_count(value)
