"""A console that is recorded, as wide as a terminal of a newcomer, in UTC."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Generator

import pytest
from rich.console import Console, RenderableType

from orchestrator.cli.screen import THEME

Rendered = Callable[[RenderableType], str]


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def rendered() -> Rendered:
    """Render to plain text, without the blanks at the ends of lines."""

    def render(what: RenderableType) -> str:
        console = Console(file=io.StringIO(), theme=THEME, width=100, record=True, highlight=False)
        console.print(what)
        lines = console.export_text().splitlines()
        return "\n".join(line.rstrip() for line in lines).strip("\n")

    return render
