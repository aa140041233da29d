"""Documents: read, weighed and validated once, and then known.

A document is looked at before it is parsed, and weighed before it is validated: either can take time without end of a small
hostile one.
"""

from __future__ import annotations

import asyncio
import re
from bisect import bisect_left
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from graphql.validation.validate import ValidationAbortedError
from strawberry import Schema
from strawberry.extensions import SchemaExtension
from typing_extensions import override

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    Source,
    SourceLocation,
    parse,
    validate,
)
from orchestrator.api.context import Context
from orchestrator.api.limits import (
    MOST_COST,
    ClosedError,
    LimitError,
    check_text,
    too_much_comparing,
)
from orchestrator.api.remembering import Kept
from orchestrator.api.values import too_many_values
from orchestrator.api.weighing import Price, excess, weigh

_END_OF_LINE = re.compile(r"\r\n|[\n\r]")

_NAMES_SHOWN = 8
_NAME_SHOWN = 100

MOST_KNOWN = 256

LONGEST_KNOWN = 20_000
"""Characters. A longer document holds its values itself, and will not be seen again."""


class KnownDocuments(SchemaExtension):
    """Reads documents; one that was seen before is neither parsed nor validated again, nor weighed but for its variables."""

    _read: _Read | None = None
    _cost: int | None = None

    @override
    def on_operation(self) -> Iterator[None]:
        """Give the operation a context of its own."""
        context = self.execution_context.context
        if not isinstance(context, Context):
            yield
            return
        own = self.execution_context.context = context.for_operation()
        try:
            yield
        except BaseException:
            # It is over before its end, such as where its caller has left.
            own.loaders.let_go()
            raise
        finally:
            # graphql-core's executor refers to itself: what it refers to would stay until all garbage is looked for.
            own.refresh()

    @override
    async def on_parse(self) -> AsyncGenerator[None]:
        """Parse, or remember having done it; what cannot be parsed is left to Strawberry to tell."""
        operation = self.execution_context
        query = operation.query or ""
        # Strawberry's own extensions reach for it too: it has no other name.
        schema: GraphQLSchema = operation.schema._schema  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        with suppress(GraphQLSyntaxError):
            self._read = await _known(schema).read(query)
            operation.graphql_document = self._read.document
        yield

    @override
    def on_validate(self) -> Iterator[None]:
        """Weigh and validate, or remember having done it."""
        operation = self.execution_context
        if self._read is not None:
            document, judgment = self._read
            # Strawberry would run the first of several; who sent them said it under no other name either.
            said = operation._provided_operation_name  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
            errors = judgment.errors or _ambiguity(document, said)
            errors = errors or too_many_values(operation.variables)
            if not errors:
                price = judgment.price(said)
                self._cost = price.of(operation.variables)
                errors = excess(self._cost) or _closed(price, operation.context)
            operation.pre_execution_errors = list(errors)
        yield

    @override
    def get_results(self) -> dict[str, Any]:
        """Tell what an operation costs."""
        if self._cost is None:
            return {}
        return {"cost": {"requested": self._cost, "limit": MOST_COST}}


def _parse(query: str) -> DocumentNode:
    check_text(query)
    return parse(_Text(query))


class _Text(Source):
    """A document's text, which is looked through for its lines once, however many mistakes are in them."""

    @override
    def get_location(self, position: int) -> SourceLocation:
        line = bisect_left(self._ends, (position,))
        return SourceLocation(line + 1, position + 1 - (self._ends[line - 1][1] if line else 0))

    @cached_property
    def _ends(self) -> list[tuple[int, int]]:
        """Where the end of each line begins, and where it is over."""
        return [found.span() for found in _END_OF_LINE.finditer(self.body)]


@dataclass(frozen=True, slots=True)
class _Judgment:
    """What is known of a document: what is wrong with it, else what its operations cost, by their names."""

    errors: tuple[GraphQLError, ...] = ()
    prices: Mapping[str, Price] = field(default_factory=dict[str, Price])

    def price(self, name: str | None) -> Price:
        """Of the operation of that name, which there is; of the only one where none was said."""
        return next(iter(self.prices.values())) if name is None else self.prices[name]


class _Read(NamedTuple):
    document: DocumentNode
    judgment: _Judgment


def _judge(schema: GraphQLSchema, document: DocumentNode) -> _Judgment:
    try:
        prices = weigh(schema, document)
    except LimitError as refusal:
        return _Judgment((refusal,))
    errors = validate(schema, document)
    if len(errors) == 1 and isinstance(errors[0], ValidationAbortedError):
        # The bounds of tokens and of nesting keep off all else for which it gives up what may be valid.
        return _Judgment((too_much_comparing(),))
    return _Judgment(tuple(_of_document(error) for error in errors), prices)


def mistakes(schema: Schema, text: str) -> tuple[str, ...]:
    """Say what is wrong with a document, whoever sends it and whatever its variables; none where it can be answered."""
    try:
        # As above.
        judgment = _judge(schema._schema, _parse(text))  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    except GraphQLError as error:
        return (_placed(error),)
    return tuple(map(_placed, judgment.errors))


def _placed(error: GraphQLError) -> str:
    line = f"line {error.locations[0].line}: " if error.locations else ""
    return f"{line}{error.message}"


def _of_document(error: GraphQLError) -> GraphQLError:
    """Tell a value that cannot even be read, such as a number of thousands of digits, as the mistake that it is."""
    if isinstance(error.original_error, ValueError):
        return GraphQLError("a value in the document cannot be read", nodes=error.nodes)
    return error


def _closed(price: Price, context: object) -> tuple[GraphQLError, ...]:
    """Say that the schema is not shown, where it is asked for and is not."""
    if price.introspects and isinstance(context, Context) and not context.ports.introspection:
        return (
            ClosedError(
                "this service answers no introspection (COUNCIL_INTROSPECTION); its schema is in its repository, as graphql/schema.graphql"
            ),
        )
    return ()


def _ambiguity(document: DocumentNode, said: str | None) -> tuple[GraphQLError, ...]:
    """Say which operations there are, where it was not said which is meant."""
    names = [
        "" if node.name is None else node.name.value
        for node in document.definitions
        if isinstance(node, OperationDefinitionNode)
    ]
    if said is not None or len(names) <= 1:
        return ()
    shown = ", ".join(name[:_NAME_SHOWN] for name in names[:_NAMES_SHOWN])
    more = ", …" if len(names) > _NAMES_SHOWN else ""
    return (
        GraphQLError(f"the document has the operations {shown}{more}: name one as operationName"),
    )


class _Known:
    """The documents that can be answered, of those that were seen last; what is refused says why anew each time."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._kept = Kept[_Read](MOST_KNOWN)
        self._judging = WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock]()

    async def read(self, text: str) -> _Read:
        """Parse, weigh and validate, or remember having done it.

        Each takes a while in which nothing else is done: they take turns, and others are answered between one and the next.

        Raises:
            GraphQLError: it cannot be parsed.
        """
        known = self._kept.find(text)
        if known is not None:
            return known.value
        async with self._judging.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
            await asyncio.sleep(0)
            # Another may have been sent the same, and have had its turn.
            known = self._kept.find(text)
            return self._judged(text) if known is None else known.value

    def _judged(self, text: str) -> _Read:
        document = _parse(text)
        read = _Read(document, _judge(self._schema, document))
        if not read.judgment.errors and len(text) <= LONGEST_KNOWN:
            terms = sum(len(price.cost.terms) for price in read.judgment.prices.values())
            self._kept.keep(text, document, read, terms)
        return read


_known = lru_cache(maxsize=8)(_Known)
