"""Every error of the service, and the mistakes of a caller that one of them carries.

CouncilError
├── RefusedError          the caller's mistake: what he sent was not carried out
├── WrongSettingError     a setting names what cannot be used: waiting does not help
│   └── HomeUnusableError     nothing can be kept in COUNCIL_HOME
├── UnavailableError      something that the service needs is away: try again later
│   ├── GivenUpError          it is there, and could not do it now
│   │   └── TookTooLongError      it ended what took too long
│   ├── UnansweredError       it may have been done, and nobody can say
│   └── AuthenticationError   it is there, and refuses the login
├── UnauthenticatedError  the caller did not show who he is
├── ForbiddenError        the caller may not do what he asked for
├── ClaimLostError        another process holds the deliberation now
├── UnrecordableError     the graph refuses this one turn for good
├── UnreadableError       what the graph holds is not what this version writes
├── TooSlowError          a listener reads more slowly than things happen: what he missed he can't be told
├── BudgetSpentError      the token budget leaves no room for another call
└── ModelError            a model's server did not give an answer that can be used
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from orchestrator.domain.deliberations import Usage
from orchestrator.domain.places import located


@dataclass(frozen=True, slots=True, kw_only=True)
class InvalidInput:
    """A value that cannot be; `path` leads to it: field names, outermost first, an index for a list."""

    code: ClassVar[str] = "INVALID_INPUT"
    message: str
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotFound:
    """A name or an id that leads nowhere; `sought` is what was looked for."""

    code: ClassVar[str] = "NOT_FOUND"
    message: str
    path: tuple[str, ...]
    sought: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Something stands in the way; `existing` is its id, where it is a node."""

    code: ClassVar[str] = "CONFLICT"
    message: str
    path: tuple[str, ...]
    existing: str | None = None


Mistake = InvalidInput | NotFound | Conflict


class CouncilError(Exception):
    """The base of all errors that the service raises on purpose."""


class WrongSettingError(CouncilError):
    """A setting names what cannot be used as it is."""


class HomeUnusableError(WrongSettingError):
    """COUNCIL_HOME names what nothing can be kept in."""

    def __init__(self, home: Path, error: OSError) -> None:
        """`error` is what the system said."""
        self.home: Path = home
        super().__init__(
            f"COUNCIL_HOME is {home}, which cannot be used: {error.strerror}. Set it to a directory that can be written to."
        )


class RefusedError(CouncilError):
    """The caller's mistakes; nothing was written."""

    def __init__(self, *mistakes: Mistake) -> None:
        """At least one mistake, in the order of the input."""
        self.mistakes: tuple[Mistake, ...] = mistakes
        super().__init__("; ".join(located(mistake.path, mistake.message) for mistake in mistakes))


class UnavailableError(CouncilError):
    """What the service needs and cannot reach now; trying again later can help."""

    def __init__(self, what: str, why: str | None = None) -> None:
        """`what` is a sentence for the caller, without an address or a secret; `why` goes on with it for operators."""
        self.what: str = what
        self.why: str | None = why
        super().__init__(what if why is None else f"{what} {why}")


class GivenUpError(UnavailableError):
    """The graph is there and could not do this now, such as for a lock: what else was in the transaction may be done without it."""


class TookTooLongError(GivenUpError):
    """The graph ended a read that took longer than it may; sent again as it is, it may take as long."""

    def __init__(self, seconds: float) -> None:
        """`seconds` is how long it may take."""
        self.seconds: float = seconds
        super().__init__(f"Neo4j ended a statement that took longer than {seconds:g} seconds")


class UnansweredError(UnavailableError):
    """The graph was told to commit, and its answer did not come: what was to be written is there whole, or not at all."""


class AuthenticationError(UnavailableError):
    """The graph is there and refuses user or password. Running processes treat it as being away; a start gives up."""


class UnauthenticatedError(CouncilError):
    """The caller showed nothing that says who he is, or something that does not."""

    def __init__(self, why: str, *, shown: bool) -> None:
        """`why` is a sentence for him and for the log, without what he showed; `shown` is whether he showed anything."""
        self.why: str = why
        self.shown: bool = shown
        super().__init__(why)


class ForbiddenError(CouncilError):
    """The caller is known, and may not do what he asked for."""

    def __init__(self, why: str, *, field: str) -> None:
        """`why` is a sentence for him; `field` is what he asked for, by the name that he gave it."""
        self.why: str = why
        self.field: str = field
        super().__init__(why)


class ClaimLostError(CouncilError):
    """The deliberation's epoch has moved on: what this process wanted to write was not written."""

    def __init__(self, deliberation: str, epoch: int) -> None:
        """`epoch` is the one that was lost."""
        self.deliberation: str = deliberation
        self.epoch: int = epoch
        super().__init__(f"claim {epoch} on {deliberation} is lost")


class UnrecordableError(CouncilError):
    """The graph refuses to store a turn, and would refuse it again."""

    def __init__(self, reason: str) -> None:
        """`reason` is the server's, short."""
        self.reason: str = reason
        super().__init__(reason)


class UnreadableError(CouncilError):
    """Something is recorded in a form that this process does not know: a newer one wrote it, or somebody by hand."""

    def __init__(self, identifier: str) -> None:
        """`identifier` is its id; the cause says what is not known."""
        self.identifier: str = identifier
        super().__init__(f"{identifier} is recorded in a form that this version does not know")


class TooSlowError(CouncilError):
    """More has waited for a listener than is kept for one."""

    def __init__(self, most: int) -> None:
        """`most` is how much is kept."""
        self.most: int = most
        super().__init__(
            f"more than {most} changes waited to be read: subscribe again, and read how things are now"
        )


class BudgetSpentError(CouncilError):
    """A turn was not taken, for its deliberation's token budget leaves no room for it; the message says how that came."""


class ModelError(CouncilError):
    """A call to a model that failed; `reason` is fit to be shown as an absence."""

    def __init__(
        self,
        reason: str,
        *,
        retryable: bool,
        retry_after: float | None = None,
        usage: Usage | None = None,
    ) -> None:
        """`retry_after` is in seconds, where the server asked for it; `usage` is none where nobody knows it."""
        self.reason: str = reason
        self.retryable: bool = retryable
        self.retry_after: float | None = retry_after
        self.usage: Usage | None = usage
        super().__init__(reason)


def outline(reason: str) -> str:
    """A reason up to its first colon: the words of a server or of a model come after it, which are not for everybody."""
    return reason.partition(": ")[0]
