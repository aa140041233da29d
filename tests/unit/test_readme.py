"""What README says of the project, and its other pages as it does, held against it: whoever pastes from them gets what is promised."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from graphql import build_schema, parse, validate
from orchestrator.cli.exits import MEANINGS
from orchestrator.settings import Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ALL = "\n".join(
    [README, *(page.read_text(encoding="utf-8") for page in sorted((ROOT / "docs").glob("*.md")))]
)


def blocks(language: str, text: str = README) -> list[str]:
    """The code of that language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_it_shows_a_query_and_a_mutation() -> None:
    assert [document.split()[0] for document in blocks("graphql")] == ["query", "mutation"]


@pytest.mark.parametrize("document", blocks("graphql", ALL))
def test_a_document_that_is_shown_is_valid(document: str) -> None:
    schema = build_schema((ROOT / "graphql/schema.graphql").read_text(encoding="utf-8"))
    assert validate(schema, parse(document)) == []


def test_the_statement_that_it_shows_is_the_one_in_its_file() -> None:
    (shown,) = blocks("cypher")
    file = (ROOT / "cypher/browser/count_wins.cypher").read_text(encoding="utf-8")
    told = "".join(line for line in file.splitlines(keepends=True) if not line.startswith("//"))
    assert shown.split() == told.split()


def test_every_link_to_a_file_leads_somewhere() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert len(links) >= 10
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_it_lists_five_queries_for_the_browser() -> None:
    assert len(set(re.findall(r"\(cypher/browser/(\w+)\.cypher\)", README))) == 5


@pytest.mark.parametrize(
    ("variable", "default"),
    sorted(set(re.findall(r"^\| `([A-Z0-9_]+)` \| (.*?) \|", ALL, re.MULTILINE))),
)
def test_a_setting_has_the_default_that_it_names(variable: str, default: str) -> None:
    (field,) = [field for field in Settings.model_fields.values() if field.alias == variable]
    if not default.startswith("`"):
        assert field.default is None or field.default_factory is not None
    else:
        assert default == f"`{field.default}`"


def test_every_target_of_make_that_it_names_is_one() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", README, re.MULTILINE))
    assert {"run", "test"} <= named <= targets


def test_it_tells_each_exit_code() -> None:
    told = README.partition("Exit codes of `council`:")[2].partition("\n\n")[0]
    assert [int(code) for code in re.findall(r"\b(\d+) ", told)] == [int(code) for code in MEANINGS]
