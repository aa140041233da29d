"""Deliberations with a token budget: what is reserved before a call, what is settled after, and what comes of too little."""

from __future__ import annotations

import asyncio

import pytest

from orchestrator.domain.deliberations import Deliberation, StopReason, TurnKind, Usage
from orchestrator.domain.errors import ClaimLostError, ModelError
from orchestrator.domain.values import replace
from orchestrator.engine.budgeting import LEAST_BALLOT_TOKENS, LEAST_TOKENS
from orchestrator.engine.ports import Answer, Call
from tests.support.waiting import until
from tests.unit.engine.doubles import (
    OneDeliberation,
    Script,
    ScriptedModels,
    a_deliberation,
    ballot_for,
)
from tests.unit.engine.test_runner import Bench

ANSWER = 40
"""Tokens of each answer here; prompts have a token for four characters."""


def with_budget(tokens: int, *, seats: int = 3, rounds: int = 1, most: int = 600) -> Deliberation:
    plain = a_deliberation(seats=seats, rounds=rounds, quorum=min(seats, 2))
    return replace(
        plain,
        seats=tuple(replace(seat, max_tokens=most) for seat in plain.seats),
        token_budget=tokens,
    )


def prompt_of(call: Call) -> int:
    return sum(len(message.content) for message in call.messages) // 4


def counting(script: Script = lambda _call, _times: None) -> Script:
    """Answer as the script says, and count; a failure is not counted unless it says so."""

    def answer(call: Call, times: int) -> Answer | ModelError | None:
        told = script(call, times) or Answer(
            content=ballot_for(call) if call.answer_schema else f"answer of {call.turn}"
        )
        if isinstance(told, ModelError):
            return told
        usage = Usage(prompt_tokens=prompt_of(call), completion_tokens=ANSWER, calls=1)
        return replace(told, usage=usage)

    return answer


def spent(graph: OneDeliberation) -> int:
    return graph.deliberation.tokens_spent


async def deliberate(
    deliberation: Deliberation, script: Script = lambda _call, _times: None
) -> tuple[OneDeliberation, ScriptedModels]:
    graph = OneDeliberation(deliberation=deliberation)
    models = ScriptedModels(script=counting(script))
    await Bench(graph, models).run()
    return graph, models


async def test_what_is_enough_is_no_hindrance_and_what_was_spent_is_what_was_counted() -> None:
    graph, models = await deliberate(with_budget(100_000))
    ((verdict, reason),) = graph.verdicts
    assert (verdict.partial, reason, len(models.asked)) == (False, StopReason.COMPLETED, 12)
    usage = graph.deliberation.usage
    assert spent(graph) == usage.prompt_tokens + usage.completion_tokens


async def test_before_a_call_is_sent_the_graph_has_what_it_may_use() -> None:
    graph = OneDeliberation(deliberation=with_budget(100_000))
    seen: list[tuple[int, int]] = []

    def look(call: Call, _times: int) -> None:
        seen.append((call.max_tokens + prompt_of(call), spent(graph)))

    await Bench(graph, ScriptedModels(script=counting(look))).run()
    assert len(seen) == 12
    assert all(needed <= reserved for needed, reserved in seen)


@pytest.mark.parametrize("tokens", range(300, 4000, 185))
async def test_whatever_the_budget_no_more_is_spent(tokens: int) -> None:
    graph, _ = await deliberate(with_budget(tokens))
    assert spent(graph) <= tokens


async def test_a_budget_too_small_for_the_first_call_ends_it_without_one() -> None:
    graph, models = await deliberate(with_budget(500))
    assert models.asked == []
    ((reason, failure),) = graph.failures
    assert reason is StopReason.TOKEN_BUDGET
    assert "0 of 500 tokens are spent, and the next call may need 7" in failure
    assert spent(graph) == 0


async def test_what_a_turns_own_attempts_used_up_is_told_as_spent() -> None:
    def cut(_call: Call, _times: int) -> ModelError:
        return ModelError("cut off", retryable=True)

    deliberation = replace(with_budget(1000, seats=1, rounds=0), quorum=1)
    graph, models = await deliberate(deliberation, cut)
    assert len(models.asked) == 1
    ((_, failure),) = graph.failures
    assert spent(graph) > 0
    assert f"{spent(graph):,} of 1,000 tokens are spent" in failure


