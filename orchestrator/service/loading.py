"""Loading modules without a look for garbage among them."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Generator


@contextlib.contextmanager
def to_stay() -> Generator[None]:
    """What is loaded in the block stays: no garbage is looked for meanwhile, nor among all that is there at its end.

    A look through the modules of a service would hold up every deliberation for some 70 ms.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
