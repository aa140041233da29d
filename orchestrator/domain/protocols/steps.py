"""What a protocol is given and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from orchestrator.domain.deliberations import Deliberation, StopReason, TurnKey, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """A deliberation as its protocol sees it: seats by their numbers, in order."""

    deliberation: str
    seats: tuple[int, ...]
    rounds: int
    quorum: int

    @classmethod
    def of(cls, deliberation: Deliberation) -> Self:
        """Take them from a deliberation."""
        return cls(
            deliberation=deliberation.id,
            seats=tuple(seat.number for seat in deliberation.seats),
            rounds=deliberation.rounds,
            quorum=deliberation.quorum,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A turn to take, and the turns (by id) that its agent is shown.

    `target` is the proposal to criticise; `revises` and `answers` are the own proposal and its
    critiques; `choices` are the proposals to rank, in no order that means anything.
    """

    key: TurnKey
    target: str | None = None
    revises: str | None = None
    answers: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()

    @property
    def shown(self) -> tuple[str, ...]:
        """All turns that its agent is shown, by id."""
        alone = (one for one in (self.target, self.revises) if one is not None)
        return (*alone, *self.answers, *self.choices)


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """Every turn that can be taken now and is not recorded; those in flight are among them."""

    asks: tuple[Ask, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide:
    """The deliberation has a verdict."""

    verdict: Verdict
    stop_reason: StopReason = StopReason.COMPLETED


@dataclass(frozen=True, slots=True, kw_only=True)
class Fail:
    """The deliberation cannot reach a verdict; `failure` says why in words."""

    stop_reason: StopReason
    failure: str


Step = Take | Decide | Fail
