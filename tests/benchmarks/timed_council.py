"""The command `council`, which also writes down when each write to the graph was sent and when it was answered.

    python -P timed_council.py FILE serve

A line of JSON a write goes to FILE: its statement, the deliberations that it is of, and two times by time.time().
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any, TextIO

from neo4j import Record

from orchestrator.cli import main
from orchestrator.graph.driver import Graph


def deliberations(name: str, parameters: dict[str, Any], rows: list[Record]) -> list[str]:
    """Return whose time a write takes; none where it is nobody's, such as a renewal."""
    match name:
        case "deliberation/accept":
            return [order["id"] for order in parameters["orders"]]
        case "turn/record":
            return [batch[0] for batch in parameters["batches"]]
        case "claim/claim":
            return [claimed[0] for row in rows for claimed in row["claimed"]]
        case _:
            return []


def write_down(file: TextIO) -> None:
    """Have every write of this process written down."""
    write = Graph.write

    async def timed(self: Graph, name: str, /, **parameters: Any) -> list[Record]:
        began = time.time()
        rows = await write(self, name, **parameters)
        ended = time.time()
        if of := deliberations(name, parameters, rows):
            file.write(json.dumps([name, of, began, ended]) + "\n")
        return rows

    Graph.write = timed


if __name__ == "__main__":
    with Path(sys.argv.pop(1)).open("w", encoding="utf-8", buffering=1) as log:
        write_down(log)
        main()
