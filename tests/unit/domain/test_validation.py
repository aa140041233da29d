"""What callers send: accepted as it is, or told with what would be right."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.domain import limits
from orchestrator.domain.councils import Decision, ProtocolName
from orchestrator.domain.drafts import AgentDraft, Clear
from orchestrator.domain.errors import InvalidInput, RefusedError
from orchestrator.domain.validation import Inspection, name_mistake, text_mistake
from orchestrator.domain.validation_councils import (
    inspect_agent,
    inspect_agent_change,
    inspect_council,
    inspect_council_change,
    inspect_endpoint,
    inspect_endpoint_change,
)
from orchestrator.domain.validation_deliberations import (
    inspect_deadline,
    inspect_rounds,
    inspect_task,
    inspect_token_budget,
)


def found(inspection: Inspection) -> list[tuple[str, str]]:
    """What an inspection found: where, and in which words."""
    try:
        inspection.close()
    except RefusedError as refused:
        return [(".".join(mistake.path), mistake.message) for mistake in refused.mistakes]
    return []


@pytest.mark.parametrize(
    ("name", "mistake"),
    [
        ("ann", None),
        ("Ann Ölçü 東京 🐙 'quoted' \"twice\" \\ {$x}", None),
        ("x" * 255, None),
        ("x" * 256, "must not be longer than 255 characters, and has 256"),
        ("\0" + "x" * 255, "must not be longer than 255 characters, and has 256"),
        ("", "must not be blank"),
        ("   ", "must not be blank"),
        ("\u202e", "must hold a visible character"),
        ("\u200b\u3164\u0301", "must hold a visible character"),
        (" ann", "must not begin or end with spaces"),
        ("ann\u00a0", "must not begin or end with spaces"),
        ("a\0n", "must not hold NUL characters"),
        ("a\ud800", "must be valid Unicode, without lone surrogates"),
        ("a\nn", "must not hold control characters or line breaks"),
        ("a\u2028n", "must not hold control characters or line breaks"),
        ("a\x7fn", "must not hold control characters or line breaks"),
    ],
)
def test_name_is_one_line_of_visible_text(name: str, mistake: str | None) -> None:
    assert name_mistake(name) == mistake


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_text_that_can_be_encoded_has_no_mistake(text: str) -> None:
    assert text_mistake(text) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "persona must not be blank"),
        (" \n\t", "persona must not be blank"),
        ("x" * 11, "persona must not be longer than 10 characters, and has 11"),
        ("a\0", "persona must not hold NUL characters"),
        ("\udc00", "persona must be valid Unicode, without lone surrogates"),
    ],
)
def test_text_may_have_lines_and_must_say_something(text: str, words: str) -> None:
    inspection = Inspection()

    inspection.text(("persona",), text, 10)
    inspection.text(("persona",), "a\n\tb\x1b", 10)
    inspection.optional_text(("persona",), None, 10)

    assert found(inspection) == [("persona", words)]


@pytest.mark.parametrize("value", [-0.1, 2.1, math.nan, math.inf, -math.inf, -1, 3])
def test_temperature_out_of_bounds_is_a_mistake(value: float) -> None:
    inspection = Inspection()

    inspection.temperature(("temperature",), value)

    assert found(inspection) == [
        ("temperature", f"temperature must be from 0 to 2.0, and is {value}")
    ]


@pytest.mark.parametrize("value", [0, 0.0, 0.7, 2, 2.0, None])
def test_temperature_within_bounds_is_kept(value: float | None) -> None:
    inspection = Inspection()

    assert inspection.temperature(("temperature",), value) == value
    assert found(inspection) == []


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(json_values)
def test_metadata_is_kept_as_text_that_reads_the_same(value: object) -> None:
    inspection = Inspection()

    text = inspection.metadata(("metadata",), value)

    assert found(inspection) == []
    assert value is None if text is None else json.loads(text) == value


def deep(levels: int) -> object:
    value: object = "x"
    for _ in range(levels):
        value = [value]
    return value


NO_JSON = "metadata must be a JSON value, without NaN, infinite numbers and those of more than 4300 digits"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (deep(21), "metadata must not be nested deeper than 20 levels, and has 21"),
        (
            deep(100_000),
            "metadata must not be nested deeper than 20 levels, and has 100000",
        ),
        (
            {"a": [1, {"b": deep(18)}], "c": [[1]]},
            "metadata must not be nested deeper than 20 levels, and has 21",
        ),
        ({"a": math.nan}, NO_JSON),
        ({"a": [math.inf]}, NO_JSON),
        pytest.param(10**4300, NO_JSON, id="a number of 4301 digits"),
        (object(), NO_JSON),
        (
            "x" * 9_999,
            "metadata must not be longer than 10000 characters as JSON text, and has 10001",
        ),
        ({"a\0": 1}, "metadata must be valid Unicode, without lone surrogates and NUL characters"),
        (
            [["\ud800"]],
            "metadata must be valid Unicode, without lone surrogates and NUL characters",
        ),
    ],
)
def test_metadata_that_cannot_be_kept_is_a_mistake(value: object, words: str) -> None:
    inspection = Inspection()

    assert inspection.metadata(("metadata",), value) is None
    assert found(inspection) == [("metadata", words)]


def test_metadata_as_deep_as_it_may_be_is_kept() -> None:
    inspection = Inspection()

    assert inspection.metadata(("metadata",), deep(20)) is not None
    assert found(inspection) == []


def test_place_in_a_list_is_named_in_the_words() -> None:
    inspection = Inspection()

    inspection.text(("task", "requirements", "3"), "", 10)

    assert found(inspection) == [("task.requirements.3", "requirements[3] must not be blank")]


def council(inspection: Inspection, **sent: object) -> object:
    whole = {
        "role": "DEV",
        "name": None,
        "agents": None,
        "seats": None,
        "protocol": None,
        "rounds": None,
        "quorum": None,
        "decision": None,
    }
    return inspect_council(inspection, **(whole | sent))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("sent", "path", "words"),
    [
        ({}, "agents", "give the agents one by one, or say with seats how many to make"),
        ({"agents": [AgentDraft()], "seats": 1}, "seats", "either agents or seats, not both"),
        ({"agents": []}, "agents", "a council has from 1 to 15 agents; these are 0"),
        ({"agents": [AgentDraft()] * 16}, "agents", "a council has from 1 to 15 agents"),
        ({"seats": 16}, "seats", "seats must be from 1 to 15, and is 16"),
        ({"seats": 3, "name": "a\nb"}, "name", "name must not hold control characters"),
        ({"seats": 3, "quorum": 4}, "quorum", "quorum must be from 1 to 3, and is 4"),
        ({"seats": 3, "rounds": 11}, "rounds", "rounds must be from 0 to 10, and is 11"),
        ({"seats": 3, "role": "x" * 201}, "role", "role must not be longer than 200"),
        (
            {"agents": [AgentDraft(name="a"), AgentDraft(), AgentDraft(name="a")]},
            "agents.2.name",
            "name is agents[0]'s already",
        ),
    ],
)
def test_council_that_cannot_be_is_a_mistake(
    sent: dict[str, object], path: str, words: str
) -> None:
    inspection = Inspection()

    council(inspection, **sent)

    [(where, what)] = found(inspection)
    assert where == path
    assert words in what


@pytest.mark.parametrize(
    ("seats", "rounds", "tokens", "temperature", "seconds", "budget"),
    [
        (1, 0, 1, 0.0, 1, 1),
        (
            limits.SEATS,
            limits.ROUNDS,
            limits.TOKENS,
            limits.TEMPERATURE,
            limits.DEADLINE_SECONDS,
            limits.TOKEN_BUDGET,
        ),
    ],
    ids=["least", "most"],
)
def test_what_is_at_its_bounds_is_no_mistake(
    *, seats: int, rounds: int, tokens: int, temperature: float, seconds: int, budget: int
) -> None:
    inspection = Inspection()

    council(inspection, seats=seats, quorum=seats, rounds=rounds)
    council(inspection, agents=[AgentDraft()] * seats)
    inspect_council_change(
        inspection, name=None, protocol=None, rounds=rounds, quorum=seats, decision=None
    )
    inspect_agent(
        inspection,
        ("agent",),
        name=None,
        persona=None,
        temperature=temperature,
        max_tokens=tokens,
        model=None,
        endpoint=None,
        metadata=None,
    )
    inspect_agent_change(
        inspection,
        persona=None,
        temperature=temperature,
        max_tokens=tokens,
        model=None,
        endpoint=None,
        metadata=None,
    )
    inspect_rounds(inspection, rounds)
    inspect_deadline(inspection, seconds)
    inspect_token_budget(inspection, budget)

    assert found(inspection) == []


def test_council_of_defaults_has_as_many_agents_as_seats() -> None:
    inspection = Inspection()

    draft = inspect_council(
        inspection,
        role="DEV",
        name=None,
        agents=None,
        seats=15,
        protocol=None,
        rounds=None,
        quorum=15,
        decision=None,
    )

    assert found(inspection) == []
    assert draft.agents == (AgentDraft(),) * 15
    assert (draft.protocol, draft.rounds, draft.quorum, draft.decision) == (
        ProtocolName.PEER_REVIEW,
        1,
        15,
        Decision.BALLOTS,
    )


def test_what_cannot_be_empty_cannot_be_cleared() -> None:
    inspection = Inspection()

    inspect_council_change(
        inspection,
        name=Clear.CLEAR,
        protocol=Clear.CLEAR,
        rounds=Clear.CLEAR,
        quorum=Clear.CLEAR,
        decision=Clear.CLEAR,
    )
    inspect_agent_change(
        inspection,
        persona=Clear.CLEAR,
        temperature=Clear.CLEAR,
        max_tokens=Clear.CLEAR,
        model=Clear.CLEAR,
        endpoint=Clear.CLEAR,
        metadata=Clear.CLEAR,
    )
    inspect_endpoint_change(
        inspection, url=Clear.CLEAR, api_key_variable=Clear.CLEAR, allow_link_local=False
    )

    assert [path for path, _ in found(inspection)] == [
        "name",
        "protocol",
        "rounds",
        "quorum",
        "decision",
        "temperature",
        "maxTokens",
        "model",
        "url",
    ]


def test_change_is_looked_at_like_what_is_new() -> None:
    inspection = Inspection()

    inspect_council_change(inspection, name="", protocol=None, rounds=-1, quorum=16, decision=None)
    inspect_agent_change(
        inspection,
        persona="",
        temperature=3,
        max_tokens=0,
        model=" ",
        endpoint="\n",
        metadata=deep(30),
    )
    inspect_endpoint_change(inspection, url="x", api_key_variable="PATH", allow_link_local=False)

    assert sorted(path for path, _ in found(inspection)) == [
        "apiKeyVariable",
        "endpoint",
        "maxTokens",
        "metadata",
        "model",
        "name",
        "persona",
        "quorum",
        "rounds",
        "temperature",
        "url",
    ]


def test_rehearsal_model_is_nobodys_choice() -> None:
    inspection = Inspection()

    inspect_agent(
        inspection,
        ("agent",),
        name=None,
        persona=None,
        temperature=None,
        max_tokens=None,
        model="rehearsal",
        endpoint=None,
        metadata=None,
    )
    inspect_agent_change(
        inspection,
        persona=None,
        temperature=None,
        max_tokens=None,
        model="rehearsal",
        endpoint=None,
        metadata=None,
    )

    assert [path for path, _ in found(inspection)] == ["agent.model", "model"]


def test_agent_of_nothing_is_a_draft_of_nothing() -> None:
    inspection = Inspection()

    draft = inspect_agent(
        inspection,
        ("agent",),
        name=None,
        persona=None,
        temperature=None,
        max_tokens=None,
        model=None,
        endpoint=None,
        metadata=None,
    )

    assert draft == AgentDraft()
    assert found(inspection) == []


@pytest.mark.parametrize(
    ("variable", "right"),
    [
        ("COUNCIL_KEY_A", True),
        ("COUNCIL_KEY_A_1", True),
        ("COUNCIL_KEY_", False),
        ("VLLM_API_KEY", False),
        ("NEO4J_PASSWORD", False),
        ("council_key_a", False),
        ("COUNCIL_KEY_a", False),
        ("COUNCIL_KEY_Ä", False),
        ("COUNCIL_KEY_A\n", False),
        ("", False),
        ("COUNCIL_KEY_" + "A" * 300, False),
    ],
)
def test_key_variable_must_be_one_of_ours(variable: str, *, right: bool) -> None:
    inspection = Inspection()

    inspect_endpoint(
        inspection,
        name="gpu",
        url="http://gpu",
        api_key_variable=variable,
        allow_link_local=False,
    )

    assert [path for path, _ in found(inspection)] == ([] if right else ["apiKeyVariable"])


def test_what_is_too_long_of_an_endpoint_is_told_how_long_it_is_and_may_be() -> None:
    inspection = Inspection()

    inspect_endpoint(
        inspection,
        name="g" * 300,
        url=f"http://gpu/{'v' * 3000}",
        api_key_variable=f"COUNCIL_KEY_{'A' * 300}",
        allow_link_local=False,
    )

    assert found(inspection) == [
        ("name", "name must not be longer than 255 characters, and has 300"),
        ("url", "url must not be longer than 2048 characters, and has 3011"),
        ("apiKeyVariable", "apiKeyVariable must not be longer than 255 characters, and has 312"),
    ]


def test_metadata_address_is_allowed_where_a_setting_says_so() -> None:
    allowed, refused = Inspection(), Inspection()

    for inspection in (allowed, refused):
        inspect_endpoint(
            inspection,
            name="gpu",
            url="http://169.254.0.5:8000/v1",
            api_key_variable=None,
            allow_link_local=inspection is allowed,
        )

    assert found(allowed) == []
    [(path, words)] = found(refused)
    assert path == "url"
    assert "link-local" in words


def test_task_as_big_as_it_may_be_is_kept() -> None:
    inspection = Inspection()

    task = inspect_task(
        inspection,
        ("task",),
        id="tsk_1",
        description="x" * limits.DESCRIPTION,
        context="x" * limits.CONTEXT,
        rubric="x" * limits.RUBRIC,
        requirements=["x" * limits.REQUIREMENT] * limits.REQUIREMENTS,
        external_id="x" * limits.NAME,
        metadata="x" * (limits.METADATA - 2),
    )

    assert found(inspection) == []
    assert len(task.requirements) == limits.REQUIREMENTS


def test_all_mistakes_of_a_task_are_told() -> None:
    inspection = Inspection()

    inspect_task(
        inspection,
        ("task",),
        id="tsk_1",
        description="x" * 1_000_000,
        context="",
        rubric="\0",
        requirements=["", "x" * (limits.REQUIREMENT + 1)],
        external_id="a\nb",
        metadata=math.nan,
    )
    inspect_rounds(inspection, 1000)
    inspect_deadline(inspection, 0)
    inspect_deadline(inspection, limits.DEADLINE_SECONDS + 1)
    inspect_token_budget(inspection, 0)

    mistakes = dict(found(inspection))
    assert mistakes["task.description"] == (
        "description must not be longer than 100000 characters, and has 1000000"
    )
    assert set(mistakes) == {
        "task.description",
        "task.context",
        "task.rubric",
        "task.requirements.0",
        "task.requirements.1",
        "task.externalId",
        "task.metadata",
        "rounds",
        "deadlineSeconds",
        "tokenBudget",
    }


def test_mistakes_are_told_in_the_order_in_which_they_were_found() -> None:
    inspection = Inspection()
    inspection.add(("b",), "1")
    inspection.keep(InvalidInput(message="2", path=("a",)))

    assert found(inspection) == [("b", "1"), ("a", "2")]
