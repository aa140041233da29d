"""A request as it was sent, over whatever it came: how its body is written, the types of its fields, and what its document is known by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast
from urllib.parse import unquote_plus

from starlette.datastructures import Headers

from orchestrator.api.trusted import with_document

_TYPES: Final = {
    "query": (str, "a string"),
    "operationName": (str, "a string"),
    "variables": (dict, "an object"),
    "extensions": (dict, "an object"),
}

_PARAMETERS: Final = {*_TYPES, "documentId"}

_OF_OPERATIONS: Final = {"subscribe", "complete"}
"""The messages that say by an id of which operation they are."""

_CHARACTER_SETS: Final = {"utf-8", "utf8", "us-ascii"}
"""ASCII is UTF-8."""


class UnfitError(Exception):
    """A request, or a message of a WebSocket, that is none: `path` leads to its wrong field."""

    def __init__(self, what: str, *path: str) -> None:
        """`what` says what would be right."""
        self.path: tuple[str, ...] = path
        super().__init__(what)


def unreadable(headers: Headers) -> tuple[str, dict[str, str]] | None:
    """Say what would be right where a request's body is written in another way than those that are read, and the header that says so.

    No other type than JSON has a browser ask first whether a page of another site may send it.
    """
    kind, *parameters = (
        part.strip().lower() for part in headers.get("content-type", "").split(";")
    )
    if kind != "application/json":
        right = "application/json"
        return f"a request must have the content type {right}", {"Accept-Post": right}
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip(' "') not in _CHARACTER_SETS:
            right = "application/json; charset=utf-8"
            return "a request must be in UTF-8: JSON has no other character set", {
                "Accept-Post": right
            }
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        return (
            "a request must be sent as it is, without a Content-Encoding: only answers are compressed",
            {"Accept-Encoding": "identity"},
        )
    return None


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


def fit_parameters(sent: bytes) -> None:
    """Find those of a request's address that would be read as something else than was sent, and nobody would be told.

    Args:
        sent: all of them, as they were written.

    Raises:
        UnfitError: one is no UTF-8, or is there twice.
    """
    seen: set[str] = set()
    for parameter in sent.decode("latin-1").split("&"):
        name, _, value = parameter.partition("=")
        name = unquote_plus(name)
        if name not in _PARAMETERS:
            continue
        if name in seen:
            raise _mistyped("there once", name)
        seen.add(name)
        try:
            unquote_plus(value, errors="strict")
        except UnicodeDecodeError as error:
            raise _mistyped("percent-encoded UTF-8", name) from error


def fit_message(sent: object) -> object:
    """Return a message whose fields have the types that graphql-transport-ws gives them, with its document in its place.

    Raises:
        UnfitError: it is none.
    """
    if not isinstance(sent, dict):
        raise UnfitError("a message must be a JSON object")
    # Null is what was not sent, as clients have it.
    message = {
        name: value for name, value in cast("dict[str, Any]", sent).items() if value is not None
    }
    kind = message.get("type")
    if not isinstance(kind, str):
        raise _mistyped("a string", "type")
    if not isinstance(message.get("id", None if kind in _OF_OPERATIONS else ""), str):
        raise _mistyped("a string", "id")
    if kind != "subscribe":
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
