"""What a command that fails by a defect says of it."""

from __future__ import annotations

import pytest
import typer

from orchestrator.cli.carrying_out import carry_out
from orchestrator.cli.exits import Exit
from orchestrator.cli.screen import Screen
from orchestrator.settings import Settings


async def _broken(_settings: Settings, _screen: Screen) -> Exit:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("debug", "shown"), [("1", True), ("true", True), ("0", False), ("false", False), ("no", False)]
)
def test_the_stack_of_a_defect_is_shown_where_debugging_is_on_as_other_settings_are(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    debug: str,
    *,
    shown: bool,
) -> None:
    monkeypatch.setenv("COUNCIL_DEBUG", debug)

    with pytest.raises(typer.Exit) as left:
        carry_out(_broken)

    said = capsys.readouterr().err
    assert left.value.exit_code == Exit.FAILED
    assert ("Traceback" in said) is shown
    assert ("this is a defect: ZeroDivisionError" in said) is not shown
