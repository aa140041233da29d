"""What looking at a file keeps in memory: a few digests of each deliberation, and nothing of what was said in it."""

from __future__ import annotations

import gc
import json
import tracemalloc
from collections.abc import Iterator

from orchestrator.graph.moving.checking import Check
from orchestrator.graph.moving.form import Line
from tests.unit.graph.moving import sound

_MOST = 800
"""Bytes of a deliberation, as docs/migrating.md says."""


def _deliberations(count: int, *, words: int) -> Iterator[Line]:
    """Deliberations of the sound file under other ids, each turn of which has so many words, and a key each."""
    one = {**sound.deliberation(), "idempotencyKey": "key d", "inputDigest": "digest"}
    text = json.dumps(one).replace('"words"', json.dumps("words " * words))
    for number in range(count):
        body = f"{number:08}"
        named = text.replace("tsk_1", f"tsk_{body}").replace("key d", f"key {body}")
        for prefix in ("dlb", "trn", "clm", "vrd"):
            named = named.replace(f"{prefix}_d", f"{prefix}_{body}")
        yield Line(place=f"deliberation {body}", text=named)


def _kept(count: int, *, words: int = 1) -> int:
    """Return how many bytes are kept after so many deliberations; the last line is among them."""
    check = Check(allow_link_local=False)
    for line in sound.lines()[: sound.DELIBERATION]:
        check.look(line)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for line in _deliberations(count, words=words):
            check.look(line)
        # When garbage in circles is looked for depends on all that was there before.
        gc.collect()
        kept = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert check.mistakes == []
    return kept


def test_of_each_deliberation_no_more_is_kept_than_is_said_however_many_there_are() -> None:
    for count in (100, 250):
        assert _kept(count) < count * _MOST


def test_of_what_was_said_in_it_nothing_is_kept() -> None:
    # Two measurements of the same differ by some thousands of bytes; what is kept is in each of them.
    assert min(_kept_more_of_long_ones() for _ in range(3)) < 5_000


def _kept_more_of_long_ones() -> int:
    short = _kept(100) - _kept(50)
    return _kept(100, words=1_000) - _kept(50, words=1_000) - short
