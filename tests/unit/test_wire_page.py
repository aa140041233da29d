"""The bounds that docs/wire.md gives are those of the code, and so is the cost of its example."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import uvicorn
from websockets.http11 import MAX_LINE_LENGTH, MAX_NUM_HEADERS

from graphql import build_schema, parse
from orchestrator.api import endpoint, limits, timing, visits, waiting
from orchestrator.api.body import MOST_BYTES
from orchestrator.api.connections import http
from orchestrator.api.values import MOST_VALUES
from orchestrator.api.weighing import weigh
from orchestrator.domain import limits as of_values
from orchestrator.domain import pages
from orchestrator.engine import audience
from orchestrator.settings import Settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/wire.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("| ").split(" | ")]
    for line in PAGE.splitlines()
    if line.startswith("| ")
]
UNITS = {"KiB": 1024, "MiB": 1024 * 1024}

BOUNDS = {
    "characters": limits.MOST_CHARACTERS,
    "lines": limits.MOST_LINES,
    "tokens": limits.MOST_TOKENS,
    "nesting": limits.MOST_NESTING,
    "depth": limits.MOST_DEPTH,
    "selections": limits.MOST_SELECTIONS,
    "aliases": limits.MOST_ALIASES,
    "directives": limits.MOST_DIRECTIVES,
    "comparing": limits.MOST_COMPARING,
    "cost": limits.MOST_COST,
    "answer": limits.MOST_ANSWERED,
    "values": MOST_VALUES,
    "changesWaiting": audience._MOST_WAITING,  # pyright: ignore[reportPrivateUsage]
    "seconds": timing.MOST_SECONDS,
    "headBytes": http.MOST_HEAD_BYTES,
    "handshakeLineBytes": MAX_LINE_LENGTH,
    "bodyBytes": MOST_BYTES,
    "requestSeconds": http._REQUEST_SECONDS,  # pyright: ignore[reportPrivateUsage]
    "connectionInitSeconds": endpoint._GREETING_SECONDS,  # pyright: ignore[reportPrivateUsage]
    "connectionOperations": visits.MOST_OPERATIONS,
}


@pytest.mark.parametrize("name", BOUNDS)
def test_a_limit_has_the_bound_that_it_gives(name: str) -> None:
    told = [row[1] for row in ROWS if len(row) == 3 and re.search(rf"\(`{name}`", row[2])]
    assert told
    for bound in told:
        number, unit = re.findall(r"^([\d,]+) ?(\w*)", bound)[0]
        assert float(number.replace(",", "")) * UNITS.get(unit, 1) == BOUNDS[name]


def test_a_client_may_have_as_many_as_it_says() -> None:
    told = dict(re.findall(r"\| `(COUNCIL_CLIENT_[A-Z]+)`, (\d+) \|", PAGE))
    fields = [field for field in Settings.model_fields.values() if field.alias in told]
    assert len(fields) == 3
    assert {field.alias: str(field.default) for field in fields} == told


def test_a_proxy_need_not_wait_for_longer_than_it_says() -> None:
    pinged = uvicorn.Config("").ws_ping_interval
    told = endpoint._Events.heartbeat_interval  # pyright: ignore[reportPrivateUsage]
    answered = timing.MOST_SECONDS + waiting.LONGEST_SECONDS
    assert pinged is not None
    assert told <= pinged
    for words in (
        f"Each connection is pinged every {pinged:g} s",
        f"at the beginning and every {told:g} s",
        f"a silence of up to {pinged:g} s where something is followed, and of {answered:g} s where a query waits",
    ):
        assert words in PAGE


def test_values_may_be_as_large_as_it_says() -> None:
    of = of_values
    for words in (
        f"`nodes(ids)` | {pages.LARGEST_PAGE}, and {pages.DEFAULT_PAGE} unless told",
        f"`wait` | {waiting.LONGEST_SECONDS} s",
        f"a task's description {of.DESCRIPTION:,} characters, its context {of.CONTEXT:,}, its rubric {of.RUBRIC:,}",
        f"a persona {of.PERSONA:,}, a name {of.NAME}, a role's name {of.ROLE_NAME}",
        f"an `idempotencyKey` {of.IDEMPOTENCY_KEY}, a URL {of.URL:,}, …",
        f"{of.REQUIREMENTS} requirements of {of.REQUIREMENT:,} characters, {of.SEATS} seats",
        f"rounds 0 to {of.ROUNDS}, seats 1 to {of.SEATS}, ",
        f"`temperature` 0 to {of.TEMPERATURE:g}, `maxTokens` 1 to {of.TOKENS:,}",
        f"`deadlineSeconds` 1 to {of.DEADLINE_SECONDS:,} (a week)",
        f"{of.METADATA:,} characters of JSON, {of.METADATA_DEPTH} deep",
        f"| endpoints | {of.ENDPOINTS}, ",
        f"{MAX_LINE_LENGTH // 1024} KiB, {MAX_NUM_HEADERS} |",
    ):
        assert words in PAGE
    assert "`tokenBudget` 1 to 2^53" in PAGE
    assert of.TOKEN_BUDGET == 2**53


def test_its_example_costs_what_it_says() -> None:
    [query] = re.findall(r"""-d '\{"query": "(\{.*\})"\}'""", PAGE)
    schema = build_schema((ROOT / "graphql/schema.graphql").read_text(encoding="utf-8"))
    cost = weigh(schema, parse(query))[""].of(None)
    assert f'"cost": {{ "requested": {cost}, "limit": {limits.MOST_COST} }}' in PAGE
