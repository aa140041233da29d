"""Every error of the client.

ClientError
├── ProxyError          the environment names a proxy that cannot be one
├── CertificatesError   the environment names certificates that cannot be read
├── UnreachableError    nothing answers there, or what answered went away and did not come back
├── AnswerError         something answers there, but not as the API of this service does
├── QueryError          the API refused or could not carry out a query or a subscription
└── RefusedError        the API refused the input of a mutation; nothing was written
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.domain.addresses import without_password

if TYPE_CHECKING:
    from orchestrator.client.models import Fault, Mistake


class ClientError(Exception):
    """The base of all errors of the client."""

    sent: bool = False
    """Whether what was asked may have arrived, and been carried out, all the same."""


class ProxyError(ClientError):
    """A proxy of the environment cannot be used; nothing was sent."""

    def __init__(self) -> None:
        """It is not quoted: a password may stand in it."""
        super().__init__(
            "the proxy of HTTP_PROXY, HTTPS_PROXY or ALL_PROXY must be as http://host:3128, and is not; NO_PROXY names what is reached without it"
        )


class CertificatesError(ClientError):
    """The certificates of the environment cannot be read; nothing was sent."""

    def __init__(self, why: str) -> None:
        """`why` is what the system said."""
        super().__init__(
            f"SSL_CERT_FILE, where it is set, must name a readable file of certificates ({why})"
        )


class UnreachableError(ClientError):
    """No service answers at `url`; `reason` is what the connection said."""

    def __init__(self, url: str, reason: str, *, sent: bool = False, reached: bool = False) -> None:
        """Url and reason fit to be shown; `reached`: a service was there, and went away."""
        self.sent = sent
        self.reached: bool = reached
        self.url: str = without_password(url)
        self.reason: str = reason
        super().__init__(
            f"no council service answers at {self.url}: {reason}. Start one with `council up`, or say with COUNCIL_URL where it is"
        )


class AnswerError(ClientError):
    """What answered at `url` is no council service, or one of another version."""

    def __init__(self, url: str, reason: str, *, passing: bool = False) -> None:
        """Both fit to be shown; `passing`: it may be a gateway whose service is away for a while."""
        self.url: str = without_password(url)
        self.reason: str = reason
        self.passing: bool = passing
        super().__init__(
            f"what answers at {self.url} does not speak as this service does: {reason}"
        )


class QueryError(ClientError):
    """The top-level errors of an answer; at least one."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        """In the order in which the API gave them."""
        self.faults: tuple[Fault, ...] = faults
        # What may not be sent again unseen.
        self.sent = any(fault.perhaps_done for fault in faults)
        super().__init__("; ".join(fault.words for fault in faults))

    @property
    def unavailable(self) -> bool:
        """Whether the service answers but lacks something that it needs: trying again can help."""
        return all(fault.extensions.code == "UNAVAILABLE" for fault in self.faults)

    @property
    def retry_after(self) -> float | None:
        """After how many seconds the same may be sent again; none where the service did not say, or not of all that was lacking."""
        if self.sent:
            return None
        pauses = [fault.extensions.retry_after for fault in self.faults]
        return max((pause for pause in pauses if pause is not None), default=None)


class RefusedError(ClientError):
    """The mistakes in the input of a mutation; at least one."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        """In the order in which the API gave them."""
        self.mistakes: tuple[Mistake, ...] = mistakes
        super().__init__("; ".join(mistake.words for mistake in mistakes))
