"""What the rehearsal model says, for the prompts as the engine builds them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.domain.councils import Agent, Decision, Model, ProtocolName, Seat
from orchestrator.domain.deliberations import (
    Deliberation,
    Priority,
    Status,
    Task,
    TurnKey,
    TurnKind,
)
from orchestrator.domain.protocols.steps import Ask
from orchestrator.domain.values import replace
from orchestrator.engine import prompting
from orchestrator.vllm import rehearsal_speech

TASK = Task(
    id="tsk_1",
    description=(
        "Add a rate limiter to the public HTTP API. Each client may make 100 requests a minute; "
        "whoever makes more is told when to come back. It must survive a restart of a node."
    ),
    requirements=(
        "Limits are counted per API key, not per IP address",
        "The answer to a refused request is 429 with Retry-After",
    ),
)

PERSONAS = (
    "You are a developer who values simple code. You look for the smallest design that works.",
    "You are a tester. You ask how each claim is verified, and look for edge cases and races.",
    "You run systems at night. You look for operability: metrics, rollback and capacity.",
)


def deliberation(task: Task = TASK, personas: tuple[str | None, ...] = PERSONAS) -> Deliberation:
    model = Model(id="mdl_1", name="rehearsal", rehearsal=True)
    seats = tuple(
        Seat(
            number=number,
            agent=Agent(
                id=f"agt_{number}",
                name=f"dev-agent-{number}",
                persona=persona,
                temperature=0.1 * number,
                max_tokens=512,
                model=model,
            ),
            persona=persona,
            temperature=0.1 * number,
            max_tokens=512,
            model=model,
        )
        for number, persona in enumerate(personas, start=1)
    )
    return Deliberation(
        id="dlb_0198",
        task=task,
        council_id="cou_1",
        council_version=1,
        role="DEV",
        seats=seats,
        protocol=ProtocolName.PEER_REVIEW,
        rounds=1,
        quorum=2,
        decision=Decision.BALLOTS,
        priority=Priority.NORMAL,
        status=Status.RUNNING,
        accepted_at=datetime(2026, 11, 23, tzinfo=UTC),
    )


def say(held: Deliberation, ask: Ask, contents: Mapping[str, str]) -> str:
    prompt = prompting.Prompts(held).build(ask, contents)
    seat = held.seats[ask.key.seat - 1]
    return rehearsal_speech.answer(
        [{"role": one.role, "content": one.content} for one in prompt.messages],
        seat.temperature,
        prompt.answer_schema,
    )


def ask(kind: TurnKind, seat: int, **shown: Any) -> Ask:
    place = 0 if kind is TurnKind.PROPOSAL else 1
    return Ask(key=TurnKey(kind=kind, round=place, seat=seat), **shown)


def propose(held: Deliberation, seat: int) -> str:
    return say(held, ask(TurnKind.PROPOSAL, seat), {})


def ballot_for(held: Deliberation, seat: int, proposals: list[str]) -> tuple[str, dict[str, str]]:
    """Return the ballot and the proposals by the letters under which they were shown."""
    contents = {f"trn_{number}": text for number, text in enumerate(proposals)}
    asked = ask(TurnKind.BALLOT, seat, choices=tuple(contents))
    prompt = prompting.Prompts(held).build(asked, contents)
    letters = {letter: contents[turn] for letter, turn in prompt.letters.items()}
    return say(held, asked, contents), letters


def quoted(text: str) -> list[str]:
    return re.findall("“([^”]+)”", text)


def test_a_proposal_names_the_tasks_words_and_the_personas_concern_in_steps():
    said = propose(deliberation(), 2)
    assert said.splitlines()[0].endswith(
        "a proposal for “Add a rate limiter to the public HTTP API”."
    )
    assert "edge cases" in said
    assert "1. For “" in said
    assert "2. For “" in said
    points = (*TASK.requirements, *re.split(r"[.;] ", TASK.description))
    for line in said.splitlines()[1:-1]:
        assert any(point.rstrip(".").startswith(quoted(line)[0]) for point in points), line


def test_the_same_prompt_is_answered_the_same_and_every_seat_speaks_for_itself():
    held = deliberation()
    said = [propose(held, seat) for seat in (1, 2, 3)]
    assert said == [propose(held, seat) for seat in (1, 2, 3)]
    assert len(set(said)) == 3


def test_seats_without_a_persona_differ_by_their_temperature():
    held = deliberation(personas=(None, None, None))
    assert len({propose(held, seat) for seat in (1, 2, 3)}) > 1


def test_a_critique_quotes_the_proposal_and_names_what_its_persona_and_the_task_miss():
    held = deliberation()
    for seat in (1, 2, 3):
        target = propose(held, seat % 3 + 1)
        said = say(held, ask(TurnKind.CRITIQUE, seat, target="trn_t"), {"trn_t": target})
        assert said.startswith("(rehearsal) Critique.")
        quote, *missing = quoted(said)
        assert quote in target
        assert missing
        assert not any(one in target for one in missing)
        assert any(one in PERSONAS[seat - 1] for one in missing)


def test_a_critique_of_a_proposal_that_has_everything_says_so():
    whole = " ".join((*TASK.requirements, TASK.description, *PERSONAS))
    said = say(deliberation(), ask(TurnKind.CRITIQUE, 1, target="trn_t"), {"trn_t": whole})
    assert "It speaks of every point of the task" in said


def test_a_revision_keeps_the_proposal_and_shows_what_it_took_over():
    held = deliberation()
    own = propose(held, 1)
    contents = {"trn_own": own}
    critique = say(held, ask(TurnKind.CRITIQUE, 2, target="trn_own"), contents)
    contents["trn_critique"] = critique
    revision = ask(TurnKind.REVISION, 1, revises="trn_own", answers=("trn_critique",))
    said = say(held, revision, contents)
    assert said.startswith("(rehearsal) Revised, taking over from the critique: ")
    assert "taking over from the critique" in said
    for step in own.splitlines()[1:-1]:
        assert step in said
    for missing in quoted(critique)[1:]:
        assert f"Taken over, for “{missing}”" in said
    numbers = re.findall(r"^(\d+)\. ", said, re.MULTILINE)
    assert numbers == [str(number) for number in range(1, len(numbers) + 1)]


def test_a_revision_says_so_where_the_critique_names_nothing_new():
    held = deliberation()
    contents = {"trn_own": propose(held, 1)}
    contents["trn_critique"] = f"I like “{quoted(contents['trn_own'])[0]}”."
    revision = ask(TurnKind.REVISION, 1, revises="trn_own", answers=("trn_critique",))
    assert "the critique changed nothing" in say(held, revision, contents)


@pytest.mark.parametrize("choices", range(2, 15))
def test_a_ballot_is_valid_for_any_number_of_choices(choices: int):
    held = deliberation(personas=PERSONAS * 5)
    proposals = [propose(held, seat) for seat in range(2, choices + 2)]
    contents = {f"trn_{number}": text for number, text in enumerate(proposals)}
    asked = ask(TurnKind.BALLOT, 1, choices=tuple(contents))
    prompt = prompting.Prompts(held).build(asked, contents)
    said = say(held, asked, contents)
    assert len(prompting.choices_of(said, prompt.letters)) == choices
    assert prompt.answer_schema is not None
    ranking = prompt.answer_schema["properties"]["ranking"]
    told = json.loads(said)
    if "enum" in ranking:
        assert told["ranking"] in ranking["enum"]
    else:
        assert re.fullmatch(ranking["pattern"], told["ranking"])
    assert set(told) == {"ranking", "reason"}
    assert len(told["reason"]) <= prompting.LONGEST_REASON
    assert told["reason"].startswith("(rehearsal) ")


def test_a_ballot_prefers_what_speaks_of_the_task_and_of_its_voters_concerns():
    held = deliberation()
    whole = " ".join((*TASK.requirements, TASK.description))
    said, letters = ballot_for(held, 3, ["Nothing of it.", whole, whole + " " + PERSONAS[2]])
    order = [letters[letter] for letter in json.loads(said)["ranking"].split(" > ")]
    assert order == [whole + " " + PERSONAS[2], whole, "Nothing of it."]


def test_the_order_in_which_proposals_are_shown_does_not_decide():
    held = deliberation()
    proposals = [propose(held, seat) for seat in (1, 2, 3)]
    votes = set[tuple[str, ...]]()
    for number in range(6):
        shown = replace(held, id=f"dlb_{number}")  # the letters are shuffled by the turn's id
        said, letters = ballot_for(shown, 1, proposals)
        votes.add(tuple(letters[one] for one in json.loads(said)["ranking"].split(" > ")))
    assert len(votes) == 1


def test_a_schema_that_is_no_ballots_is_refused():
    with pytest.raises(ValueError, match="no schema but a ballot's"):
        rehearsal_speech.answer([{"role": "user", "content": "Hi"}], 1.0, {"type": "object"})


@given(
    description=st.text(min_size=1, max_size=300),
    persona=st.text(max_size=100),
    proposal=st.text(max_size=200),
)
def test_any_text_can_be_spoken_of(description: str, persona: str, proposal: str):
    held = deliberation(Task(id="tsk_1", description=description), (persona, None))
    said = propose(held, 1)
    contents = {"trn_a": said, "trn_b": proposal}
    critique = say(held, ask(TurnKind.CRITIQUE, 1, target="trn_b"), contents)
    contents["trn_c"] = critique
    revised = ask(TurnKind.REVISION, 2, revises="trn_b", answers=("trn_c",))
    for text in (said, critique, say(held, revised, contents)):
        assert text.startswith(rehearsal_speech.MARK)
    ballot, letters = ballot_for(held, 1, [said, proposal])
    assert sorted(json.loads(ballot)["ranking"].split(" > ")) == sorted(letters)
