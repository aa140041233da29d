"""What operations ask for, weighed once a document: how deep, how much of what, and how many fields they may bring.

Fragments are not expanded one by one: validation and execution of a small hostile document can take time without end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
)
from orchestrator.api import limits
from orchestrator.api.limits import LimitError
from orchestrator.domain.pages import DEFAULT_PAGE, LARGEST_PAGE
from orchestrator.domain.values import replace

_LIKELY_LIST = 5
"""How long a list is likely to be of which nothing says how long it is."""

_LIKELY_OF_TYPES = {
    "fields": 5,
    # Few types have any of these.
    **dict.fromkeys(("inputFields", "enumValues", "possibleTypes", "interfaces"), 1),
    # One that is named may be the largest, and is as several others.
    **dict.fromkeys(("__type", "queryType", "mutationType", "subscriptionType"), 7),
}
"""How long the lists of the schema's types are likely to be, an average of all types."""

_TELLING = frozenset({"first", "last", "ids"})
"""Arguments that say how long a list is; of several, the first that is not null."""

_LONGEST_NUMBER = 4
"""Digits of a size that is one."""


class Size(NamedTuple):
    """How long a list is: as the first of the variables says that is not null, else as is known without them."""

    variables: tuple[str, ...]
    otherwise: int

    def among(self, values: Mapping[str, Any]) -> int:
        """Say how long it is with these values; what is no size is refused by whoever makes the list."""
        said = next((values[name] for name in self.variables if values.get(name) is not None), None)
        if said is None:
            return self.otherwise
        if isinstance(said, list):
            return _within(len(cast("list[object]", said)))
        return _within(said) if isinstance(said, int | float) else LARGEST_PAGE


@dataclass(frozen=True, slots=True)
class Cost:
    """How many fields an answer may have: a sum of numbers, each to be multiplied by sizes that only variables say."""

    terms: Mapping[tuple[Size, ...], int] = field(default_factory=dict[tuple[Size, ...], int])

    def plus(self, other: Cost) -> Cost:
        """The fields of both."""
        terms = dict(self.terms)
        for sizes, number in other.terms.items():
            terms[sizes] = terms.get(sizes, 0) + number
        return Cost(terms)

    def times(self, size: Size) -> Cost:
        """The fields of each of so many."""
        if size.variables:
            return Cost({(*sizes, size): number for sizes, number in self.terms.items()})
        return Cost({sizes: number * size.otherwise for sizes, number in self.terms.items()})

    def among(self, values: Mapping[str, Any]) -> int:
        """How many there may be with these values of the variables."""
        total = 0
        for sizes, number in self.terms.items():
            product = number
            for size in sizes:
                product *= size.among(values)
            total += product
        return total


_ONE = Cost({(): 1})


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """What selections come to, those of a fragment counted wherever it is spread."""

    depth: int = 0
    nesting: int = 0
    selections: int = 0
    aliases: int = 0
    directives: int = 0
    introspects: bool = False
    """Whether the schema is asked for."""
    cost: Cost = field(default_factory=Cost)

    def beside(self, other: Weight) -> Weight:
        """Of both."""
        selections = self.selections + other.selections
        # What is refused for its selections costs nothing: to say what costs as many terms as there are selections.
        refused = selections > limits.MOST_SELECTIONS
        return Weight(
            depth=max(self.depth, other.depth),
            nesting=max(self.nesting, other.nesting),
            selections=selections,
            aliases=self.aliases + other.aliases,
            directives=self.directives + other.directives,
            introspects=self.introspects or other.introspects,
            cost=Cost() if refused else self.cost.plus(other.cost),
        )

    def check(self) -> None:
        """Raise LimitError where an operation that weighs this is too much, whatever its variables."""
        limits.check_nesting(self.nesting)
        for name, value, bound, unit in (
            ("depth", self.depth, limits.MOST_DEPTH, "levels of fields"),
            ("selections", self.selections, limits.MOST_SELECTIONS, "selections"),
            ("aliases", self.aliases, limits.MOST_ALIASES, "aliases"),
            ("directives", self.directives, limits.MOST_DIRECTIVES, "directives"),
        ):
            if value > bound:
                message = f"the operation has {value} {unit}, and may have {bound} at most"
                raise LimitError(name, value, bound, message)


@dataclass(frozen=True, slots=True)
class Price:
    """What one operation costs, which depends on its variables, and whether it asks for the schema."""

    cost: Cost
    defaults: Mapping[str, int | None]
    """The sizes that its variables have where they are not sent."""
    introspects: bool

    def of(self, variables: Mapping[str, Any] | None) -> int:
        """Say what it costs with the variables that were sent."""
        if not variables:
            return self.cost.among(self.defaults)
        return self.cost.among({**self.defaults, **variables})


def weigh(schema: GraphQLSchema, document: DocumentNode) -> dict[str, Price]:
    """Weigh each operation of a document, and return what it costs by its name, "" where it has none.

    Raises:
        LimitError: one of them is too much, or a fragment nests too deep, be it spread nowhere.
    """
    scale = _Scale(schema, document)
    prices: dict[str, Price] = {}
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            weight = scale.weigh(node)
            weight.check()
            name = "" if node.name is None else node.name.value
            prices[name] = Price(weight.cost, _defaults(node), weight.introspects)
    scale.check_fragments()
    return prices


