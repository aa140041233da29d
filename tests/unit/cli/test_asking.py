"""What `council ask` takes for the texts of a task, and what it says of those that are none."""

from __future__ import annotations

import io
import signal
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner
from typing_extensions import override

from orchestrator.cli.app import app
from orchestrator.cli.asking import deadline_of, duration_of, text_of
from orchestrator.cli.commands import clients
from orchestrator.cli.exits import Exit
from orchestrator.cli.failures import InputError


def typed(content: bytes) -> io.TextIOWrapper:
    """Standard input as Python opens it in the locale C: what is no text becomes lone surrogates."""
    return io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", errors="surrogateescape")


def test_a_text_is_itself_or_what_is_typed_or_what_a_file_has(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "task.md"
    file.write_bytes("für\r\nalle".encode())
    monkeypatch.setattr(sys, "stdin", typed("für\r\nalle".encode()))

    assert text_of("a @file", "TASK", 10) == "a @file"
    assert text_of(f"@{file}", "TASK", 10) == "für\nalle"
    assert text_of("-", "TASK", 10) == "für\nalle"


def test_what_is_no_text_is_told_by_its_argument_wherever_it_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "task.md"
    file.write_bytes(b"a\xffb")
    monkeypatch.setattr(sys, "stdin", typed(b"a\xffb"))

    with pytest.raises(InputError, match=f"^TASK: {file} is not UTF-8 text: "):
        text_of(f"@{file}", "TASK", 10)
    with pytest.raises(InputError, match=r"^--context: standard input is not UTF-8 text: "):
        text_of("-", "--context", 10)


def test_a_file_that_cannot_be_read_is_told_by_its_argument_and_its_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"^--rubric: {tmp_path} cannot be read: Is a directory$"):
        text_of(f"@{tmp_path}", "--rubric", 10)
    with pytest.raises(InputError, match=r"^TASK: @ names no file; @FILE reads one"):
        text_of("@", "TASK", 10)


@pytest.mark.parametrize("most", ["größe “x”", "𝄞" * 10])
def test_a_text_may_have_as_many_characters_as_its_bound_however_many_bytes_these_are(
    monkeypatch: pytest.MonkeyPatch, most: str
) -> None:
    monkeypatch.setattr(sys, "stdin", typed(most.encode()))

    assert text_of("-", "TASK", 10) == most


def test_what_is_longer_is_told_by_its_argument_and_its_bound_however_it_is_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "task.md"
    file.write_text("a" * 11, encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", typed(("a" * 10 + "\n").encode()))

    for argument in (f"@{file}", "-", "a" * 11):
        with pytest.raises(InputError, match=r"^--context must not be longer than 10 characters$"):
            text_of(argument, "--context", 10)


def test_what_has_no_end_is_read_no_further_than_its_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    endless = _Endless()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(endless))

    with pytest.raises(InputError, match=r"^TASK must not be longer than 10 characters$"):
        text_of("-", "TASK", 10)
    assert endless.had == 41


class _Endless(io.BytesIO):
    """As of `yes`: it has whatever is asked for, and is not asked for all."""

    had = 0

    @override
    def read(self, size: int | None = -1) -> bytes:
        assert size is not None
        assert size > 0
        self.had += size
        return b"y" * size


@pytest.mark.parametrize(
    ("argument", "why"),
    [
        ("soon", "is no duration such as 90s, 15m or 2h"),
        ("-5m", "is no duration such as 90s, 15m or 2h"),
        (f"{'9' * 20}d", "is too long"),
    ],
)
def test_what_is_no_duration_is_told_by_its_argument(argument: str, why: str) -> None:
    with pytest.raises(InputError, match=f"^--deadline: '{argument}' {why}$"):
        duration_of(argument, "--deadline")


def test_a_deadline_may_be_seven_days_and_no_longer() -> None:
    assert deadline_of("7d") == timedelta(days=7)
    for argument in ("604801", "100000d"):
        with pytest.raises(
            InputError, match=f"^--deadline: '{argument}' is too long; it must be from 1s to 7d$"
        ):
            deadline_of(argument)


def test_a_budget_that_json_cannot_hold_is_told_by_its_option_and_its_bound() -> None:
    ran = CliRunner().invoke(app, ["ask", "DEV", "Why?", "--budget", "9" * 20])

    assert ran.exit_code == Exit.USAGE
    assert "'--budget'" in ran.output
    assert "9007199254740992" in ran.output


class _Broken(io.BytesIO):
    """A terminal at which somebody presses Ctrl-C once, in the midst of his text."""

    read_on = False

    @override
    def read(self, size: int | None = -1) -> bytes:
        signal.raise_signal(signal.SIGINT)
        self.read_on = True
        return b""


def test_one_ctrl_c_is_enough_while_a_text_is_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _Broken()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(terminal))

    with pytest.raises(typer.Exit) as left:
        clients.ask("DEV", "-")

    assert left.value.exit_code == Exit.INTERRUPTED
    assert not terminal.read_on
