"""What every repository has."""

from __future__ import annotations

from orchestrator.graph.driver import Graph


class Repository:
    """Reads or changes one part of the graph; values of the domain go in and out."""

    def __init__(self, graph: Graph) -> None:
        self.graph: Graph = graph