def excess(cost: int) -> tuple[LimitError, ...]:
    """Say that an operation costs too much, where it does."""
    if cost <= limits.MOST_COST:
        return ()
    message = f"the operation has a cost of {cost}, the fields that it may bring, and may have {limits.MOST_COST} at most: ask for smaller pages"
    return (LimitError("cost", cost, limits.MOST_COST, message),)


class _Scale:
    """Weighs the operations of one document."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._pages, self._lists = _plural_fields(schema)
        self._fragments = {
            node.name.value: node
            for node in document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }
        self._known: dict[str, Weight] = {}

    def weigh(self, operation: OperationDefinitionNode) -> Weight:
        """Raises LimitError where selections lie within each other too deep to be weighed."""
        of_variables = sum(
            len(one.directives or ()) for one in operation.variable_definitions or ()
        )
        own = Weight(directives=of_variables + len(operation.directives or ()))
        return own.beside(self._of(operation.selection_set, 1))

    def check_fragments(self) -> None:
        """Raise LimitError where one nests too deep: validation goes down those, too, that no operation spreads."""
        for name in self._fragments:
            limits.check_nesting(self._of_fragment(name, 1).nesting)

    def _of(self, selections: SelectionSetNode | None, level: int) -> Weight:
        if selections is None:
            return Weight()
        limits.check_nesting(level)
        weight = Weight()
        for node in selections.selections:
            weight = weight.beside(self._of_selection(node, level + 1))
        return replace(weight, nesting=weight.nesting + 1)

    def _of_selection(self, node: SelectionNode, level: int) -> Weight:
        match node:
            case FieldNode():
                weight = self._of_field(node, level)
            case InlineFragmentNode():
                weight = self._of(node.selection_set, level)
            case FragmentSpreadNode():
                weight = self._of_fragment(node.name.value, level)
            case _:
                weight = Weight()
        return replace(weight, directives=weight.directives + len(node.directives or ()))

    def _of_field(self, node: FieldNode, level: int) -> Weight:
        inner = self._of(node.selection_set, level)
        weight = replace(
            inner,
            selections=inner.selections + 1,
            aliases=inner.aliases + (node.alias is not None),
        )
        name = node.name.value
        below = inner.cost
        if name in self._pages:
            below = below.times(_size(node, DEFAULT_PAGE))
        elif name in self._lists:
            below = below.times(_size(node, self._lists[name]))
        cost = _ONE.plus(below)
        if name.startswith("__"):
            # The types of the schema nest deeper than anything else.
            return replace(weight, depth=1, introspects=name != "__typename", cost=cost)
        return replace(weight, depth=inner.depth + 1, cost=cost)

    def _of_fragment(self, name: str, level: int) -> Weight:
        if name not in self._known:
            # A fragment that contains itself is refused by validation; here it weighs nothing.
            self._known[name] = Weight()
            fragment = self._fragments.get(name)
            if fragment is not None:
                own = Weight(directives=len(fragment.directives or ()))
                self._known[name] = own.beside(self._of(fragment.selection_set, level))
        return self._known[name]


def _size(node: FieldNode, otherwise: int) -> Size:
    variables: list[str] = []
    for argument in sorted(node.arguments or (), key=lambda one: one.name.value):
        if argument.name.value not in _TELLING:
            continue
        if isinstance(argument.value, VariableNode):
            variables.append(argument.value.name.value)
        elif (said := _said(argument.value)) is not None:
            return Size(tuple(variables), said)
    return Size(tuple(variables), otherwise)


def _said(value: ValueNode) -> int | None:
    """Say which size a document gives; none for null."""
    match value:
        case NullValueNode():
            return None
        case IntValueNode(value=digits):
            # One of thousands of digits cannot even be read.
            return _within(int(digits)) if len(digits) <= _LONGEST_NUMBER else LARGEST_PAGE
        case ListValueNode(values=values):
            return _within(len(values))
        case _:
            return LARGEST_PAGE


def _within(size: float) -> int:
    return int(min(max(size, 1), LARGEST_PAGE))


def _defaults(operation: OperationDefinitionNode) -> Mapping[str, int | None]:
    """The sizes that variables have which are not sent."""
    return {
        one.variable.name.value: _said(one.default_value)
        for one in operation.variable_definitions or ()
        if one.default_value is not None
    }


def _is_list(type_: object) -> bool:
    return isinstance(type_.of_type if isinstance(type_, GraphQLNonNull) else type_, GraphQLList)


@lru_cache(maxsize=8)
def _plural_fields(schema: GraphQLSchema) -> tuple[frozenset[str], Mapping[str, int]]:
    """The names of the fields that are pages, and of those that are lists with how long they are likely to be."""
    pages: set[str] = set()
    lists = {
        "types": len(schema.type_map),
        "directives": len(schema.directives),
        **_LIKELY_OF_TYPES,
    }
    for type_ in schema.type_map.values():
        if type_.name.startswith("__") or not isinstance(
            type_, GraphQLObjectType | GraphQLInterfaceType
        ):
            continue
        for name, field_ in type_.fields.items():
            if get_named_type(field_.type).name.endswith("Connection"):
                pages.add(name)
            # The size of a page is counted where the page is asked for, not again at its edges.
            elif _is_list(field_.type) and name != "edges":
                lists[name] = _LIKELY_LIST
    return frozenset(pages), lists
