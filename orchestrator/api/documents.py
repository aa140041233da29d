"""Documents: read, weighed and validated once, and then known.

A document is weighed before it is validated, and without expanding fragments one by one: both
validation and execution of a small hostile document can take time without end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial

from strawberry.extensions import SchemaExtension
from typing_extensions import override

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    parse,
    validate,
)
from orchestrator.api.context import Context
from orchestrator.api.errors import LimitError
from orchestrator.api.remembering import Remembered
from orchestrator.domain.pages import DEFAULT_PAGE, LARGEST_PAGE

MOST_TOKENS = 2_000
DEEPEST = 18
MOST_SELECTIONS = 2_000
"""Selections, those of a fragment counted wherever it is spread."""
HEAVIEST = 100_000
"""Fields in the answer, if every list is as long as it is likely to be."""

_LIKELY_LIST = 5
"""How long a list is likely to be that is no page."""

_NAMES_SHOWN = 8
_NAME_SHOWN = 100

_SIZES = {str(size): max(size, 1) for size in range(LARGEST_PAGE)}

_MOST_KNOWN = 256

_LONGEST_KNOWN = 20_000
"""Characters. A longer document holds its values itself, and will not be seen again."""


class KnownDocuments(SchemaExtension):
    """Reads documents; one that was seen before is neither parsed nor validated again."""

    @override
    def on_operation(self) -> Iterator[None]:
        """Give the operation a context of its own."""
        context = self.execution_context.context
        if isinstance(context, Context):
            self.execution_context.context = context.for_operation()
        yield

    @override
    def on_parse(self) -> Iterator[None]:
        """Parse, or remember having done it; what cannot be parsed is left to Strawberry to tell."""
        operation = self.execution_context
        operation.parse_options["max_tokens"] = MOST_TOKENS
        query = operation.query or ""
        read = _parse_and_remember if len(query) <= _LONGEST_KNOWN else _parse
        with suppress(GraphQLError, RecursionError):
            operation.graphql_document = read(query)
        yield

    @override
    def on_validate(self) -> Iterator[None]:
        """Weigh and validate, or remember having done it."""
        operation = self.execution_context
        document, query = operation.graphql_document, operation.query
        if document is not None and query is not None:
            # Strawberry's own extensions reach for it too: it has no other name.
            schema: GraphQLSchema = operation.schema._schema  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
            judge = _judging(schema) if len(query) <= _LONGEST_KNOWN else partial(_judge, schema)
            # Strawberry would run the first of several; who sent them said it under no other name either.
            said = operation._provided_operation_name  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
            errors = judge(document)
            operation.pre_execution_errors = list(errors or _ambiguity(document, said))
        yield


def _parse(query: str) -> DocumentNode:
    return parse(query, max_tokens=MOST_TOKENS)


def _judge(schema: GraphQLSchema, document: DocumentNode) -> tuple[GraphQLError, ...]:
    refusal = _Scale(schema, document).refusal()
    if refusal is not None:
        return (LimitError(refusal),)
    return tuple(_of_document(error) for error in validate(schema, document))


def _of_document(error: GraphQLError) -> GraphQLError:
    """Tell a value that cannot even be read, such as a number of thousands of digits, as the mistake that it is."""
    if isinstance(error.original_error, ValueError):
        return GraphQLError("a value in the document cannot be read", nodes=error.nodes)
    return error


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


_parse_and_remember = lru_cache(maxsize=_MOST_KNOWN)(_parse)


@lru_cache(maxsize=8)
def _judging(schema: GraphQLSchema) -> Remembered[DocumentNode, tuple[GraphQLError, ...]]:
    return Remembered(partial(_judge, schema), _MOST_KNOWN)


@dataclass(frozen=True, slots=True)
class _Weight:
    depth: int = 0
    selections: int = 0
    fields: int = 0

    def beside(self, other: _Weight) -> _Weight:
        return _Weight(
            max(self.depth, other.depth),
            self.selections + other.selections,
            self.fields + other.fields,
        )


class _Scale:
    """Weighs the operations of one document."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._pages, self._lists = _plural_fields(schema)
        self._operations: Sequence[OperationDefinitionNode] = [
            node for node in document.definitions if isinstance(node, OperationDefinitionNode)
        ]
        self._fragments = {
            node.name.value: node
            for node in document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }
        self._known: dict[str, _Weight] = {}

    def refusal(self) -> str | None:
        """Say which limit an operation is over; none where it is within all of them."""
        for operation in self._operations:
            weight = self._of(operation.selection_set)
            for what, value, bound in (
                ("depth", weight.depth, DEEPEST),
                ("number of selections", weight.selections, MOST_SELECTIONS),
                ("number of fields that it may bring", weight.fields, HEAVIEST),
            ):
                if value > bound:
                    return f"the operation's {what} must be at most {bound}, and is {value}"
        return None

    def _of(self, selections: SelectionSetNode | None) -> _Weight:
        weight = _Weight()
        for node in selections.selections if selections else ():
            if isinstance(node, FieldNode):
                weight = weight.beside(self._of_field(node))
            elif isinstance(node, InlineFragmentNode):
                weight = weight.beside(self._of(node.selection_set))
            elif isinstance(node, FragmentSpreadNode):
                weight = weight.beside(self._of_fragment(node.name.value))
        return weight

    def _of_field(self, node: FieldNode) -> _Weight:
        inner = self._of(node.selection_set)
        name = node.name.value
        if name.startswith("__"):
            # The schema is of a known size; its types nest deeper than anything else.
            return _Weight(1, 1 + inner.selections, 1 + inner.selections)
        times = 1
        if name in self._pages:
            times = _page_size(node)
        elif name in self._lists:
            times = _LIKELY_LIST
        return _Weight(1 + inner.depth, 1 + inner.selections, 1 + times * inner.fields)

    def _of_fragment(self, name: str) -> _Weight:
        if name not in self._known:
            # A fragment that contains itself is refused by validation; here it weighs nothing.
            self._known[name] = _Weight()
            fragment = self._fragments.get(name)
            self._known[name] = self._of(fragment.selection_set if fragment else None)
        return self._known[name]


def _page_size(node: FieldNode) -> int:
    for argument in node.arguments or ():
        if argument.name.value in {"first", "last"}:
            size = argument.value
            if isinstance(size, IntValueNode) and size.value in _SIZES:
                return _SIZES[size.value]
            return LARGEST_PAGE
    return DEFAULT_PAGE


def _is_list(type_: object) -> bool:
    return isinstance(type_.of_type if isinstance(type_, GraphQLNonNull) else type_, GraphQLList)


@lru_cache(maxsize=8)
def _plural_fields(schema: GraphQLSchema) -> tuple[frozenset[str], frozenset[str]]:
    """The names of the fields that are pages, and of those that are lists."""
    pages: set[str] = set()
    lists: set[str] = set()
    for type_ in schema.type_map.values():
        if type_.name.startswith("__") or not isinstance(
            type_, GraphQLObjectType | GraphQLInterfaceType
        ):
            continue
        for name, field in type_.fields.items():
            if get_named_type(field.type).name.endswith("Connection"):
                pages.add(name)
            # The size of a page is counted where the page is asked for, not again at its edges.
            elif _is_list(field.type) and name != "edges":
                lists.add(name)
    return frozenset(pages), frozenset(lists)
