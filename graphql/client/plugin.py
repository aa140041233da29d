"""What ariadne-codegen does for us besides: what its settings have no words for."""

from ariadne_codegen.plugins.base import Plugin

from graphql import (
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    GraphQLUnionType,
    Node,
)

ASKED_WHOLE = ("DeliberationEvent", "Turn")
"""Interfaces of which the documents ask for each type by itself."""


class ReadPlugin(Plugin):
    """Makes what is read easy to tell apart, and open to what a newer service says."""

    def process_schema(self, schema: GraphQLSchema) -> GraphQLSchema:
        """Have such an interface read as one of its types, and never as itself."""
        unions = {
            name: GraphQLUnionType(name, schema.get_possible_types(schema.type_map[name]))
            for name in ASKED_WHOLE
        }

        def read_as(type_):
            if isinstance(type_, (GraphQLList, GraphQLNonNull)):
                return type(type_)(read_as(type_.of_type))
            return unions.get(type_.name, type_)

        for type_ in schema.type_map.values():
            for field in getattr(type_, "fields", {}).values():
                field.type = read_as(field.type)
        return schema

    def process_name(self, name: str, node: Node | None = None) -> str:  # noqa: ARG002 - the plugin's
        """Have names of our own left whole."""
        return {"neo_4_j": "neo4j"}.get(name, name)

    def generate_enums_code(self, generated_code: str) -> str:
        """Have a value that is not known here yet be a value all the same."""
        return generated_code.replace(
            "from enum import Enum", "from orchestrator.client.words import Word"
        ).replace("(str, Enum)", "(Word)")
