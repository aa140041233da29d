"""A Neo4j may be told another time zone (`db.temporal.timezone`): no statement has it make an instant in that."""

from __future__ import annotations

import re

import pytest

from orchestrator.graph.statements import statements

_IN_THE_ZONE_OF_THE_SERVER = re.compile(
    r"""
    \bdatetime (\.\w+)? \( \s* \)                  # of now
    | \bdatetime (\.\w+)? \( \s* \{ (?! [^}]* \btimezone:)  # of numbers
    | \b(localdatetime|localtime|date|time) (\.\w+)? \(
    """,
    re.VERBOSE,
)


@pytest.mark.parametrize("name", sorted(statements()))
def test_every_instant_is_made_in_utc(name: str) -> None:
    assert not _IN_THE_ZONE_OF_THE_SERVER.search(statements()[name])


@pytest.mark.parametrize(
    "text",
    [
        "datetime()",
        "datetime.realtime()",
        "datetime({epochSeconds: row[0], microsecond: 1})",
        "localdatetime()",
        "date.realtime('Z')",
    ],
)
def test_what_depends_on_the_server_would_be_seen(text: str) -> None:
    assert _IN_THE_ZONE_OF_THE_SERVER.search(f"SET n.at = {text}")
