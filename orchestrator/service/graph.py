"""The graph that the settings name."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator

from orchestrator.domain.errors import AuthenticationError, UnavailableError
from orchestrator.engine.patience import retried
from orchestrator.graph.driver import Graph, open_graph
from orchestrator.graph.errors import MisconfiguredError
from orchestrator.graph.servers import refuse_old
from orchestrator.settings import Settings


def graph_to_reach(settings: Settings) -> contextlib.AbstractAsyncContextManager[Graph]:
    """Open it while the block runs, without connecting yet; raises MisconfiguredError where they name none."""
    if settings.neo4j_uri is None:
        raise MisconfiguredError("NEO4J_URI is not set: it says where the graph is")
    password = settings.neo4j_password
    return open_graph(
        settings.neo4j_uri,
        settings.neo4j_user,
        None if password is None else password.get_secret_value(),
        settings.neo4j_database,
    )


@contextlib.asynccontextmanager
async def graph_of(settings: Settings) -> AsyncGenerator[Graph]:
    """Reach it, and open it while the block runs.

    Raises:
        MisconfiguredError: they name none, or one that is too old.
        UnavailableError: it was not reached for as long as a read is tried.
    """
    async with graph_to_reach(settings) as graph:
        agent = await retried(
            graph.server,
            on=_passes,
            attempts=None,
            within=graph.bounds.retry,
            wait_initial=0.05,
            wait_max=1.0,
            wait_jitter=0.1,
        )
        refuse_old(agent)
        yield graph


def _passes(error: Exception) -> bool:
    return isinstance(error, UnavailableError) and not isinstance(error, AuthenticationError)
