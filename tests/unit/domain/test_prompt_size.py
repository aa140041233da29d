"""How many tokens a prompt is thought to have at most."""

from __future__ import annotations

from orchestrator.domain.prompt_size import (
    SHOWN_TOKENS,
    TEMPLATE_TOKENS,
    PromptSize,
    Shown,
)

TEXT = Shown(size=400, tokens=90)


def test_before_a_server_has_counted_a_byte_may_be_a_token() -> None:
    assert PromptSize().estimate("mdl_1", own=2000, shown=[TEXT]) == TEMPLATE_TOKENS + 2400


def test_after_that_it_is_by_what_was_counted_and_a_quarter_more() -> None:
    sizes = PromptSize()
    sizes.learn("mdl_1", size=2000, tokens=500)
    assert sizes.estimate("mdl_1", own=2000, shown=[]) == 625


def test_the_prompt_with_the_most_tokens_a_byte_counts() -> None:
    sizes = PromptSize()
    for tokens in (400, 800, 200):
        sizes.learn("mdl_1", size=2000, tokens=tokens)
    assert sizes.estimate("mdl_1", own=2000, shown=[]) == 1000


def test_what_is_shown_has_the_tokens_that_were_counted_when_it_was_written() -> None:
    sizes = PromptSize()
    sizes.learn("mdl_1", size=2000, tokens=400)
    foreign = Shown(size=400, tokens=380)
    assert sizes.estimate("mdl_1", own=1000, shown=[foreign]) == 250 + SHOWN_TOKENS + 380


def test_what_is_shown_and_was_not_counted_is_taken_for_words_like_the_others() -> None:
    sizes = PromptSize()
    sizes.learn("mdl_1", size=2000, tokens=400)
    uncounted = Shown(size=400, tokens=0)
    assert sizes.estimate("mdl_1", own=1000, shown=[uncounted]) == 250 + SHOWN_TOKENS + 100


def test_what_one_model_counts_says_nothing_of_another() -> None:
    sizes = PromptSize()
    sizes.learn("mdl_1", size=2000, tokens=400)
    assert sizes.estimate("mdl_2", own=2000, shown=[]) == TEMPLATE_TOKENS + 2000
