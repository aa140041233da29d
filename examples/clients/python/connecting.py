"""How the examples reach the service; the token is one of `council token create`, where the service asks for one."""

import os

from orchestrator.client import CouncilClient


def connect() -> CouncilClient:
    """Open nothing yet: it speaks to the service while `async with` lasts."""
    return CouncilClient(
        os.environ.get("COUNCIL_URL", "http://127.0.0.1:8080"),
        token=os.environ.get("COUNCIL_TOKEN"),
    )
