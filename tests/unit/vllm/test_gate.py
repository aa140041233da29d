"""What a gate says of why it lets nothing in."""

from __future__ import annotations

from orchestrator.vllm.gate import Gate
from tests.unit.vllm.conftest import Clock


async def test_the_words_are_the_same_for_as_long_as_the_reason_is(clock: Clock) -> None:
    gate = Gate("default", 1, clock)
    gate.down("endpoint default cannot be reached")
    words = gate.obstacle
    # As where one clock goes on and that of the words does not, or is set.
    clock.now += 3600.0

    assert words is not None
    assert words.endswith("Z: it cannot be reached")
    assert gate.obstacle == words
