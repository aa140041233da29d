"""Documents by chance, over the whole of Query as the schema has it: what nobody thought of asking."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from hypothesis import strategies as st

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
)

DEEPEST = 5
_WIDEST = 4


class Word(str):
    """A value of an enum, which a document has without quotes."""

    __slots__ = ()


Known = Mapping[str, Sequence[Any]]
"""Values worth asking for, by a field and its argument as in `task.id`, else by the argument or an input's field, else by the type."""


@dataclass(frozen=True, slots=True)
class Document:
    """A query with its variables."""

    text: str
    variables: dict[str, Any]

    def with_booleans_flipped(self) -> Document:
        """The same text, which with other variables leaves out other things."""
        flipped = {
            name: not value if isinstance(value, bool) else value
            for name, value in self.variables.items()
        }
        return Document(self.text, flipped)


@st.composite
def documents(draw: st.DrawFn, schema: GraphQLSchema, known: Known) -> Document:
    """Make one."""
    return _Writing(draw, schema, known).document()


@dataclass
class _Writing:
    draw: st.DrawFn
    schema: GraphQLSchema
    known: Known
    aliases: int = 0
    variables: dict[str, Any] = field(default_factory=dict)
    declared: list[str] = field(default_factory=list)
    fragments: list[str] = field(default_factory=list)

    def document(self) -> Document:
        query = self.schema.query_type
        assert query is not None
        selections = self.selections(query, DEEPEST)
        declared = f"({', '.join(self.declared)})" if self.declared else ""
        text = "\n".join([f"query Q{declared} {selections}", *self.fragments])
        return Document(text, self.variables)

    def selections(self, type_: GraphQLNamedType, depth: int) -> str:
        count = self.draw(st.integers(1, _WIDEST))
        return f"{{ {' '.join(self.selection(type_, depth) for _ in range(count))} }}"

    def selection(self, type_: GraphQLNamedType, depth: int) -> str:
        way = self.draw(st.integers(0, 9))
        if way == 0:
            return f"{self.alias()}: __typename"
        if way == 1:
            return f"... {self.directives()} {self.selections(type_, depth)}"
        if way == 2 and isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            name = f"F{len(self.fragments)}"
            self.fragments.append("")
            self.fragments[int(name[1:])] = (
                f"fragment {name} on {type_} {self.selections(type_, depth)}"
            )
            return f"...{name} {self.directives()}"
        if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType) and way < 6:
            one = self.draw(st.sampled_from(self.schema.get_possible_types(type_)))
            return f"... on {one} {self.directives()} {self.selections(one, depth)}"
        if not isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            return "__typename"
        return self.field(type_, depth)

    def field(self, type_: GraphQLObjectType | GraphQLInterfaceType, depth: int) -> str:
        fields = {
            name: one
            for name, one in type_.fields.items()
            if depth > 0 or is_leaf_type(cast("GraphQLNamedType", get_named_type(one.type)))
        }
        if not fields:
            return "__typename"
        name = self.draw(st.sampled_from(sorted(fields)))
        asked = fields[name]
        called = name if not asked.args and self.draw(st.booleans()) else f"{self.alias()}: {name}"
        head = f"{called}{self.arguments(name, asked)} {self.directives()}"
        below = cast("GraphQLNamedType", get_named_type(asked.type))
        if is_leaf_type(below):
            return head
        # Asked for twice, it is answered once, with what both ask for.
        times = 2 if self.draw(st.integers(0, 5)) == 5 else 1
        return " ".join(f"{head} {self.selections(below, depth - 1)}" for _ in range(times))

    def alias(self) -> str:
        self.aliases += 1
        return f"a{self.aliases}"

    def directives(self) -> str:
        if self.draw(st.integers(0, 5)) < 5:
            return ""
        name = self.draw(st.sampled_from(["skip", "include"]))
        return f"@{name}(if: {self.given('Boolean!', self.draw(st.booleans()))})"

    def arguments(self, field_name: str, asked: GraphQLField) -> str:
        given = {
            name: self.draw(self.values(field_name, name, argument))
            for name, argument in asked.args.items()
            if isinstance(argument.type, GraphQLNonNull)
            or name == "first"
            or self.draw(st.integers(0, 5)) == 5
        }
        if "last" in given or "before" in given:
            given.pop("first", None)
        if not given:
            return ""
        types: dict[str, object] = {name: one.type for name, one in asked.args.items()}
        said = (f"{name}: {self.given(str(types[name]), value)}" for name, value in given.items())
        return f"({', '.join(said)})"

    def given(self, type_: str, value: Any) -> str:
        """Say a value in the document, or by a variable."""
        if self.draw(st.booleans()):
            return _printed(value)
        name = f"v{len(self.variables)}"
        self.variables[name] = value
        self.declared.append(f"${name}: {type_}")
        return f"${name}"

    def values(self, asked: str, name: str, argument: GraphQLArgument) -> st.SearchStrategy[Any]:
        here = f"{asked}.{name}"
        return self.of_type(here if here in self.known else name, cast("object", argument.type))

    def of_type(self, name: str, type_: object) -> st.SearchStrategy[Any]:
        if isinstance(type_, GraphQLNonNull):
            return self.of_value(name, cast("GraphQLNonNull[Any]", type_).of_type)
        # Without a size a page counts as long, and little could be asked of what is on it.
        return self.of_value(name, type_) | (st.nothing() if name == "first" else st.none())

    def of_value(self, name: str, type_: object) -> st.SearchStrategy[Any]:
        if isinstance(type_, GraphQLList):
            within = cast("GraphQLList[Any]", type_)
            return st.lists(self.of_type(name, within.of_type), max_size=3)
        if isinstance(type_, GraphQLEnumType):
            return st.sampled_from([Word(value) for value in type_.values])
        if isinstance(type_, GraphQLInputObjectType):
            types: dict[str, object] = {key: one.type for key, one in type_.fields.items()}
            if type_.extensions["strawberry-definition"].is_one_of:
                return st.one_of(
                    *(
                        st.fixed_dictionaries({key: self.of_value(key, one)})
                        for key, one in types.items()
                    )
                )
            fields = {key: self.of_type(key, one) for key, one in types.items()}
            return st.fixed_dictionaries({}, optional=fields)
        return st.sampled_from(self.known.get(name) or self.known[str(type_)])


def _printed(value: Any) -> str:
    match value:
        case Word():
            return str(value)
        case dict():
            fields = (
                f"{key}: {_printed(one)}" for key, one in cast("dict[str, Any]", value).items()
            )
            return f"{{{', '.join(fields)}}}"
        case list():
            return f"[{', '.join(map(_printed, cast('list[Any]', value)))}]"
        case _:
            return json.dumps(value)
