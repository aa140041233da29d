"""What was moved, or would be, in words, and what is left of an export that is cancelled."""

from __future__ import annotations

import asyncio
import io
from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from rich.console import Console

from orchestrator.cli import moving
from orchestrator.cli.rendering.moving import report
from orchestrator.cli.screen import Screen
from orchestrator.graph.moving.comparing import Comparison
from orchestrator.graph.moving.exporting import Exported
from orchestrator.graph.moving.form import Kind
from orchestrator.graph.moving.importing import Import, Pass


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


def test_how_far_an_import_is_is_told_in_each_pass_where_somebody_watches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(moving, "_TELL_SECONDS", 0.0)
    watched = Console(file=io.StringIO(), force_terminal=True, color_system=None)
    told = moving._progress(Screen(out=watched, err=watched))  # pyright: ignore[reportPrivateUsage]
    told(Pass.CHECK, 1000)
    told(Pass.PLAN, 300)
    told(Pass.WRITE, 1200)
    told(Pass.WRITE, 200)
    assert watched.file.getvalue().splitlines() == [  # pyright: ignore[reportAttributeAccessIssue]
        "1,000 lines checked",
        "300 lines held against the graph",
        "1,200 lines written",
        "1,400 lines written",
    ]


async def test_how_far_an_export_is_is_told_line_by_line() -> None:
    async def exported() -> AsyncGenerator[Exported]:
        yield None, "the header"
        yield Kind.ROLE, "a role"

    told: list[tuple[str, int]] = []
    passed = moving._telling(exported(), lambda what, count: told.append((what, count)))  # pyright: ignore[reportPrivateUsage]
    assert [line async for _, line in passed] == ["the header", "a role"]
    assert told == [("exported", 1), ("exported", 1)]


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_an_export_that_is_cancelled_leaves_nothing_behind(tmp_path: Path) -> None:
    under_way = asyncio.Event()

    async def lines() -> AsyncGenerator[Exported]:
        yield None, "the first line"
        under_way.set()
        await asyncio.Event().wait()

    export = asyncio.create_task(moving._to_file(lines(), tmp_path / "file"))  # pyright: ignore[reportPrivateUsage]
    await under_way.wait()
    assert len(files(tmp_path)) == 1
    export.cancel()
    with pytest.raises(asyncio.CancelledError):
        await export
    assert files(tmp_path) == []
