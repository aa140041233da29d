"""What `council doctor` and `council prune` print of what was found or done, and how they end."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from orchestrator.cli.exits import Exit
from orchestrator.cli.failures import InputError
from orchestrator.cli.graph import prune, report, summary
from orchestrator.cli.screen import THEME, Screen
from orchestrator.domain.pruning import Keep, Pruned, Pruning
from orchestrator.graph.doctor import MOST_OF_A_RULE, Examination, Violation
from orchestrator.settings import Settings

BROKEN = Violation(rule="seat_without_agent", meaning="Every seat is of an agent.", ids=("s1", "d"))


def printed(examination: Examination) -> tuple[Exit, str, str]:
    """The exit, and what goes to stdout and to stderr."""
    out, err = io.StringIO(), io.StringIO()
    screen = Screen(
        out=Console(file=out, theme=THEME, width=120), err=Console(file=err, theme=THEME, width=120)
    )
    return report(examination, screen), out.getvalue(), err.getvalue()


def test_a_violation_is_printed_with_its_meaning_and_its_ids_and_fails() -> None:
    found = Examination(violations=(BROKEN,), endless_timeouts=())
    assert printed(found) == (
        Exit.FAILED,
        "seat_without_agent  Every seat is of an agent.\n    s1 d\n1 violation\n",
        "",
    )


def test_a_violation_is_one_line_however_many_ids_it_has_and_its_rule_is_one_however_long() -> None:
    long = Violation(rule="r", meaning="word " * 50, ids=tuple(f"agt_{n:032}" for n in range(9)))
    _, out, _ = printed(Examination(violations=(long,), endless_timeouts=()))
    assert out == f"r  {long.meaning}\n    {' '.join(long.ids)}\n1 violation\n"


def test_a_rule_whose_violations_are_too_many_to_be_listed_is_said_to_have_more() -> None:
    found = Examination(violations=(BROKEN,) * MOST_OF_A_RULE, endless_timeouts=())
    code, out, _ = printed(found)
    assert code == Exit.FAILED
    assert out.splitlines()[-2:] == [
        "    no more than 1000 of a rule are looked for",
        "at least 1000 violations",
    ]


@pytest.mark.parametrize(("violations", "end"), [((), Exit.OK), ((BROKEN,), Exit.FAILED)])
def test_an_endless_timeout_of_the_server_is_a_warning_and_no_violation(
    violations: tuple[Violation, ...], end: Exit
) -> None:
    found = Examination(violations=violations, endless_timeouts=("db.transaction.timeout",))
    code, out, err = printed(found)
    assert code == end
    assert err.startswith("warning: db.transaction.timeout is endless")
    assert err.count("\n") == 1
    assert "db.transaction.timeout" not in out


@pytest.mark.parametrize(
    ("age", "why"),
    [
        ("0s", r": '0s' would take all .* as 90d or 12h"),
        ("90", " 90 has no unit: it must be as 90d, 12h, 15m or 90s"),
        ("long", ": 'long' is no duration such as 90s, 15m or 2h"),
    ],
)
async def test_what_is_no_age_is_refused_by_the_name_of_the_option(age: str, why: str) -> None:
    nowhere = Settings.model_construct()
    silent = Screen(out=Console(file=io.StringIO()), err=Console(file=io.StringIO()))
    with pytest.raises(InputError, match=f"^--older-than{why}$"):
        await prune(nowhere, silent, older_than=age, keep=None, dry_run=False)


AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
MANY = Pruned(deliberations=1234, turns=14808, seats=3702, claims=1300, verdicts=1, tasks=1230)


@pytest.mark.parametrize(
    ("pruned", "keep", "dry_run", "words"),
    [
        (
            MANY,
            None,
            False,
            "removed 1,234 deliberations that ended before 2026-03-04 05:06:07 UTC, with 14,808 turns, 3,702 seats, 1,300 claims, 1 verdict and 1,230 tasks",
        ),
        (
            MANY,
            None,
            True,
            "would remove 1,234 deliberations that ended before 2026-03-04 05:06:07 UTC, with 14,808 turns, 3,702 seats, 1,300 claims, 1 verdict and 1,230 tasks",
        ),
        (
            Pruned(processes=1200),
            None,
            False,
            "removed 0 deliberations that ended before 2026-03-04 05:06:07 UTC, with 0 turns, 0 seats, 0 claims, 0 verdicts and 0 tasks; and 1,200 processes that ended before and had no claim left",
        ),
        (
            Pruned(deliberations=1, turns=11),
            Keep.WINNERS,
            False,
            "emptied 11 turns of 1 deliberation that ended before 2026-03-04 05:06:07 UTC; every node and each winning proposal stays",
        ),
        (
            Pruned(),
            None,
            True,
            "nothing to prune: no deliberation that ended before 2026-03-04 05:06:07 UTC",
        ),
        (
            Pruned(),
            Keep.WINNERS,
            False,
            "nothing to prune: no deliberation that ended before 2026-03-04 05:06:07 UTC still has contents to lose",
        ),
    ],
)
def test_what_was_pruned_is_said_in_a_sentence(
    pruned: Pruned, keep: Keep | None, *, dry_run: bool, words: str
) -> None:
    assert summary(pruned, Pruning(before=AT, keep=keep), dry_run=dry_run) == words
