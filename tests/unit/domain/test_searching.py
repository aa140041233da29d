"""Passages that show what matched."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.domain.searching import Hit, highlights, words


def test_words_are_compared_without_their_case() -> None:
    assert words("Retry-policy, of OUR wEbhook!") == {"retry", "policy", "of", "our", "webhook"}
    assert words("... \t") == frozenset()


def test_names_of_programs_are_words() -> None:
    assert words("retry_after, v1.2 and don't") == {"retry_after", "v1.2", "and", "don't"}


def test_what_matched_is_marked_and_the_rest_is_escaped() -> None:
    text = '<b>A Cache</b> & what a cache\'s "keys" are.'
    assert highlights(words("cache"), text) == [
        "&lt;b&gt;A <mark>Cache</mark>&lt;/b&gt; &amp; what a <mark>cache</mark>&#x27;s &quot;keys&quot; are."
    ]


def test_passage_begins_and_ends_with_a_word_and_says_that_there_is_more() -> None:
    text = f"{'before ' * 40}needle {'after ' * 40}"
    [passage] = highlights(words("needle"), text)
    assert passage == f"…{'before ' * 11}<mark>needle</mark>{' after' * 13}…"


def test_what_lies_far_apart_is_shown_apart_and_no_more_than_three_passages() -> None:
    text = ("needle " + "hay " * 100) * 5
    found = highlights(words("needle"), text, None, "", "another needle")
    assert len(found) == 3
    assert all(passage.count("<mark>") == 1 for passage in found)


@pytest.mark.parametrize(
    ("sought", "text", "passage"),
    [
        ("机器", "我们需要机器学习", "我们需要<mark>机器</mark>学习"),
        ("テスト", "カタカナのテスト", "カタカナの<mark>テスト</mark>"),
        ("缓存", "the API缓存", "the API<mark>缓存</mark>"),
        ("🎉", "Ship 🎉 now", "Ship <mark>🎉</mark> now"),
        ("istanbul", "İstanbul", "<mark>İstanbul</mark>"),
        ("İSTANBUL", "istanbul", "<mark>istanbul</mark>"),
        ("हिन्दी", "न हिन्दी में", "न <mark>हिन्दी</mark> में"),
        ("न", "न हिन्दी में", "<mark>न</mark> हिन्दी में"),
        ("cafe", "cafe\u0301 or cafe", "cafe\u0301 or <mark>cafe</mark>"),
        ("DON'T", "don the shirt, don't", "don the shirt, <mark>don&#x27;t</mark>"),
        ("node.js", "a node and node.js", "a node and <mark>node.js</mark>"),
        ("foo foo.bar", "foo.bar", "<mark>foo.bar</mark>"),
    ],
)
def test_whole_words_are_marked_as_the_script_has_them(
    sought: str, text: str, passage: str
) -> None:
    assert highlights(words(sought), text) == [passage]


def test_passages_share_nothing_and_mark_all_that_matched_in_them() -> None:
    text = " ".join(f"needle{' hay' * gap}" for gap in (10, 20, 19, 30, 5, 3))

    found = highlights(words("needle"), text)

    at = 0
    for passage in found:
        plain = re.sub("</?mark>", "", passage.strip("…"))
        assert passage.count("<mark>needle</mark>") == plain.count("needle")
        at = text.index(plain, at) + len(plain)
    assert len(found) == 3


def test_of_what_stands_everywhere_short_passages_are_shown_and_not_the_whole_text() -> None:
    found = highlights(words("needle"), "needle hay " * 200)

    assert len(found) == 3
    for passage in found:
        plain = re.sub("</?mark>", "", passage)
        assert len(plain) < 300
        assert passage.count("<mark>needle</mark>") == plain.count("needle")


def test_nothing_that_matched_is_nothing_to_show() -> None:
    assert highlights(words("needle"), "hay", None) == []


@pytest.mark.parametrize("word", ["x" * 10_000, "<script>" * 500])
def test_long_words_do_not_make_long_passages(word: str) -> None:
    [passage] = highlights(words("needle"), f"{word} needle {word}")
    assert len(html.unescape(passage)) < 300


@given(st.text(max_size=400), st.text(max_size=20))
def test_passages_are_parts_of_the_text_whatever_is_in_it(text: str, sought: str) -> None:
    for passage in highlights(words(sought), text):
        assert not re.search(r"<(?!/?mark>)", passage)
        plain = html.unescape(re.sub(r"</?mark>", "", passage))
        assert plain.removeprefix("…").removesuffix("…") in text
        for marked in re.findall(r"<mark>(.*?)</mark>", passage):
            assert html.unescape(marked).replace("İ", "i").lower() in words(sought)


def test_those_alike_stand_by_their_ids() -> None:
    hits = [Hit("trn_2", 1.0), Hit("tsk_1", 2.0), Hit("trn_1", 1.0)]
    assert [hit.id for hit in sorted(hits, key=lambda hit: hit.place)] == [
        "tsk_1",
        "trn_1",
        "trn_2",
    ]
