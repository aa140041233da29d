"""The protocols: from the turns recorded, in whatever order they came, to the turns to take now or the end."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from orchestrator.domain.councils import ProtocolName
from orchestrator.domain.deliberations import StopReason, Turn
from orchestrator.domain.protocols import peer_review
from orchestrator.domain.protocols.steps import Decide, Fail, Rules, Step


class DeliberationProtocol(Protocol):
    """What a module of this package offers."""

    def next_step(self, rules: Rules, turns: Collection[Turn]) -> Step:
        """Say what follows from the turns recorded."""
        ...

    def conclude_early(
        self, rules: Rules, turns: Collection[Turn], stop_reason: StopReason
    ) -> Decide | Fail:
        """Say what the turns recorded amount to when no more may be taken."""
        ...

    def turns_expected(self, rules: Rules) -> int:
        """Count the turns of a deliberation in which nobody is absent."""
        ...


PROTOCOLS: Mapping[ProtocolName, DeliberationProtocol] = {ProtocolName.PEER_REVIEW: peer_review}
