"""Unit tests have no network."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from pytest_socket import disable_socket, enable_socket


@pytest.fixture(autouse=True)
def no_network() -> Generator[None]:
    """Take it away; the pair of Unix sockets by which the event loop wakes itself stays."""
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()
