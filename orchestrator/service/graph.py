"""The graph that the settings name."""

from __future__ import annotations

import contextlib

from orchestrator.graph.driver import Graph, open_graph
from orchestrator.graph.errors import MisconfiguredError
from orchestrator.settings import Settings


def graph_of(settings: Settings) -> contextlib.AbstractAsyncContextManager[Graph]:
    """Open it while the block runs; raises MisconfiguredError where they name none."""
    if settings.neo4j_uri is None:
        raise MisconfiguredError("NEO4J_URI is not set: it says where the graph is")
    password = settings.neo4j_password
    return open_graph(
        settings.neo4j_uri,
        settings.neo4j_user,
        None if password is None else password.get_secret_value(),
        settings.neo4j_database,
    )
