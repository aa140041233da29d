"""What a request accepts: JSON, or server-sent events."""

from __future__ import annotations

import re

EVENTS = "text/event-stream"
GRAPHQL_RESPONSE = "application/graphql-response+json"

_JSON = frozenset({GRAPHQL_RESPONSE, "application/json", "application/*", "*/*"})

_WEIGHT = re.compile(r";\s*q=(\d(?:\.\d+)?)")


def accepted(accept: str) -> list[str]:
    """Return the media types of an `Accept`, in small letters and without parameters, the most welcome first.

    Of those that are as welcome as each other the order counts; what is excluded with a weight of 0 is not among them.
    """
    weights: dict[str, float] = {}
    for one in accept.lower().split(","):
        weight = _WEIGHT.search(one)
        weights[one.partition(";")[0].strip()] = 1.0 if weight is None else float(weight[1])
    welcome = sorted(weights, key=weights.__getitem__, reverse=True)
    return [kind for kind in welcome if weights[kind] > 0]


def prefers_events(accept: str) -> bool:
    """Whether what could be answered as JSON is to be answered as events: they come before all JSON."""
    return next((kind for kind in accepted(accept) if kind in {EVENTS, *_JSON}), None) == EVENTS
