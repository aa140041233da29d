"""`council` where its standard streams are closed or full, and where an argument is no text."""

from __future__ import annotations

import subprocess

import pytest

from tests.support.service_process import COMMAND


def run(command: str) -> subprocess.CompletedProcess[str]:
    """Run it in a shell, which closes and redirects."""
    return subprocess.run(
        ["bash", "-c", f"{COMMAND} {command}"],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_what_is_closed_is_taken_for_nothing(closed: str) -> None:
    ran = run(f"settings {closed}")

    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("command", ["settings", "version", "--help"])
def test_output_that_has_no_room_is_told_in_a_sentence(command: str) -> None:
    ran = run(f"{command} >/dev/full")

    assert ran.returncode == 1
    assert ran.stderr.startswith("council: ")
    assert "No space left on device" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_an_argument_that_is_no_text_is_named_by_its_place() -> None:
    ran = run("ask DEV $'\\xff'")

    assert (ran.returncode, ran.stderr) == (2, "council: argument 3 is not UTF-8 text\n")
