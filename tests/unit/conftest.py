"""Unit tests have no network."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from hypothesis import settings
from pytest_socket import disable_socket, enable_socket

# How long an example takes says how busy the machine is.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def no_network() -> Generator[None]:
    """Take it away; the pair of Unix sockets by which the event loop wakes itself stays."""
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()
