"""A way to see all of a graph by ids, which are the same in another one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.graph.conftest import Run
from tests.support.moving import Shown


@pytest.fixture
def shown(run: Run) -> Shown:
    """Everything in the graph, by ids."""

    async def show() -> list[Any]:
        rows = await run("show_whole_graph")
        return sorted([row["what"], row["which"], sorted(row["properties"])] for row in rows)

    return show
