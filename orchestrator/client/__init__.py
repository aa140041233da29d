"""The typed client of the API: what the command line speaks through, and what users import."""

from orchestrator.client.client import CouncilClient
from orchestrator.client.errors import (
    AnswerError,
    CertificatesError,
    ClientError,
    ProxyError,
    QueryError,
    RefusedError,
    UnreachableError,
)

__all__ = [
    "AnswerError",
    "CertificatesError",
    "ClientError",
    "CouncilClient",
    "ProxyError",
    "QueryError",
    "RefusedError",
    "UnreachableError",
]
