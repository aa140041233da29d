"""The token budget of a deliberation: the arithmetic of what is spent, what is reserved for calls, and what that leaves.

A token is counted once as spent, as soon as it may have been used, and never given back without a server's
word: spent and reserved together are never more than the budget, as long as no server counts more than was
reserved.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a call needs: tokens of its prompt, and of its answer at most and at least; cut below that it is of no use."""

    prompt: int
    most: int
    least: int


class Refusal(Enum):
    """Why nothing is reserved."""

    LATER = "calls under way may leave room for it"
    NEVER = "nothing is under way that could leave room for it"


@dataclass(slots=True)
class _Account:
    """Of one turn that is not recorded."""

    reserved: int = 0
    """For all its attempts."""
    sent: int = 0
    """Of that, what was reserved when the last call was sent: so much may be used, whatever becomes of this process."""
    used: int = 0
    """By the attempts that have ended; of those that nobody counted, all that was reserved for them."""
    uncounted: int = 0
    attempt: int = 0
    """For the one under way."""
    calling: bool = False
    """It has been sent."""
    waits: bool = False


class Ledger:
    """The accounts of one deliberation under one claim."""

    def __init__(self, budget: int, *, spent: int, reserved: int) -> None:
        """`spent` and `reserved` are what the graph has: all that counts, and all that was ever reserved."""
        self.budget: int = budget
        self.spent: int = spent
        """All that counts of what is not reserved."""
        self._sent_before = reserved
        self._accounts: dict[str, _Account] = {}

    @property
    def reserved(self) -> int:
        """What is reserved for turns that are not recorded."""
        return sum(account.reserved for account in self._accounts.values())

    @property
    def ever_reserved(self) -> int:
        """All that was ever reserved for calls that were sent, under this claim and those before; it only grows."""
        return self._sent_before + sum(account.sent for account in self._accounts.values())

    def taken_before(self, turn: str) -> int:
        """Return what the next attempt at a turn finds taken: all that counts, its own attempts, and what others keep reserved."""
        return self.spent + sum(
            account.used if id_ == turn else account.reserved
            for id_, account in self._accounts.items()
        )

    def reserve(self, turn: str, need: Need) -> int | Refusal:
        """Reserve what the next attempt at a turn needs, and return how many tokens its answer may have.

        While others are under way it waits for room for a whole answer: each leaves what it does not use. Only then
        is the answer cut to what is left, so that no seat is cut short for another's sake.
        """
        account = self._accounts.get(turn) or _Account()
        others = [other for id_, other in self._accounts.items() if id_ != turn]
        room = self.budget - self.taken_before(turn)
        if need.prompt + need.most <= room:
            allowed = need.most
        elif any(not other.waits for other in others):
            account.waits = True
            return Refusal.LATER
        elif need.prompt + need.least <= room:
            allowed = room - need.prompt
        else:
            return Refusal.NEVER
        account.waits = False
        account.attempt = need.prompt + allowed
        account.reserved = max(account.reserved, account.used + account.attempt)
        self._accounts[turn] = account
        return allowed

    def send(self, turn: str) -> None:
        """A call for the turn is about to be sent: what is reserved for it may be used from now on."""
        account = self._accounts[turn]
        account.sent = account.reserved
        account.calling = True

    def end(self, turn: str, counted: int | None) -> None:
        """An attempt has ended: `counted` is what its server counted, none where nobody knows."""
        account = self._accounts[turn]
        used = 0
        if account.calling:
            used = account.attempt if counted is None else counted
            account.uncounted += account.attempt if counted is None else 0
        account.used += used
        account.reserved = max(account.reserved, account.used)
        account.calling = False

    def settlement(self, turn: str) -> int:
        """Return how much of what was reserved for a turn its recorded usage stands for; the rest nobody counted."""
        account = self._accounts.get(turn)
        return 0 if account is None else account.sent - account.uncounted

    def settle(self, turn: str) -> None:
        """The turn is recorded: what it did not use is free."""
        self._close(turn, lambda account: account.used)

    def abandon(self, turn: str) -> None:
        """The turn is given up: what was sent may all have been used."""
        self._close(turn, lambda account: max(account.sent, account.used))

    def _close(self, turn: str, spent: Callable[[_Account], int]) -> None:
        account = self._accounts.pop(turn, None)
        if account is not None:
            self._sent_before += account.sent
            self.spent += spent(account)
