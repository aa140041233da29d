"""What came of what councils accepted, through GraphQL."""

from __future__ import annotations

from datetime import UTC, datetime

from orchestrator.domain.deliberations import Usage
from orchestrator.domain.statistics import Period
from orchestrator.domain.values import replace
from tests.unit.api.conftest import Api
from tests.unit.api.doubles import NOTHING, House

STATISTICS = """accepted decided failed cancelled meanDurationMs p95DurationMs
  usage { promptTokens cachedPromptTokens completionTokens calls }"""


async def test_statistics_of_all_councils_are_counted_in_one_go(api: Api, house: House) -> None:
    since, until = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    house.archive.counted = replace(
        NOTHING,
        accepted=3,
        decided=2,
        mean_duration_ms=1500.5,
        p95_duration_ms=2000.0,
        usage=Usage(prompt_tokens=2**40, calls=7),
    )

    told = await api.ask(
        f"""query ($since: DateTime, $until: DateTime) {{ councils {{ edges {{ node {{
          statistics(since: $since, until: $until) {{ {STATISTICS} }} ever: statistics {{ accepted }} }} }} }} }}""",
        {"since": since.isoformat(), "until": until.isoformat()},
    )

    [(name, *periods)] = [call for call in house.archive.calls if call[0] == "statistics"]
    assert name == "statistics"
    assert set(periods) == {
        Period(council=council, since=begin, until=end)
        for council in ("cou_dev", "cou_qa")
        for begin, end in ((since, until), (None, None))
    }
    assert told["councils"]["edges"][0]["node"] == {
        "statistics": {
            "accepted": 3,
            "decided": 2,
            "failed": 0,
            "cancelled": 0,
            "meanDurationMs": 1500.5,
            "p95DurationMs": 2000.0,
            "usage": {
                "promptTokens": 2**40,
                "cachedPromptTokens": 0,
                "completionTokens": 0,
                "calls": 7,
            },
        },
        "ever": {"accepted": 3},
    }


async def test_where_nothing_was_decided_there_is_no_duration(api: Api) -> None:
    told = await api.ask(
        '{ council(by: { role: "DEV" }) { statistics { decided meanDurationMs p95DurationMs } } }'
    )

    assert told["council"]["statistics"] == {
        "decided": 0,
        "meanDurationMs": None,
        "p95DurationMs": None,
    }
