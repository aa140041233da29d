"""What was moved, or would be, as lines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rich.text import Text

from orchestrator.cli.screen import harmless
from orchestrator.graph.moving.form import Kind

if TYPE_CHECKING:
    from orchestrator.graph.moving.comparing import Comparison
    from orchestrator.graph.moving.importing import Import
    from orchestrator.graph.moving.planning import Plan

_WORDS = {
    Kind.ROLE: ("role", "roles"),
    Kind.ENDPOINT: ("endpoint", "endpoints"),
    Kind.REMOVED_ENDPOINT: ("removed endpoint", "removed endpoints"),
    Kind.MODEL: ("model", "models"),
    Kind.COUNCIL: ("council", "councils"),
    Kind.AGENT: ("retired agent", "retired agents"),
    Kind.PROCESS: ("process of the past", "processes of the past"),
    Kind.DELIBERATION: ("deliberation", "deliberations"),
}


def counted(counts: Mapping[Kind, int]) -> str:
    """Return `5 roles, 1 endpoint`."""
    told = [
        f"{counts[kind]:,} {words[counts[kind] != 1]}"
        for kind, words in _WORDS.items()
        if counts.get(kind)
    ]
    return ", ".join(told) or "nothing"


def report(imported: Import) -> Iterator[Text]:
    """Say what was done, or would be, and what a comparison found."""
    if imported.plan is not None:
        yield from _plan(imported.plan, written=imported.written)
    if imported.comparison is not None:
        yield from _comparison(imported.comparison)


def _plan(plan: Plan, *, written: bool) -> Iterator[Text]:
    yield _line("imported" if written else "would import", counted(plan.new))
    if plan.there:
        yield _line("there already", counted(plan.there))
    if plan.replaced:
        names = ", ".join(f"{council.name} ({council.role})" for council in plan.replaced)
        yield _line("replaced" if written else "would replace", f"as they were seeded: {names}")
    if plan.under_way:
        yield _line(
            "under way",
            f"{counted({Kind.DELIBERATION: plan.under_way})}: the processes of this graph take them up; the source must not be started again",
        )
    if plan.gone_on:
        yield _line(
            "gone on",
            f"{counted({Kind.DELIBERATION: plan.gone_on})} imported before, and further on in this graph",
        )
    for note in plan.notes:
        yield _line("note", note)


def _comparison(comparison: Comparison) -> Iterator[Text]:
    yield _line("source", _amounts(comparison.source))
    yield _line("graph", _amounts(comparison.graph))
    for difference in comparison.differences:
        yield _line("differs", difference, "problem")
    if not comparison.differences:
        yield _line("compared", "nothing differs")


def _amounts(counts: Counter[str]) -> str:
    return (
        ", ".join(f"{count:,} {_worded(what, count)}" for what, count in counts.items())
        or "nothing"
    )


def _worded(what: str, count: int) -> str:
    """Return `deliberation DECIDED` for one of the `deliberations DECIDED`."""
    if count != 1:
        return what
    return re.sub(r"(?<=process)es|s(?=$| [A-Z])", "", what, count=1)


def _line(what: str, words: str, style: str = "bold") -> Text:
    return Text.assemble((f"{what:<14} ", style), harmless(words))
