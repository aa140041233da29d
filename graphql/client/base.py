"""What the operations are sent by."""

from orchestrator.client.connection import Connection


class Base(Connection):
    """Hands back the data of an answer."""
