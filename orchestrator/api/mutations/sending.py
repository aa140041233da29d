"""An input as its sender sent it: what was left out, what was null, and what was a value."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from enum import Enum
from hashlib import sha256
from typing import TypeVar, cast

from strawberry.types.maybe import Some

from orchestrator.domain import limits
from orchestrator.domain.callers import Caller
from orchestrator.domain.drafts import Clear, Idempotency
from orchestrator.domain.validation import Inspection

T = TypeVar("T")


def given(value: Some[T | None] | None) -> T | None:
    """What was sent; none where it was left out or null, which for something new is the same."""
    return None if value is None else value.value


def changed(value: Some[T | None] | None) -> T | Clear | None:
    """What was sent; none where it was left out, and so stays as it is, and CLEAR for null."""
    if value is None:
        return None
    return Clear.CLEAR if value.value is None else value.value


def inspect_key(inspection: Inspection, key: Some[str | None] | None) -> str | None:
    """Look at an idempotency key."""
    sent = given(key)
    if sent is not None:
        inspection.name(("idempotencyKey",), sent, limits.IDEMPOTENCY_KEY)
    return sent


def idempotency(caller: Caller, mutation: str, key: str | None, sent: object) -> Idempotency | None:
    """Say under which key a mutation is done once; none where its sender gave none."""
    if key is None:
        return None
    return Idempotency(key=f"{caller.keyspace}/{mutation}/{key}", input_digest=digest(sent))


def digest(sent: object) -> str:
    """Digest an input as it was sent, before defaults, without its key.

    An input reads the same whether its values stood in the document or in variables.
    """
    plain = cast("dict[str, object]", _plain(sent))
    plain.pop("idempotency_key", None)
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()


def _plain(value: object) -> object:
    if isinstance(value, Some):
        return _plain(cast("Some[object]", value).value)
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, list):
        return [_plain(item) for item in cast("list[object]", value)]
    if is_dataclass(value) and not isinstance(value, type):
        sent = {field.name: getattr(value, field.name) for field in fields(value)}
        # An optional field that was left out is none; one that was null is Some(none).
        return {name: _plain(item) for name, item in sent.items() if item is not None}
    return value
