"""A deliberation: what it is about, how it went, and its verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from orchestrator.cli.rendering import turns
from orchestrator.cli.screen import harmless
from orchestrator.client import models

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

REHEARSAL = "REHEARSAL"


def rehearsal_notice() -> Panel:
    """Say loudly that no real model speaks."""
    return Panel(
        Text(
            "No model was asked. The built-in stand-in speaks, from the task and the seat alone, so that the way of a deliberation can be seen. Set VLLM_URL to have a real model deliberate."
        ),
        title=Text(f" {REHEARSAL} ", style="rehearsal"),
        border_style="yellow",
        box=box.HEAVY,
    )


def heading(deliberation: models.Deliberation) -> Panel:
    """Say what it is about, and before whom."""
    task = deliberation.task
    parts: list[RenderableType] = [Text(harmless(task.description))]
    parts.extend(Text(f"  - {harmless(requirement)}") for requirement in task.requirements)
    if deliberation.pruned_at is not None:
        at = f"{deliberation.pruned_at.astimezone():%Y-%m-%d}"
        parts.append(
            Text(f"Pruned on {at}: of what was said, the winning proposal is left.", style="aside")
        )
    if deliberation.retry_of is not None:
        parts.append(Text(f"retry of {deliberation.retry_of.id}", "aside"))
    parts.extend(Text(f"retried by {retry.id}", "aside") for retry in deliberation.retries)
    council = deliberation.council
    title = Text(f"{harmless(council.name)} ({harmless(council.role.name)})", style="bold")
    if deliberation.rehearsal:
        title = Text.assemble((f" {REHEARSAL} ", "rehearsal"), " ", title)
    return Panel(
        Group(*parts),
        title=title,
        title_align="left",
        subtitle=deliberation.id,
        subtitle_align="right",
        box=box.ROUNDED,
    )


def verdict(transcript: models.Transcript, *, whole: bool) -> RenderableType:
    """Show how it ended: the ranking as a table and, where `whole`, the winning proposal; else why there is none."""
    deliberation = transcript.deliberation
    if deliberation.verdict is None:
        return _no_verdict(deliberation)
    parts: list[RenderableType] = [_ranking(deliberation, deliberation.verdict)]
    parts.extend(_findings(transcript, deliberation.verdict))
    if whole:
        winner = deliberation.verdict.ranking[0].proposal
        parts.append(
            Panel(
                Text(harmless(winner.content or "")),
                title=Text.assemble(
                    "The proposal of ", turns.who(winner.seat.number, winner.agent.name)
                ),
                title_align="left",
                box=box.ROUNDED,
            )
        )
    return Group(*parts)


def transcript(of: models.Transcript, *, whole: bool) -> Iterator[RenderableType]:
    """Yield the turns in their order: a line each, or the whole text."""
    for turn in of.turns:
        if not whole or turn.kind is models.TurnKind.BALLOT:
            yield turns.line(turn)
        else:
            yield turn_panel(turn)


def turn_panel(turn: models.Turn) -> Panel:
    """Show the whole text of a turn."""
    text = turn.absence if turn.outcome is models.TurnOutcome.ABSENT else turn.content
    return Panel(
        turns.pruned() if text is None else Text(harmless(text)),
        title=Text.assemble(
            turns.who(turn.seat.number, turn.agent.name),
            f" · {turn.kind.lower()} of round {turn.round}",
            f" · {turn.outcome.lower()}" if turn.outcome is models.TurnOutcome.ABSENT else "",
        ),
        title_align="left",
        subtitle=turn.id,
        subtitle_align="right",
        box=box.ROUNDED,
    )


def standing(deliberation: models.Deliberation) -> Text:
    """Say in one line where it stands."""
    progress = deliberation.progress
    said = f"{deliberation.status}, {progress.turns_taken} of {progress.turns_expected} turns taken"
    if deliberation.waiting_for:
        said += f"; waiting: {harmless(deliberation.waiting_for)}"
    if spent := _spent(deliberation):
        said += f"; {spent}"
    return Text(said)


def _spent(deliberation: models.Deliberation) -> str:
    """Say what was spent of its budget; nothing where it has none."""
    budget, spent = deliberation.token_budget, deliberation.tokens_spent
    if budget is None or spent is None:
        return ""
    usage = deliberation.usage
    uncounted = spent - usage.prompt_tokens - usage.completion_tokens
    apart = f", {uncounted:,} of them for calls that nobody has counted" if uncounted else ""
    return f"{spent:,} of {budget:,} tokens spent{apart}"


def _no_verdict(deliberation: models.Deliberation) -> RenderableType:
    if deliberation.finished_at is None:
        return standing(deliberation)
    failed = deliberation.status is models.DeliberationStatus.FAILED
    why = harmless(deliberation.failure or f"no reason {'is recorded' if failed else 'was given'}")
    reason = f" ({deliberation.stop_reason})" if failed else ""
    style = "problem" if failed else "bold"
    if spent := _spent(deliberation):
        why += f"\n{spent}"
    return Panel(
        Text(why),
        title=Text(f"No verdict: {deliberation.status}{reason}", style=style),
        title_align="left",
        border_style="red",
        box=box.ROUNDED,
    )


def _ranking(deliberation: models.Deliberation, reached: models.Verdict) -> Table:
    title = Text(f"Verdict of {harmless(deliberation.council.name)}", style="bold")
    if reached.partial:
        title.append(f", partial ({deliberation.stop_reason})", style="yellow")
    if deliberation.rehearsal:
        title = Text.assemble((f" {REHEARSAL} ", "rehearsal"), " ", title)
    table = Table(
        title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, expand=True
    )
    table.add_column("rank", justify="right")
    table.add_column("agent", no_wrap=True)
    table.add_column("score", justify="right")
    table.add_column("votes", justify="right")
    table.add_column("proposal", ratio=1, no_wrap=True, overflow="ellipsis")
    for place in reached.ranking:
        proposal = place.proposal
        table.add_row(
            str(place.rank),
            turns.who(proposal.seat.number, proposal.agent.name),
            f"{place.score:.2f}",
            str(place.votes),
            turns.gist(proposal.content),
            style="bold" if place.rank == 1 else "",
        )
    return table


def _findings(transcript: models.Transcript, reached: models.Verdict) -> Iterator[Text]:
    """Yield what the table can't say, a line each."""
    deliberation = transcript.deliberation
    agreement = "" if reached.agreement is None else f", agreement {reached.agreement:.2f}"
    yield Text.assemble(("margin     ", "aside"), f"{reached.margin:.2f}{agreement}")
    if not reached.dissent:
        yield Text.assemble(("dissent    ", "aside"), "none")
    for ballot in reached.dissent:
        yield Text.assemble(
            ("dissent    ", "aside"),
            turns.who(ballot.seat.number, ballot.agent.name),
            " put ",
            turns.name(ballot.choices[0]),
            " first",
        )
    absent = [turn for turn in transcript.turns if turn.outcome is models.TurnOutcome.ABSENT]
    if absent:
        reasons = dict.fromkeys(turns.why_absent(turn) for turn in absent)
        yield Text.assemble(
            ("absent     ", "aside"),
            (f"{len(absent)} of {len(transcript.turns)} turns", "yellow"),
            f": {'; '.join(reasons)}",
        )
    usage = deliberation.usage
    cached = f" ({usage.cached_prompt_tokens:,} cached)" if usage.cached_prompt_tokens else ""
    yield Text.assemble(
        ("tokens     ", "aside"),
        f"{usage.prompt_tokens:,} read{cached}, {usage.completion_tokens:,} written, in {usage.calls} calls",
    )
    if spent := _spent(deliberation):
        yield Text.assemble(("budget     ", "aside"), spent)
    if deliberation.finished_at is not None:
        seconds = (deliberation.finished_at - deliberation.accepted_at).total_seconds()
        again = deliberation.resumptions
        resumed = (
            f", taken up again {again} times"
            if again > 1
            else ", taken up again once"
            if again
            else ""
        )
        yield Text.assemble(("took       ", "aside"), f"{seconds:.1f} s{resumed}")
    if deliberation.rehearsal:
        yield Text.assemble(
            ("model      ", "aside"), ("rehearsal", "rehearsal"), ": no real model spoke"
        )
