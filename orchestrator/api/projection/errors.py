"""Why a projection does not answer."""

from __future__ import annotations


class NotProjectedError(Exception):
    """It is left to graphql-core, which is slower and does everything; the message is for whoever looks why."""