async def test_calls_that_do_not_fit_beside_each_other_are_made_one_after_the_other() -> None:
    graph = OneDeliberation(deliberation=with_budget(1500, rounds=0))
    models = ScriptedModels(script=counting(), gates={"p0-s1": asyncio.Event()})
    running = asyncio.create_task(Bench(graph, models).run())
    await until(lambda: len(models.asked) == 1)
    await asyncio.sleep(0)
    assert len(models.asked) == 1
    models.gates["p0-s1"].set()
    await running
    assert len(models.asked) > 1


async def test_the_last_answer_is_cut_to_what_is_left() -> None:
    allowed: list[int] = []

    def note(call: Call, _times: int) -> None:
        allowed.append(call.max_tokens)

    whole = with_budget(10_000, seats=1, rounds=0)
    await deliberate(whole, note)
    graph, _ = await deliberate(with_budget(1000, seats=1, rounds=0, most=600), note)
    assert allowed[0] == 600
    assert LEAST_TOKENS <= allowed[1] < 600
    assert [reason for _, reason in graph.verdicts] == [StopReason.COMPLETED]


async def test_a_budget_that_ends_among_the_ballots_comes_to_a_partial_verdict() -> None:
    outcomes: dict[int, StopReason] = {}
    ballots = 0
    for tokens in range(1500, 3500, 25):
        graph, _ = await deliberate(with_budget(tokens))
        if graph.verdicts:
            ((verdict, reason),) = graph.verdicts
            outcomes[tokens] = reason
            if reason is StopReason.TOKEN_BUDGET:
                assert verdict.partial
                ballots = len(verdict.ballots)
                break
    assert list(outcomes.values())[-1] is StopReason.TOKEN_BUDGET
    assert 1 <= ballots < 3


async def test_a_ballot_is_not_cut_below_what_its_json_takes() -> None:
    allowed: list[int] = []

    def note(call: Call, _times: int) -> None:
        if call.answer_schema is not None:
            allowed.append(call.max_tokens)

    for tokens in range(1500, 3500, 25):
        await deliberate(with_budget(tokens), note)
    assert min(allowed) >= LEAST_BALLOT_TOKENS
    assert min(allowed) < 600


async def test_what_is_under_way_when_no_more_fits_is_paid_for_and_is_let_end() -> None:
    # Found by the test above: among its ballots it ends.
    for tokens in range(1500, 3500, 25):
        graph, models = await deliberate(with_budget(tokens))
        assert models.cancelled == []
        assert {turn.id for turn in graph.turns.values()} == set(models.asked)


async def test_an_attempt_that_was_cut_off_counts_with_all_that_was_reserved_for_it() -> None:
    def script(call: Call, times: int) -> ModelError | None:
        cut = times == 1 and call.turn.endswith("p0-s1")
        return ModelError("cut off", retryable=True) if cut else None

    graph, _ = await deliberate(with_budget(100_000), script)
    usage = graph.deliberation.usage
    uncounted = spent(graph) - usage.prompt_tokens - usage.completion_tokens
    assert uncounted > 600
    assert graph.deliberation.status == "DECIDED"


async def test_an_attempt_that_the_server_did_not_begin_with_costs_nothing() -> None:
    def script(call: Call, times: int) -> ModelError | None:
        busy = times == 1 and call.turn.endswith("p0-s1")
        return ModelError("busy", retryable=True, usage=Usage()) if busy else None

    graph, _ = await deliberate(with_budget(100_000), script)
    usage = graph.deliberation.usage
    assert spent(graph) == usage.prompt_tokens + usage.completion_tokens


async def test_a_ballot_that_was_no_ballot_is_part_of_what_its_turn_used() -> None:
    def script(call: Call, times: int) -> Answer | None:
        return Answer(content="no JSON") if call.answer_schema and times == 1 else None

    graph, models = await deliberate(with_budget(100_000), script)
    ballots = [turn for turn in graph.turns.values() if turn.key.kind is TurnKind.BALLOT]
    assert [turn.usage.completion_tokens for turn in ballots] == [2 * ANSWER] * 3
    assert len(models.asked) == 15
    usage = graph.deliberation.usage
    assert spent(graph) == usage.prompt_tokens + usage.completion_tokens


