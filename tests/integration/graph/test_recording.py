"""Recording: each turn once, in one sequence, however it is sent."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from neo4j import Record
from typing_extensions import override

from orchestrator.domain.deliberations import (
    Turn,
    TurnKey,
    TurnKind,
    TurnOutcome,
    Usage,
)
from orchestrator.domain.errors import UnavailableError, UnrecordableError
from orchestrator.domain.values import replace
from orchestrator.engine.ports import Deliberations, Held
from orchestrator.engine.recorder import Recorder
from orchestrator.graph.councils import Councils
from orchestrator.graph.deliberations import GraphDeliberations
from orchestrator.graph.driver import Graph, open_graph
from orchestrator.graph.errors import OutOfMemoryError
from tests.integration.graph.conftest import Run
from tests.support.deliberating import (
    LEASE,
    a_turn,
    all_turns,
    an_order,
    proposals,
    recordings,
)
from tests.support.neo4j import Neo4jServer

pytestmark = pytest.mark.neo4j


@pytest.fixture
async def deliberations(seeded: Councils) -> Deliberations:
    found = GraphDeliberations(seeded.graph)
    await found.enter("prc_one", "host", LEASE)
    return found


async def held_ones(deliberations: Deliberations, count: int = 1) -> list[Held]:
    for _ in range(count):
        await deliberations.accept(an_order())
    return list(await deliberations.claim("prc_one", count, (), ()))


@pytest.fixture
async def unique_content(run: Run) -> AsyncGenerator[None]:
    """The graph refuses a turn that says what another has said."""
    await run("constrain_content")
    yield
    await run("drop_content_constraint")


def stored(turns: list[Turn], sequences: dict[str, int]) -> tuple[Turn, ...]:
    numbered = [replace(turn, sequence=sequences[turn.id]) for turn in turns]
    return tuple(sorted(numbered, key=lambda turn: turn.sequence or 0))


async def test_turns_are_loaded_as_they_were_recorded(deliberations: Deliberations) -> None:
    (held,) = await held_ones(deliberations)
    turns = all_turns(held.deliberation)
    turns[-1] = replace(
        turns[-1],
        outcome=TurnOutcome.ABSENT,
        content=None,
        reasoning=None,
        finish_reason=None,
        choices=(),
        absence="the server said no",
        usage=Usage(),
    )
    sequences: dict[str, int] = {}
    for start in range(0, 12, 3):
        recorded = await deliberations.record(recordings(held, turns[start : start + 3]))
        sequences |= recorded.sequences
    assert list(sequences.values()) == list(range(2, 14))
    case = await deliberations.load(held.deliberation)
    assert case.turns == stored(turns, sequences)
    assert case.deliberation.sequence == 13
    assert case.deliberation.usage == Usage(
        prompt_tokens=1100, cached_prompt_tokens=660, completion_tokens=220, calls=22
    )


async def test_the_turns_of_a_long_deliberation_are_loaded_in_rows_that_fit_into_neo4js_memory(
    seeded: Councils, deliberations: Deliberations
) -> None:
    (held,) = await held_ones(deliberations)
    turns = [turn for round_ in range(16) for turn in proposals(held.deliberation, round_)]
    recorded = await deliberations.record(recordings(held, turns))
    rows = seeded.graph.stream("deliberation/load", deliberations=[held.deliberation])
    assert max([len(row["turns"]) async for row in rows]) == 16
    case = await deliberations.load(held.deliberation)
    assert case.turns == stored(turns, dict(recorded.sequences))


async def test_turns_may_come_in_one_batch_with_what_they_refer_to(
    deliberations: Deliberations,
) -> None:
    (held,) = await held_ones(deliberations)
    turns = all_turns(held.deliberation)
    mixed = random.Random(7).sample(turns, len(turns))  # noqa: S311 - an order, no secret
    recorded = await deliberations.record(recordings(held, mixed))
    case = await deliberations.load(held.deliberation)
    assert case.turns == stored(turns, dict(recorded.sequences))


async def test_the_sample_and_the_target_of_a_turn_come_back(
    deliberations: Deliberations,
) -> None:
    (held,) = await held_ones(deliberations)
    key = TurnKey(kind=TurnKind.PROPOSAL, round=0, seat=2, sample=3)
    await deliberations.record(recordings(held, [a_turn(held.deliberation, key)]))
    assert (await deliberations.load(held.deliberation)).turns[0].key == key


async def test_a_batch_sent_again_after_a_lost_answer_changes_nothing(
    deliberations: Deliberations, run: Run
) -> None:
    (held,) = await held_ones(deliberations)
    batch = recordings(held, all_turns(held.deliberation))
    first = await deliberations.record(batch)
    case = await deliberations.load(held.deliberation)
    assert await deliberations.record(batch) == first
    assert await deliberations.record(batch[::-1]) == first
    assert await deliberations.load(held.deliberation) == case
    (listed,) = await run("list_sequences", deliberation=held.deliberation)
    assert listed == {"sequences": list(range(1, 14)), "last": 13}


async def test_a_batch_half_of_which_is_there_adds_the_other_half(
    deliberations: Deliberations,
) -> None:
    (held,) = await held_ones(deliberations)
    batch = recordings(held, proposals(held.deliberation))
    first = await deliberations.record(batch[1:2])
    second = await deliberations.record(batch)
    assert first.sequences.items() <= second.sequences.items()
    assert sorted(second.sequences.values()) == [2, 3, 4]
    assert (await deliberations.load(held.deliberation)).deliberation.usage.calls == 6


async def test_a_turn_given_twice_in_one_batch_is_one(deliberations: Deliberations) -> None:
    (held,) = await held_ones(deliberations)
    (one, *_) = recordings(held, proposals(held.deliberation))
    again = replace(one, turn=replace(one.turn, content="another"))
    assert (await deliberations.record([one, again])).sequences == {one.turn.id: 2}
    assert (await deliberations.load(held.deliberation)).turns[0].content == one.turn.content


async def test_what_was_recorded_is_never_changed(deliberations: Deliberations) -> None:
    (held,) = await held_ones(deliberations)
    (one, *_) = proposals(held.deliberation)
    await deliberations.record(recordings(held, [one]))
    await deliberations.record(recordings(held, [replace(one, content="other")]))
    (turn,) = (await deliberations.load(held.deliberation)).turns
    assert turn.content == one.content


async def test_an_older_claim_records_nothing_and_the_rest_of_its_batch_goes_on(
    deliberations: Deliberations,
) -> None:
    one, two = await held_ones(deliberations, 2)
    stale = replace(one, epoch=one.epoch - 1)
    recorded = await deliberations.record(
        [
            *recordings(stale, proposals(one.deliberation)),
            *recordings(two, proposals(two.deliberation)),
        ]
    )
    assert set(recorded.sequences) == {turn.id for turn in proposals(two.deliberation)}
    assert (await deliberations.load(one.deliberation)).turns == ()


async def test_nothing_is_added_to_what_has_ended(deliberations: Deliberations, run: Run) -> None:
    (held,) = await held_ones(deliberations)
    one, two, _ = recordings(held, proposals(held.deliberation))
    first = await deliberations.record([one])
    await run("end_deliberation", deliberation=held.deliberation)
    assert await deliberations.record([one, two]) == first


async def test_sequences_have_no_gap_and_no_double_with_eight_recorders_at_once(
    deliberations: Deliberations, run: Run
) -> None:
    held = await held_ones(deliberations, 4)
    everything = [
        recording
        for one in held
        for round_ in range(10)
        for recording in recordings(one, proposals(one.deliberation, round_))
    ]
    chance = random.Random(11)  # noqa: S311 - an order, no secret
    chance.shuffle(everything)

    async def record(start: int) -> None:
        mine = everything[start::8]
        for at in range(0, len(mine), 5):
            recorded = await deliberations.record(mine[at : at + 5])
            assert set(recorded.sequences) == {r.turn.id for r in mine[at : at + 5]}

    await asyncio.gather(*(record(start) for start in range(8)))
    for one in held:
        (listed,) = await run("list_sequences", deliberation=one.deliberation)
        assert listed == {"sequences": list(range(1, 32)), "last": 31}


async def test_four_processes_accept_claim_and_record_on_shared_agents_side_by_side(
    deliberations: Deliberations, neo4j_server: Neo4jServer, run: Run
) -> None:
    """Each over connections of its own."""
    server = neo4j_server
    async with AsyncExitStack() as stack:
        processes: list[Deliberations] = []
        for number in range(4):
            graph = await stack.enter_async_context(
                open_graph(server.uri, server.user, server.password, server.database)
            )
            processes.append(GraphDeliberations(graph))
            await processes[number].enter(f"prc_{number}", "host", LEASE)

        async def work(number: int) -> list[str]:
            process = processes[number]
            mine: list[str] = []
            for _ in range(4):
                for _ in range(2):
                    await process.accept(an_order())
                held = await process.claim(f"prc_{number}", 2, (), mine)
                everything = [all_turns(one.deliberation) for one in held]
                for start in range(0, 12, 3):
                    recorded = await process.record(
                        [
                            recording
                            for one, turns in zip(held, everything, strict=True)
                            for recording in recordings(one, turns[start : start + 3])
                        ]
                    )
                    assert len(recorded.sequences) == 3 * len(held)
                mine += [one.deliberation for one in held]
            return mine

        done = [id_ for mine in await asyncio.gather(*map(work, range(4))) for id_ in mine]
    assert len(done) == len(set(done)) == 32
    for deliberation in done:
        (listed,) = await run("list_sequences", deliberation=deliberation)
        assert listed == {"sequences": list(range(1, 14)), "last": 13}
    assert await deliberations.claim("prc_one", 1, (), ()) == ()


async def test_a_batch_with_a_turn_that_the_graph_refuses_is_refused_whole(
    deliberations: Deliberations, unique_content: None
) -> None:
    assert unique_content is None
    (held,) = await held_ones(deliberations)
    one, two, three = proposals(held.deliberation)
    bad = replace(two, content=one.content)
    await deliberations.record(recordings(held, [one]))
    with pytest.raises(UnrecordableError) as refused:
        await deliberations.record(recordings(held, [bad, three]))
    assert "already exists" in refused.value.reason
    assert len((await deliberations.load(held.deliberation)).turns) == 1
    recorded = await deliberations.record(recordings(held, [three]))
    assert recorded.sequences == {three.id: 3}


async def test_a_text_that_is_not_unicode_is_refused_and_the_connection_stays_whole(
    deliberations: Deliberations,
) -> None:
    (held,) = await held_ones(deliberations)
    one, two, _ = proposals(held.deliberation)
    with pytest.raises(UnrecordableError):
        await deliberations.record(recordings(held, [replace(one, content="half \ud83e"), two]))
    assert len((await deliberations.record(recordings(held, [two]))).sequences) == 1


class Cramped(Graph):
    """The same graph on a server that has memory for so many turns in one transaction."""

    def __init__(self, graph: Graph, room: int) -> None:
        super().__init__(graph.driver, graph.address, graph.database, graph.bounds)
        self.room: int = room

    @override
    async def write(self, name: str, /, **parameters: Any) -> list[Record]:
        if sum(len(turns) for _, _, turns, _ in parameters["batches"]) > self.room:
            raise OutOfMemoryError("there is no memory for it")
        return await super().write(name, **parameters)


async def test_turns_that_do_not_fit_into_a_transaction_together_are_recorded_apart(
    deliberations: Deliberations, seeded: Councils
) -> None:
    (held,) = await held_ones(deliberations)
    turns = all_turns(held.deliberation)
    recorder = Recorder(GraphDeliberations(Cramped(seeded.graph, 2)))
    running = asyncio.create_task(recorder.run())
    try:
        recorded = await asyncio.gather(*map(recorder.record, recordings(held, turns)))
    finally:
        running.cancel()
    assert [one.turn.outcome for one in recorded] == [TurnOutcome.TAKEN] * len(turns)
    assert len((await deliberations.load(held.deliberation)).turns) == len(turns)


async def test_a_turn_for_which_others_left_no_room_is_one_to_send_again(
    deliberations: Deliberations, seeded: Councils
) -> None:
    (held,) = await held_ones(deliberations)
    one, *_ = recordings(held, proposals(held.deliberation))
    with pytest.raises(UnavailableError):
        await GraphDeliberations(Cramped(seeded.graph, 0)).record([one])


async def test_recording_nothing_is_nothing(deliberations: Deliberations) -> None:
    assert (await deliberations.record([])).sequences == {}
