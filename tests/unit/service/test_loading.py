from __future__ import annotations

import gc
from collections.abc import Generator

import pytest

from orchestrator.service.loading import to_stay


@pytest.fixture(autouse=True)
def thawed() -> Generator[None]:
    yield
    gc.unfreeze()


def test_no_garbage_is_looked_for_while_modules_are_loaded_nor_among_them_later():
    with to_stay():
        assert not gc.isenabled()
        loaded: list[object] = []
    assert gc.isenabled()
    assert not any(one is loaded for one in gc.get_objects())


def test_garbage_is_looked_for_again_where_loading_failed():
    with pytest.raises(ModuleNotFoundError), to_stay():
        raise ModuleNotFoundError
    assert gc.isenabled()
