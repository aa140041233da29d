"""What `council up` shows while it starts."""

from __future__ import annotations

import io

import pytest

from orchestrator.cli import up
from orchestrator.cli.screen import Screen, console
from orchestrator.settings import Settings


async def test_what_the_start_waits_for_is_shown_as_it_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", "120")
    said = io.StringIO()
    screen = Screen(out=console(), err=console(stderr=True))
    screen.out.file = said
    tour = up._Tour(Settings(), screen, None, example=False, open_browser=False)  # pyright: ignore[reportPrivateUsage]

    tour.wait_for("bolt://[fd00::12]:7687 [/away]")
    tour.wait_for("migrations: bolt://[fd00::12]:7687 [/away]")
    await tour.end()

    assert "The graph: migrations: bolt://[fd00::12]:7687 [/away]" in said.getvalue()


async def test_ctrl_c_is_answered_with_what_is_still_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("COUNCIL_DRAIN_SECONDS", "7.5")
    said = io.StringIO()
    screen = Screen(out=console(), err=console(stderr=True))
    screen.err.file = said
    tour = up._Tour(Settings(), screen, None, example=False, open_browser=False)  # pyright: ignore[reportPrivateUsage]

    await tour.stop()

    assert said.getvalue() == (
        "Ending: calls under way may go on for up to 7.5 s. Ctrl-C again waits for none of them.\n"
    )
