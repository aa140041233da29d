"""What a benchmark needs beside the service and this machine does not have."""

from __future__ import annotations


class MissingError(Exception):
    """Something is missing, or does not work; the message says what, and what to do. The rest is measured without it."""
