"""What `council doctor` prints of what was found, and how it ends."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from orchestrator.cli.exits import Exit
from orchestrator.cli.graph import report
from orchestrator.cli.screen import THEME, Screen
from orchestrator.graph.doctor import Examination, Violation

BROKEN = Violation(rule="seat_without_agent", meaning="Every seat is of an agent.", ids=("s1", "d"))


def printed(examination: Examination) -> tuple[Exit, str, str]:
    """The exit, and what goes to stdout and to stderr."""
    out, err = io.StringIO(), io.StringIO()
    screen = Screen(
        out=Console(file=out, theme=THEME, width=120), err=Console(file=err, theme=THEME, width=120)
    )
    return report(examination, screen), out.getvalue(), err.getvalue()


def test_a_violation_is_printed_with_its_meaning_and_its_ids_and_fails() -> None:
    found = Examination(violations=(BROKEN,), endless_timeouts=())
    assert printed(found) == (
        Exit.FAILED,
        "seat_without_agent  Every seat is of an agent.\n    s1 d\n1 violation\n",
        "",
    )


@pytest.mark.parametrize(("violations", "end"), [((), Exit.OK), ((BROKEN,), Exit.FAILED)])
def test_an_endless_timeout_of_the_server_is_a_warning_and_no_violation(
    violations: tuple[Violation, ...], end: Exit
) -> None:
    found = Examination(violations=violations, endless_timeouts=("db.transaction.timeout",))
    code, out, err = printed(found)
    assert code == end
    assert err.startswith("warning: db.transaction.timeout is endless")
    assert err.count("\n") == 1
    assert "db.transaction.timeout" not in out
