"""The page of GraphiQL, and its examples."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from graphql import parse, validate
from orchestrator.api.graphiql import examples
from orchestrator.api.schema import SCHEMA
from tests.unit.api.conftest import Api


@pytest.mark.parametrize("example", examples(), ids=lambda path: path.stem)
def test_example_is_valid(example: Path) -> None:
    schema = SCHEMA._schema  # pyright: ignore[reportPrivateUsage]

    assert validate(schema, parse(example.read_text(encoding="utf-8"))) == []


async def test_browser_is_shown_the_page_with_the_examples(api: Api) -> None:
    response = await api.client.get("/graphql", headers={"accept": "text/html"})

    found = re.search(
        r'<script type="application/json" id="examples">(.*?)</script>', response.text
    )
    assert found is not None
    tabs = json.loads(found[1])
    assert [tab["query"] for tab in tabs] == [path.read_text("utf-8") for path in examples()]
    assert json.loads(tabs[3]["variables"]) == {"id": ""}


async def test_page_loads_nothing_but_files_of_the_service(api: Api) -> None:
    page = await api.client.get("/graphql", headers={"accept": "text/html"})
    sources = re.findall(r'(?:src|href)="(?!data:)([^"]*)"', page.text)

    assert sources == ["graphiql/graphiql.css", "graphiql/graphiql.js"]
    for source in sources:
        assert (await api.client.get(f"/{source}")).status_code == 200


async def test_page_may_load_run_and_reach_nothing_but_what_is_the_services_own(api: Api) -> None:
    page = await api.client.get("/graphql", headers={"accept": "text/html"})

    assert page.headers["content-security-policy"].split("; ") == [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