@pytest.mark.parametrize(
    "usage", [Usage(), Usage(completion_tokens=3), Usage(prompt_tokens=3)], ids=str
)
async def test_an_answer_that_was_not_counted_counts_with_all_that_was_reserved_for_it(
    usage: Usage,
) -> None:
    def script(call: Call, _times: int) -> Answer:
        content = ballot_for(call) if call.answer_schema else f"answer of {call.turn}"
        return Answer(content=content, usage=usage)

    graph = OneDeliberation(deliberation=with_budget(4000))
    await Bench(graph, ScriptedModels(script=script)).run()
    assert graph.deliberation.usage.prompt_tokens == 0
    assert 2000 < spent(graph) <= 4000
    assert [reason for reason, _ in graph.failures] == [StopReason.TOKEN_BUDGET]


async def test_what_a_dead_process_had_in_flight_counts_once_over_several_takeovers() -> None:
    graph = OneDeliberation(deliberation=with_budget(100_000))
    seen: list[int] = []
    for _ in range(3):
        gates = {f"p0-s{seat}": asyncio.Event() for seat in (1, 2, 3)}
        models = ScriptedModels(script=counting(), gates=gates)
        running = asyncio.create_task(Bench(graph, models).run())
        await until(lambda models=models: len(models.asked) == 3)
        running.cancel()
        await asyncio.wait([running])
        seen.append(spent(graph))
    first = seen[0]
    assert first > 3 * 600
    assert seen == [first, 2 * first, 3 * first]


async def test_what_waits_for_its_endpoint_costs_nothing_when_its_process_dies() -> None:
    graph = OneDeliberation(deliberation=with_budget(100_000))
    turns = [f"trn_0001-p0-s{seat}" for seat in (1, 2, 3)]
    models = ScriptedModels(in_the_way=dict.fromkeys(turns, ("endpoint default is down",)))
    bench = Bench(graph, models)
    running = asyncio.create_task(bench.run())
    await until(lambda: bench.dispatcher.obstacles(graph.deliberation.id) != ())
    running.cancel()
    await asyncio.wait([running])
    assert (graph.reservations, spent(graph)) == ([], 0)


async def test_a_process_that_takes_over_knows_as_much_of_prompts_as_the_one_before() -> None:
    whole, _ = await deliberate(with_budget(100_000))
    some = dict(list(whole.turns.items())[:7])
    usage = sum((turn.usage for turn in some.values()), Usage())
    resumed = OneDeliberation(
        deliberation=replace(with_budget(100_000), sequence=8, usage=usage), turns=dict(some)
    )
    models = ScriptedModels(script=counting())
    await Bench(resumed, models).run()
    # By bytes it would be four times what is counted, and more than what the answers may have.
    needed = sum(turn.usage.prompt_tokens for turn in resumed.turns.values()) - usage.prompt_tokens
    answers = 600 * len(models.asked)
    assert resumed.deliberation.tokens_reserved < answers + 2 * needed + 400 * len(models.asked)


async def test_a_claim_that_is_lost_is_noticed_before_the_call_is_sent() -> None:
    graph = OneDeliberation(deliberation=with_budget(100_000), epoch=2)
    models = ScriptedModels(script=counting())
    with pytest.raises(ClaimLostError):
        await Bench(graph, models).run()
    assert models.asked == []


async def test_wound_down_it_does_not_wait_for_turns_that_wait_for_room() -> None:
    graph = OneDeliberation(deliberation=with_budget(1500, rounds=0))
    models = ScriptedModels(script=counting(), gates={"p0-s1": asyncio.Event()})
    bench = Bench(graph, models)
    running = asyncio.create_task(bench.run())
    await until(lambda: len(models.asked) == 1)
    bench.runner.wind_down()
    models.gates["p0-s1"].set()
    await running
    assert len(models.asked) == len(graph.turns) == 1


async def test_without_a_budget_nothing_is_reserved() -> None:
    graph, _ = await deliberate(a_deliberation())
    assert graph.reservations == []
