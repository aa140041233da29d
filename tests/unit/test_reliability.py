"""What docs/reliability.md says, held against the tests and the code that it names."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path

from orchestrator.graph.driver import Bounds

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
