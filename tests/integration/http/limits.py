"""What who sends too much is told, and what the log has of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def assert_told_and_logged(
    error: Mapping[str, Any], logs: Sequence[Mapping[str, Any]], *, name: str, bound: int
) -> None:
    """Hold an error to the form of those of all limits, and the log to one line of it."""
    extensions = error["extensions"]
    limit = extensions["limit"]
    [line] = logs
    assert set(extensions) == {"code", "path", "correlationId", "limit"}
    assert (extensions["code"], extensions["path"]) == ("LIMIT", [])
    assert limit == {"name": name, "value": limit["value"], "bound": bound}
    assert limit["value"] > bound
    assert str(limit["value"]) in error["message"]
    assert str(bound) in error["message"]
    assert line == {
        "event": "request_too_large",
        "log_level": "warning",
        "client": "127.0.0.1",
        "correlation_id": extensions["correlationId"],
        "limit": name,
        "value": limit["value"],
        "bound": bound,
    }
