"""The command `council` with less patience: it asks a model again after a tenth of the time, gives a graph up after a fifth and ends a transaction after a third.

    python -P tests/support/hasty_council.py serve

What it does is the same, and as often. Where it is the waiting itself that is tested, the real command runs.
"""

from __future__ import annotations

from orchestrator.cli import main
from orchestrator.engine.patience import Patience
from orchestrator.graph.driver import Bounds


def hurry() -> None:
    """Change the defaults; nobody but tests wants to."""
    patience, bounds = Patience(), Bounds()
    vars(Patience)["__init__"].__kwdefaults__ |= {
        "first_wait": patience.first_wait / 10,
        "longest_wait": patience.longest_wait / 10,
        "jitter": patience.jitter / 10,
    }
    vars(Bounds)["__init__"].__kwdefaults__ |= {
        "retry": bounds.retry / 5,
        "transaction": bounds.transaction / 3,
    }


if __name__ == "__main__":
    hurry()
    main()
