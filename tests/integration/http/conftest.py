"""The API on a real socket, with doubles behind it."""

from __future__ import annotations

import pytest

from tests.support.samples import a_council
from tests.unit.api.doubles import House


@pytest.fixture
def house() -> House:
    """One council, and nothing deliberated."""
    house = House()
    house.registry.add(a_council("dev"))
    return house
