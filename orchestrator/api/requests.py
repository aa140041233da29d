"""A request as it was sent, over whatever it came: the types of its fields, and what its document is known by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from orchestrator.api.trusted import with_document

_TYPES: Final = {
    "query": (str, "a string"),
    "operationName": (str, "a string"),
    "variables": (dict, "an object"),
    "extensions": (dict, "an object"),
}


class UnfitError(Exception):
    """A request, or a message of a WebSocket, that is none: `path` leads to its wrong field."""

    def __init__(self, what: str, *path: str) -> None:
        """`what` says what would be right."""
        self.path: tuple[str, ...] = path
        super().__init__(what)


def fit_request(sent: Mapping[str, Any], *place: str) -> dict[str, Any]:
    """Return a request whose fields have the types that GraphQL over HTTP gives them, with its document in its place.

    Args:
        sent: what was sent.
        place: where it stands within what was sent.

    Raises:
        UnfitError: it is none.
    """
    for name, (kind, words) in _TYPES.items():
        if not isinstance(sent.get(name), kind | None):
            raise _mistyped(f"{words}, or null", *place, name)
    try:
        return with_document(sent)
    except ValueError as error:
        raise UnfitError(str(error), *place, "documentId") from error


def fit_message(sent: object) -> object:
    """Return a message whose fields have the types that graphql-transport-ws gives them, with its document in its place.

    Raises:
        UnfitError: it is none.
    """
    if not isinstance(sent, dict):
        raise UnfitError("a message must be a JSON object")
    message = cast("dict[str, Any]", sent)
    subscribes = message.get("type") == "subscribe"
    if not isinstance(message.get("id", None if subscribes else ""), str):
        raise _mistyped("a string", "id")
    if not subscribes:
        return message
    payload = message.get("payload")
    if not isinstance(payload, dict):
        raise _mistyped("an object", "payload")
    request = fit_request(cast("dict[str, Any]", payload), "payload")
    if request.get("query") is None:
        raise _mistyped("a string", "payload", "query")
    return {**message, "payload": request}


def _mistyped(words: str, *path: str) -> UnfitError:
    return UnfitError(f"{'.'.join(path)} must be {words}", *path)
