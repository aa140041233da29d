"""Trusted documents: where there is a list, nothing else is answered; each is known by its hash.

As the draft on persisted documents of GraphQL over HTTP has it: `documentId` is sent in the place of `query`. What Apollo's clients send
is understood, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, cast

from graphql import GraphQLError
from orchestrator.api.limits import ClosedError
from orchestrator.api.ports import Documents

_PREFIX = "sha256:"
_LONGEST_SHOWN = 80


class DocumentId(str):
    """What a document is known by, in the place of its text."""

    __slots__ = ()


class ApolloHash(DocumentId):
    """The hash that Apollo's clients, and others that do as they do, send at first, to see whether it will do."""

    __slots__ = ()


class Listed:
    """The list."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Each text is a document as it is sent, byte for byte."""
        self._texts = frozenset(texts)
        self._by_hash = {sha256(text.encode()).hexdigest(): text for text in self._texts}

    def __len__(self) -> int:
        return len(self._texts)

    def admit(self, sent: str) -> str:
        """Return the text of what was sent.

        Raises:
            ClosedError: it is not on the list.
        """
        if isinstance(sent, DocumentId):
            text = self._by_hash.get(sent.removeprefix(_PREFIX))
            if text is None:
                raise ClosedError(
                    f"this service answers only documents that it lists (COUNCIL_DOCUMENTS), and none has the id {sent[:_LONGEST_SHOWN]}: an id is {_PREFIX} and the SHA-256 hash of the text"
                )
            return text
        if sent not in self._texts:
            raise ClosedError(
                "this service answers only documents that it lists (COUNCIL_DOCUMENTS), and this is none of them, byte for byte"
            )
        return sent


def admitted(sent: str | None, documents: Documents | None) -> str | None:
    """Return the text of what was sent; without a list all of it is answered.

    Raises:
        GraphQLError: it is not answered.
    """
    if sent is None:
        return None
    if documents is not None:
        return documents.admit(sent)
    if isinstance(sent, ApolloHash):
        # The word after which they send the document itself, and no hash any more.
        raise GraphQLError("PersistedQueryNotSupported")
    if isinstance(sent, DocumentId):
        raise GraphQLError(
            "this service lists no documents (COUNCIL_DOCUMENTS): send the document itself, as query"
        )
    return sent


def with_document(request: Mapping[str, Any]) -> dict[str, Any]:
    """Put into the place of a request's document what it is known by, where it is known by that alone.

    Raises:
        ValueError: it is known by nothing that can be, or by both; the message says so.
    """
    placed = dict(request)
    sent = placed.get("documentId")
    if sent is None:
        if placed.get("query") is None and (found := _apollo(placed.get("extensions"))) is not None:
            placed["query"] = ApolloHash(found)
        return placed
    if not isinstance(sent, str) or not sent:
        raise ValueError("documentId must be a string such as sha256: and 64 hexadecimal digits")
    if placed.get("query") is not None:
        raise ValueError("give either query or documentId, not both")
    placed["query"] = DocumentId(sent)
    return placed


def _apollo(extensions: object) -> str | None:
    """The hash that Apollo's clients send at first, without the document."""
    if isinstance(extensions, dict):
        match cast("dict[str, object]", extensions).get("persistedQuery"):
            case {"sha256Hash": str(found)} if found:
                return found
            case _:
                pass
    return None
