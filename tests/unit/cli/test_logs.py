"""What log lines hold, and what they must not."""

from __future__ import annotations

import json
import logging
import secrets
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from orchestrator.cli import logs


@pytest.fixture(autouse=True)
def _unconfigured_afterwards() -> Iterator[None]:
    yield
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    logging.basicConfig(force=True)


def _fail_with(key: str) -> None:
    raise RuntimeError("the call failed", len(key))


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_traceback_shows_no_local_variable(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    logs.to_stderr(form)
    key = secrets.token_hex()
    try:
        _fail_with(key)
    except RuntimeError:
        structlog.get_logger("test").exception("call_failed")

    said = capsys.readouterr().err
    assert "call_failed" in said
    assert "_fail_with" in said
    assert key not in said


def test_lines_are_json_where_standard_error_is_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.to_stderr(None)
    structlog.get_logger("test").info("deliberation_claimed")

    assert json.loads(capsys.readouterr().err)["event"] == "deliberation_claimed"


@pytest.mark.filterwarnings("always::RuntimeWarning")
def test_what_python_warns_of_is_in_a_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    logs.to_stderr("json")
    warnings.warn("coroutine 'look' was never awaited", RuntimeWarning, stacklevel=1)

    told = json.loads(capsys.readouterr().err)
    assert "coroutine 'look' was never awaited" in told["event"]
    assert told["level"] == "warning"


def test_lines_are_text_where_standard_error_is_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    logs.to_stderr(None)
    structlog.get_logger("test").info("deliberation_claimed")

    said = capsys.readouterr().err

    assert "deliberation_claimed" in said
    assert not said.lstrip().startswith("{")


def test_a_line_of_json_has_the_event_and_its_facts(capsys: pytest.CaptureFixture[str]) -> None:
    logs.to_stderr("json")
    structlog.get_logger("test").info("deliberation_claimed", deliberation="dlb_1", epoch=2)

    line = json.loads(capsys.readouterr().err)

    assert (line["event"], line["deliberation"], line["epoch"], line["level"]) == (
        "deliberation_claimed",
        "dlb_1",
        2,
        "info",
    )


def test_a_graph_that_is_away_is_not_told_of_by_its_driver_several_times_a_second(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.to_stderr("json")
    logging.getLogger("neo4j.pool").error("Unable to retrieve routing information")

    assert capsys.readouterr().err == ""


def test_what_an_earlier_run_logged_stays(tmp_path: Path) -> None:
    for run in ("first", "second"):
        logs.to_file(tmp_path / "council.log")
        structlog.get_logger("test").info(f"{run}_run")

    said = (tmp_path / "council.log").read_text(encoding="utf-8")

    assert ("first_run" in said, "second_run" in said) == (True, True)


def test_a_person_at_the_terminal_is_shown_only_what_goes_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.to_file(tmp_path / "council.log")
    structlog.get_logger("test").info("all_is_well")
    structlog.get_logger("test").warning("graph_away")

    shown = capsys.readouterr().err

    assert "graph_away" in shown
    assert "all_is_well" not in shown
    assert "all_is_well" in (tmp_path / "council.log").read_text(encoding="utf-8")


def test_a_log_that_has_no_room_is_told_once_and_without_a_stack(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "council.log"
    log.symlink_to("/dev/full")
    logs.to_file(log)
    for _ in range(3):
        structlog.get_logger("test").info("all_is_well")

    assert capsys.readouterr().err == (
        f"council: the log {log} cannot be written: No space left on device\n"
    )
