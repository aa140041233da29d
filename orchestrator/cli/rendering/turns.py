"""One line for each thing that happens in a deliberation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from orchestrator.cli.screen import SEAT_STYLES, harmless
from orchestrator.client import models

if TYPE_CHECKING:
    from datetime import datetime

_MARKS = re.compile(r"^(?:\s|[#>*+\-=`~]|\d+[.)]\s)+")
"""What begins a heading, a point of a list, a quotation or a line across."""
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)")
_SENTENCE_WITH_SENSE = 30
"""Characters: what is shorter is no sentence but an abbreviation or a number."""


def line(turn: models.Turn) -> Group:
    """Say who did what, and the first sentence of it: `12:03:04 seat 2 dev-agent-2 criticises dev-agent-1: …`."""
    said = _at(turn.finished_at)
    said.append_text(who(turn.seat.number, turn.agent.name))
    if turn.outcome is models.TurnOutcome.ABSENT:
        said.append(f" is absent, asked for a {turn.kind.lower()}: ", style="problem")
        said.append(why_absent(turn))
        # Whole, over several lines: what to do about it stands at the end.
        return Group(said)
    match turn:
        case models.Critique():
            said.append(" criticises ")
            said.append_text(name(turn.target))
        case models.Ballot():
            said.append(" ranks ")
            said.append_text(Text(" > ").join(name(choice) for choice in turn.choices))
            return _one_line(said)
        case models.Proposal() if turn.kind is models.TurnKind.REVISION:
            said.append(" revises")
        case models.Proposal():
            said.append(" proposes")
    said.append(": ")
    said.append_text(gist(turn.content))
    return _one_line(said)


def claimed(event: models.DeliberationClaimed) -> Text:
    """Say that a process has taken it up."""
    said = _at(event.at)
    if event.resumed:
        said.append("taken up again where another process left it", style="bold")
    else:
        said.append("the council begins", style="aside")
    return said


def who(number: int, agent: str) -> Text:
    """Name a seat and its agent, in the seat's colour."""
    return Text(f"seat {number} {harmless(agent)}", style=seat_style(number))


def name(proposal: models.ProposalMention) -> Text:
    """Name the agent whose proposal it is, in the seat's colour."""
    return Text(harmless(proposal.agent.name), style=seat_style(proposal.seat.number))


def gist(content: str | None) -> Text:
    """Return the first sentence of what was said; none of it is left where it was pruned."""
    return pruned() if content is None else Text(first_sentence(content))


def why_absent(turn: models.Turn) -> str:
    """Return the reason of an absence."""
    return harmless(turn.absence or "no reason is known")


def pruned() -> Text:
    """Stand where a content was that `council prune` took out."""
    return Text("(pruned)", style="aside")


def first_sentence(text: str) -> str:
    """Return the first sentence that says something: no heading where there is text, no marks of a list."""
    # The line that opens a block of code says nothing but its language.
    lines = [one for one in harmless(text).split("\n") if not one.lstrip().startswith("```")]
    said = [one for one in lines if not one.lstrip().startswith("#")]
    first = next((plain for one in (*said, *lines) if (plain := _without_marks(one))), "")
    end = _SENTENCE_END.search(first, _SENTENCE_WITH_SENSE - 1)
    return first[: end.end()] if end else first


def _without_marks(line: str) -> str:
    return _MARKS.sub("", line).replace("**", "").strip(" *_`")


def _at(instant: datetime) -> Text:
    return Text(f"{instant.astimezone():%H:%M:%S}  ", style="aside")


def seat_style(number: int) -> str:
    """Return the style of a seat, the same wherever it is named."""
    return f"seat.{(number - 1) % SEAT_STYLES + 1}"


def _one_line(text: Text) -> Group:
    text.no_wrap = True
    text.overflow = "ellipsis"
    # A console that prints a text itself lays it out anew, and forgets both.
    return Group(text)
