"""What the API's limits take of a document that was seen before: found on the list and among those known, and what it costs said."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from strawberry.types import ExecutionContext
from strawberry.types.graphql import OperationType

from orchestrator.api.documents import KnownDocuments
from orchestrator.api.schema import SCHEMA
from orchestrator.api.trusted import Listed, admitted

_TIMES = 2_000
_BLOCKS = 7


async def milliseconds(query: str, variables: Mapping[str, Any]) -> tuple[float, ...]:
    """Return how long it takes, once a block; in this process, whose modules are those of the service."""
    listed = Listed([query])
    await _once(query, variables, listed)
    return tuple([await _block(query, variables, listed) for _ in range(_BLOCKS)])


async def _block(query: str, variables: Mapping[str, Any], listed: Listed) -> float:
    body = query.encode()
    # As requests come: each text is another one, whose hash nobody knows yet.
    texts = [body.decode() for _ in range(_TIMES)]
    began = time.perf_counter()
    for text in texts:
        await _once(text, variables, listed)
    return 1000 * (time.perf_counter() - began) / _TIMES


async def _once(query: str, variables: Mapping[str, Any], listed: Listed) -> None:
    extension = KnownDocuments()
    extension.execution_context = ExecutionContext(
        query=admitted(query, listed),
        schema=SCHEMA,
        allowed_operations=(OperationType.QUERY,),
        variables=dict(variables),
    )
    parsing, validating = extension.on_parse(), extension.on_validate()
    await anext(parsing)
    next(validating)
    await parsing.aclose()
    if not extension.get_results():
        raise AssertionError(f"it was refused: {extension.execution_context.pre_execution_errors}")
