"""What docs/api.md shows is what the files of the examples hold, which a test runs."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples/clients"
PAGE = (ROOT / "docs/api.md").read_text(encoding="utf-8")
TOLD = re.compile(
    r"^\[(\S+)\]\(\.\./examples/clients/\1\)\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
NOT_TOLD = {"typescript/codegen.ts"}
"""How the types are made: the page names the commands."""


def test_each_example_is_shown_as_it_is_and_once() -> None:
    shown = TOLD.findall(PAGE)
    files = {
        path.relative_to(EXAMPLES).as_posix(): path.read_text(encoding="utf-8")
        for suffix in ("sh", "py", "ts")
        for path in EXAMPLES.glob(f"*/*.{suffix}")
    }
    assert len(shown) == len(dict(shown)) == 33
    assert dict(shown) == {name: text for name, text in files.items() if name not in NOT_TOLD}


def test_it_shows_no_code_that_is_in_no_file() -> None:
    assert PAGE.count("\n```\n") == len(TOLD.findall(PAGE))


def test_ten_things_are_shown_in_each_language() -> None:
    sections = re.split(r"^## \d+\. ", PAGE, flags=re.MULTILINE)[1:]
    languages = [[name.partition("/")[0] for name, _ in TOLD.findall(one)] for one in sections]
    assert languages == [["curl", "python", "typescript"]] * 10


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", PAGE)
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
