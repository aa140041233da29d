"""What Neo4j Browser is opened with."""

from __future__ import annotations

from orchestrator.graph.statements import statement


def first_query() -> str:
    """Answer a query to begin with, without what its file says to those who maintain it."""
    lines = statement("browser/start").splitlines()
    return "\n".join(line for line in lines if not line.startswith("//"))
