"""Text from a server, made valid."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.vllm.unicode import Pieces, valid

ANY_TEXT = st.text(st.characters(), max_size=40)
"""Surrogates included."""


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("plain", "plain"),
        ("größer 😀", "größer 😀"),
        ("\ud83d\ude00", "😀"),
        ("a\ud800b", "a\ufffdb"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
        ("a\0", "a\ufffd"),
        ("", ""),
    ],
)
def test_what_cannot_be_kept_is_replaced_and_pairs_are_joined(text: str, read: str):
    assert valid(text) == read


@given(st.lists(ANY_TEXT, max_size=6))
def test_pieces_together_are_what_the_whole_would_have_been(texts: list[str]):
    pieces = Pieces()
    told = "".join([pieces.add(text) for text in texts])
    told.encode()
    assert pieces.length == len(told)
    assert pieces.whole() == valid("".join(texts))
    assert pieces.whole().startswith(told)
