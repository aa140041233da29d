"""What is new in the graph, whichever process wrote it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from neo4j import AsyncDriver

from orchestrator.domain.deliberations import Status, StopReason
from orchestrator.domain.drafts import AgentChange, CouncilChange
from orchestrator.domain.ids import Prefix
from orchestrator.domain.transitions import Transition
from orchestrator.engine.ports import CouncilVersion, Deliberations, Look, Place, Retry
from orchestrator.graph.councils import Councils
from orchestrator.graph.deliberations import GraphDeliberations
from orchestrator.graph.news import GraphNews
from tests.integration.graph.conftest import Run
from tests.support.deliberating import (
    LEASE,
    a_rival,
    a_verdict,
    all_turns,
    an_order,
    fresh,
    recordings,
)

pytestmark = pytest.mark.neo4j


@pytest.fixture
async def deliberations(seeded: Councils) -> Deliberations:
    found = GraphDeliberations(seeded.graph)
    await found.enter("prc_one", "host", LEASE)
    return found


@pytest.fixture
def news(seeded: Councils) -> GraphNews:
    return GraphNews(seeded.graph)


async def test_where_deliberations_stand_is_told_of_all_in_one_go(
    deliberations: Deliberations, news: GraphNews
) -> None:
    first = (await deliberations.accept(an_order())).deliberation
    (held,) = await deliberations.claim("prc_one", 1, (), ())
    await deliberations.record(recordings(held, all_turns(first)[:3]))
    second = (await deliberations.accept(an_order())).deliberation

    assert await news.places([first, second, "dlb_none"]) == {
        first: Place(4, Status.RUNNING),
        second: Place(0, Status.QUEUED),
    }
    assert await news.places([]) == {}


def steps(look: Look[Transition]) -> list[tuple[str, Status | None, Status]]:
    return [(c.what.course.deliberation, c.what.previous, c.what.status) for c in look.changes]


async def test_each_change_of_status_is_found_whichever_statement_made_it(
    deliberations: Deliberations, news: GraphNews
) -> None:
    queued = (await deliberations.accept(an_order())).deliberation
    await deliberations.cancel(queued, None)
    decided = (await deliberations.accept(an_order())).deliberation
    (held,) = await deliberations.claim("prc_one", 1, (), ())
    turns = all_turns(decided)
    await deliberations.record(recordings(held, turns))
    assert await deliberations.decide(held, 13, a_verdict(turns), StopReason.COMPLETED)
    failed = (await deliberations.accept(an_order())).deliberation
    (held,) = await deliberations.claim("prc_one", 1, (), ())
    assert await deliberations.fail(held, None, StopReason.ERROR, "why not")
    again = (
        await deliberations.retry(Retry(deliberation=fresh(Prefix.DELIBERATION), of=failed))
    ).deliberation

    look = await news.transitions(None)

    assert steps(look) == [
        (queued, None, Status.QUEUED),
        (queued, Status.QUEUED, Status.CANCELLED),
        (decided, None, Status.QUEUED),
        (decided, Status.QUEUED, Status.RUNNING),
        (decided, Status.RUNNING, Status.DECIDED),
        (failed, None, Status.QUEUED),
        (failed, Status.QUEUED, Status.RUNNING),
        (failed, Status.RUNNING, Status.FAILED),
        (again, None, Status.QUEUED),
    ]
    assert len({change.key for change in look.changes}) == len(look.changes)
    assert look.changes[-1].at < look.at
    assert (await news.transitions(look.at)).changes == look.changes
    later = look.at + timedelta(seconds=20)
    assert (await news.transitions(later)).changes == []


async def test_step_is_found_no_more_with_the_next_one_that_comes_long_after_it(
    deliberations: Deliberations, news: GraphNews, run: Run
) -> None:
    id_ = (await deliberations.accept(an_order())).deliberation
    accepted = await news.transitions(None)
    await run("age_deliberation", deliberation=id_, seconds=60)
    (held,) = await deliberations.claim("prc_one", 1, (), ())
    began = await news.transitions(accepted.at)
    await run("age_deliberation", deliberation=id_, seconds=60)
    assert await deliberations.fail(held, None, StopReason.ERROR, "why not")
    ended = await news.transitions(began.at)

    assert [steps(look) for look in (accepted, began, ended)] == [
        [(id_, None, Status.QUEUED)],
        [(id_, Status.QUEUED, Status.RUNNING)],
        [(id_, Status.RUNNING, Status.FAILED)],
    ]


async def test_what_happened_in_a_long_time_is_left_to_several_looks_each_step_to_one(
    deliberations: Deliberations, news: GraphNews, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.graph.news._MOST_SECONDS", 60)
    first = (await deliberations.accept(an_order())).deliberation
    (held,) = await deliberations.claim("prc_one", 1, (), ())
    await run("age_deliberation", deliberation=first, seconds=150)
    second = (await deliberations.accept(an_order())).deliberation
    await run("age_deliberation", deliberation=second, seconds=90)
    assert await deliberations.fail(held, None, StopReason.ERROR, "why not")
    since = (await news.transitions(None)).at - timedelta(seconds=170)
    looks = [await news.transitions(since)]
    while looks[-1].more:
        looks.append(await news.transitions(looks[-1].at))

    assert [steps(look) for look in looks] == [
        [(first, None, Status.QUEUED), (first, Status.QUEUED, Status.RUNNING)],
        [(second, None, Status.QUEUED)],
        [(first, Status.RUNNING, Status.FAILED)],
    ]
    assert [look.at - since for look in looks[:2]] == [timedelta(minutes=1), timedelta(minutes=2)]


async def test_a_takeover_and_a_release_are_no_change_of_status(
    deliberations: Deliberations, news: GraphNews
) -> None:
    await deliberations.accept(an_order())
    await deliberations.claim("prc_one", 1, (), ())
    before = (await news.transitions(None)).changes
    await deliberations.release("prc_one")
    await deliberations.enter("prc_two", "host", LEASE)
    await deliberations.claim("prc_two", 1, (), ())

    assert [c.key for c in (await news.transitions(None)).changes] == [c.key for c in before]


async def test_what_is_committed_long_after_it_was_written_is_found_all_the_same(
    deliberations: Deliberations, news: GraphNews, seeded: Councils, driver: AsyncDriver
) -> None:
    id_ = (await deliberations.accept(an_order())).deliberation
    async with a_rival(driver, seeded.graph.database, id_) as rival:
        await rival.deliberations.cancel(id_, None)
        looks = [await news.transitions(None)]
        await asyncio.sleep(1.5)
        looks.append(await news.transitions(looks[-1].at))
        await rival.commit()
    looks.append(await news.transitions(looks[-1].at))

    assert [len(look.changes) for look in looks] == [1, 1, 2]
    # It was written before the looks that did not find it.
    assert looks[-1].changes[-1].at < looks[0].at


async def test_councils_are_found_by_each_of_their_changes(
    seeded: Councils, news: GraphNews
) -> None:
    made = await news.councils(None)
    council = await seeded.council_by_role("DEV")
    assert council is not None
    await seeded.update_council(council.id, None, CouncilChange(name="another"))
    await seeded.archive_council(council.id, None)
    await seeded.restore_council(council.id)
    await seeded.update_agent(council.seats[0].agent.id, AgentChange(persona="another"))
    await seeded.retire_agent(council.seats[0].agent.id)
    changed = await news.councils(made.at)

    assert len(made.changes) == 5
    assert changed.changes[-1].what == CouncilVersion(
        council=council.id, version=council.version + 5
    )
    assert changed.changes[-1].key not in {change.key for change in made.changes}
    assert (await news.councils(changed.at + timedelta(seconds=20))).changes == []
