"""What a subscription of the client can take in."""

from __future__ import annotations

import json

from orchestrator.client import subscriptions
from orchestrator.vllm.reading import LONGEST_ANSWER


def test_a_message_may_hold_the_longest_turn_however_json_writes_it():
    turn = {"content": "😀" * LONGEST_ANSWER, "reasoning": "😀" * LONGEST_ANSWER}
    longest = len(json.dumps(turn))
    assert longest + 4 * 1024 * 1024 < subscriptions._MESSAGE  # pyright: ignore[reportPrivateUsage]
