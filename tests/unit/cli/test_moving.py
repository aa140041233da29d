"""What was moved, or would be, in words."""

from __future__ import annotations

from collections import Counter

import pytest

from orchestrator.cli.rendering.moving import report
from orchestrator.graph.moving.comparing import Comparison
from orchestrator.graph.moving.importing import Import


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({"endpoints": 1, "roles": 2}, "1 endpoint, 2 roles"),
        ({"processes": 1, "removed endpoints": 1}, "1 process, 1 removed endpoint"),
        ({"deliberations DECIDED": 1, "turns": 1000}, "1 deliberation DECIDED, 1,000 turns"),
        ({"processes": 0, "deliberations FAILED": 2}, "0 processes, 2 deliberations FAILED"),
    ],
)
def test_one_of_a_kind_is_told_as_one(counts: dict[str, int], words: str) -> None:
    compared = Comparison(source=Counter(counts), graph=Counter(), differences=())
    source, *_ = report(Import(plan=None, written=False, comparison=compared))
    assert source.plain == f"source         {words}"
