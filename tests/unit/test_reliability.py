"""What docs/reliability.md says, held against the tests and the code that it names."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path

from orchestrator.engine import desk
from orchestrator.graph import logins, pruning
from orchestrator.graph.driver import Bounds
from orchestrator.vllm import watch

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reliability.md").read_text(encoding="utf-8")


def _rows(heading: str) -> list[list[str]]:
    """The rows of the table whose first column has that heading, without the heading and the line."""
    table = PAGE.partition(f"| {heading} |")[2].partition("\n\n")[0]
    return [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]


def test_each_promise_is_kept_by_a_test_that_is_there() -> None:
    promises = [*_rows("promise"), *_rows("trouble")]
    assert len(promises) >= 20
    for row in promises:
        tests = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", row[-1])
        real = [file for file, _ in tests if not file.startswith("tests/unit/")]
        assert real, f"nothing real keeps: {row[0]}"
        for file, name in tests:
            text = (ROOT / file).read_text(encoding="utf-8")
            assert f"def {name}(" in text, f"{file} has no {name}"


def test_the_bounds_that_it_gives_are_those_of_the_driver() -> None:
    told = {row[0].strip("`"): float(row[1].split()[0]) for row in _rows("bound")}
    assert told == asdict(Bounds())


def test_a_login_that_was_refused_is_sent_again_as_seldom_as_is_promised() -> None:
    assert f"was refused the next one is sent {logins.PAUSE:g} seconds later" in PAGE


def test_a_process_renews_and_claims_so_often_that_a_second_is_left_of_what_is_promised() -> None:
    assert "(one a second)" in PAGE
    assert "each process claims once a second" in PAGE
    promised, left_for_the_answer = 2.0, 1.0  # of a cancel that another process is to heed
    tick = desk._TICK_SECONDS  # pyright: ignore[reportPrivateUsage]
    assert tick + left_for_the_answer <= promised


def test_an_endpoint_that_stops_or_returns_is_seen_in_the_seconds_that_are_promised() -> None:
    page = (ROOT / "docs/endpoints.md").read_text(encoding="utf-8")
    [promised] = re.findall(r"is seen within (\d+) seconds, and so is its return", page)
    silences = watch._SILENCES  # pyright: ignore[reportPrivateUsage]
    queue = watch._QUEUE_PATIENCE  # pyright: ignore[reportPrivateUsage]
    # At worst it stops when it has just said that it is well, and its queue is still being asked for.
    to_be_down = queue + watch.EVERY + silences * watch.PATIENCE
    # And returns when a look has just begun that it never hears of; the next one it answers.
    to_be_up = watch.PATIENCE + watch.EVERY + watch.PATIENCE
    assert max(to_be_down, to_be_up) < float(promised)


def test_pruning_writes_the_part_of_the_time_that_is_promised() -> None:
    page = (ROOT / "docs/graph.md").read_text(encoding="utf-8")
    assert "pruning writes a twentieth of the time" in page
    assert pruning.WRITING == 1 / 20
