"""The predecessor's councils are the same ones however often they are imported, and whatever is imported beside them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrator.domain.predecessor import read_councils
from orchestrator.graph.councils import Councils
from orchestrator.graph.doctor import examine
from orchestrator.graph.driver import Graph
from orchestrator.graph.moving.former import Defaults, as_lines
from tests.support.moving import imported

pytestmark = [pytest.mark.neo4j]


async def import_all(graph: Graph, documents: dict[str, Any]) -> list[str]:
    """Import, and return the names of all agents, by council and seat."""
    texts = {f"orchestrator:councils:{key}": json.dumps(of) for key, of in documents.items()}
    read = read_councils(texts).councils
    lines, _ = await as_lines(graph, read, Defaults(model="m", url="http://vllm:8000/v1"))
    done = await imported(graph, lines, verify=True)
    assert done.comparison is not None
    assert done.comparison.differences == ()
    assert await examine(graph) == ()
    names: list[str] = []
    for former in read:
        council = await Councils(graph).council_by_role(former.draft.role)
        assert council is not None
        names += [seat.agent.name for seat in council.seats]
    return names


async def test_agents_without_a_name_have_names_of_their_own_in_roles_that_are_spelled_alike(
    empty_graph: Graph,
) -> None:
    for _ in range(2):
        names = await import_all(empty_graph, {"DEV": [{}, {}], "dev": [{}, {}]})
        assert names == [f"dev-agent-{number}" for number in (1, 2, 3, 4)]


async def test_a_document_that_comes_later_renames_nobody_who_was_imported_before(
    empty_graph: Graph,
) -> None:
    ada = [{"name": "ada"}]
    assert await import_all(empty_graph, {"DEV": ada}) == ["ada"]
    both = {"DEV": ada, "QA": ada}
    assert await import_all(empty_graph, both) == ["ada", "qa-ada"]
    assert await import_all(empty_graph, both) == ["ada", "qa-ada"]
    assert await import_all(empty_graph, {"QA": ada}) == ["qa-ada"]


async def test_a_server_is_one_endpoint_with_and_without_the_version_in_its_url(
    empty_graph: Graph,
) -> None:
    """The predecessor wrote it without, and `default` is one as any other."""
    urls = ("http://vllm:8000", "http://vllm:8000/", "http://gpu:8000", "http://gpu:8000/v1")
    agents = [{"name": url, "url": url} for url in urls]
    await import_all(empty_graph, {"DEV": agents})
    council = await Councils(empty_graph).council_by_role("DEV")
    assert council is not None
    bound = [seat.agent.endpoint and seat.agent.endpoint.name for seat in council.seats]
    assert bound == [None, None, "gpu:8000/v1", "gpu:8000/v1"]
    found = {one.name: one.url for one in await Councils(empty_graph).endpoints()}
    assert found == {"default": "http://vllm:8000/v1", "gpu:8000/v1": "http://gpu:8000/v1"}
