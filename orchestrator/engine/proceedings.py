"""What was said in one deliberation, recorded or on its way, and what follows from it by its protocol."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from orchestrator.domain.deliberations import Deliberation, StopReason, Turn
from orchestrator.domain.protocols import PROTOCOLS
from orchestrator.domain.protocols.steps import Decide, Fail, Rules, Step
from orchestrator.engine.ports import Conclusion


class Proceedings:
    """The turns of one deliberation, as one runner knows them."""

    def __init__(self, deliberation: Deliberation, turns: Sequence[Turn]) -> None:
        self._protocol = PROTOCOLS[deliberation.protocol]
        self._rules = Rules.of(deliberation)
        self._recorded: dict[str, Turn] = {turn.id: turn for turn in turns}
        self._on_their_way: dict[str, Turn] = {}
        self._found = max([deliberation.sequence, *(turn.sequence or 0 for turn in turns)])
        self._found_turns = len(turns)

    @property
    def turns(self) -> Collection[Turn]:
        """All that are recorded."""
        return self._recorded.values()

    @property
    def sequence(self) -> int:
        """Of the last event that is known."""
        return max([self._found, *(turn.sequence or 0 for turn in self.turns)])

    @property
    def sequence_once_recorded(self) -> int:
        """Of the last event once all that is on its way is recorded: under one claim nothing comes between but turns of ours."""
        said = len(self._recorded) + len(self._on_their_way)
        return self._found + said - self._found_turns

    def content(self, turn: str) -> str:
        """Return what was said in a recorded turn; nothing where its seat was absent."""
        return self._recorded[turn].content or ""

    def next_step(self) -> Step:
        """Say what follows from the turns recorded."""
        return self._protocol.next_step(self._rules, self.turns)

    def conclude_early(self, stop_reason: StopReason) -> Decide | Fail:
        """Say what they amount to when no more may be taken."""
        return self._protocol.conclude_early(self._rules, self.turns, stop_reason)

    def say(self, turn: Turn) -> None:
        """Note a turn that is about to be recorded."""
        self._on_their_way[turn.id] = turn

    def record(self, turn: Turn) -> None:
        """Note a turn as it was recorded."""
        self._on_their_way.pop(turn.id, None)
        self._recorded[turn.id] = turn

    def conclusion(self) -> Conclusion | None:
        """Return the verdict that follows once all that is on its way is recorded as it was said; none where none does."""
        turns = [*self.turns, *self._on_their_way.values()]
        step = self._protocol.next_step(self._rules, turns)
        if not isinstance(step, Decide):
            return None
        return Conclusion(
            sequence=self.sequence_once_recorded,
            verdict=step.verdict,
            stop_reason=step.stop_reason,
            taken=tuple(turn.id for turn in self._on_their_way.values() if turn.taken),
        )
