"""Values of which another is made."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from orchestrator.domain.councils import Role
from orchestrator.domain.values import replace


@dataclass(frozen=True)
class _Point:
    x: int
    y: int


def test_replaced_value_is_another_with_the_rest_as_it_was() -> None:
    role = Role(id="rol_1", name="DEV")
    assert replace(role, name="QA") == Role(id="rol_1", name="QA")
    assert role.name == "DEV"
    assert replace(_Point(1, 2), y=3) == _Point(1, 3)


@pytest.mark.parametrize("value", [Role(id="rol_1", name="DEV"), _Point(1, 2)])
def test_what_a_value_has_not_cannot_be_replaced(value: object) -> None:
    with pytest.raises(TypeError, match="salary"):
        replace(value, salary=1)
