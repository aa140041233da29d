"""Environment variables that look like settings and are none: they would change nothing, in silence."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

import structlog

from orchestrator.domain.councils import KEY_PREFIX
from orchestrator.settings import Settings, is_of_kubernetes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PREFIX: Final = "COUNCIL_"

_SERVICE_LINKS: Final = re.compile(
    r"\w+_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
"""What Kubernetes sets in every pod beside a Service whose name begins with `council`; of the port itself the value tells."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Misspelt:
    """A variable that no setting has; `meant` is the setting that is most like it, where one is."""

    variable: str
    meant: str | None

    @property
    def words(self) -> str:
        """What to tell of it."""
        rest = "" if self.meant is None else f"; {self.meant} is one"
        return f"{self.variable} is no setting, and changes nothing{rest}"


def misspelt() -> Iterator[Misspelt]:
    """Yield those of the environment, by name; what is empty is not set."""
    settings = [str(field.alias) for field in Settings.model_fields.values()]
    for variable, value in sorted(os.environ.items()):
        name = variable.upper()
        if not value or not name.startswith(_PREFIX) or name in settings:
            continue
        if name.startswith(KEY_PREFIX) or _SERVICE_LINKS.fullmatch(name) or is_of_kubernetes(value):
            continue
        yield Misspelt(variable=variable, meant=_most_like(name, settings))


def _most_like(name: str, settings: Sequence[str]) -> str | None:
    """What all have in common makes none of them like another."""
    rests = [one.removeprefix(_PREFIX) for one in settings if one.startswith(_PREFIX)]
    meant = get_close_matches(name.removeprefix(_PREFIX), rests, n=1, cutoff=0.7)
    return f"{_PREFIX}{meant[0]}" if meant else None


def log_misspelt() -> None:
    """Say of each in the log that it changes nothing."""
    for one in misspelt():
        _log.warning("setting_unknown", variable=one.variable, meant=one.meant)
