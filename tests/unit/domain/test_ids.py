from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.domain import ids
from orchestrator.domain.deliberations import TurnKey, TurnKind
from orchestrator.domain.ids import Prefix

keys = st.builds(
    TurnKey,
    kind=st.sampled_from(TurnKind),
    round=st.integers(0, 99),
    seat=st.integers(1, 99),
    target=st.none() | st.integers(1, 99),
    sample=st.integers(1, 9),
)
bodies = st.text("0123456789abcdef", min_size=32, max_size=32)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (TurnKey(kind=TurnKind.PROPOSAL, round=0, seat=1), "trn_0198-p0-s1"),
        (TurnKey(kind=TurnKind.CRITIQUE, round=1, seat=2, target=3), "trn_0198-c1-s2-t3"),
        (TurnKey(kind=TurnKind.REVISION, round=2, seat=15), "trn_0198-r2-s15"),
        (TurnKey(kind=TurnKind.BALLOT, round=1, seat=3, sample=2), "trn_0198-b1-s3-n2"),
    ],
)
def test_a_turns_id_tells_what_turn_it_is(key: TurnKey, expected: str) -> None:
    assert ids.turn_id("dlb_0198", key) == expected


@given(bodies, bodies, keys, keys)
def test_two_turns_never_share_an_id_and_one_turn_always_has_the_same(
    one: str, other: str, key: TurnKey, other_key: TurnKey
) -> None:
    same = ids.turn_id(f"dlb_{one}", key) == ids.turn_id(f"dlb_{other}", other_key)
    assert same == ((one, key) == (other, other_key))


@given(st.sampled_from(Prefix), bodies)
def test_an_id_is_taken_apart_as_it_was_put_together(prefix: Prefix, body: str) -> None:
    made = ids.with_prefix(prefix, body)
    assert (ids.prefix_of(made), ids.body(made)) == (prefix, body)


@pytest.mark.parametrize("text", ["", "dlb", "dlb_", "_0198", "xyz_0198", "DLB_0198", " dlb_0198"])
def test_what_is_no_id_of_ours_has_no_prefix(text: str) -> None:
    assert ids.prefix_of(text) is None


def test_a_verdict_is_named_after_its_deliberation() -> None:
    assert ids.verdict_id("dlb_0198") == "vrd_0198"


@given(bodies, keys)
def test_a_turns_id_is_taken_apart_as_it_was_put_together(body: str, key: TurnKey) -> None:
    assert ids.turn_named(ids.turn_id(f"dlb_{body}", key)) == (f"dlb_{body}", key)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "trn_0198",
        "trn_-p0-s1",
        "dlb_0198-p0-s1",
        "trn_0198-x0-s1",
        "trn_0198-p0-s1-",
        "trn_0198-p0-s1\n",
        "trn_0198-p00-s1",
        "trn_0198-p0-s01",
        "trn_0198-p0-s1-n1",
        "trn_0198-p\u0663-s1",
        f"trn_0198-p{'9' * 5000}-s1",
    ],
)
def test_what_is_not_written_as_a_turns_id_names_no_turn(text: str) -> None:
    assert ids.turn_named(text) is None
