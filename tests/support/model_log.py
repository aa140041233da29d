"""The model server's own log, read as evidence: which calls were made, and when in its order."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class ModelLog:
    """The log of one model server; a place in it is the number of lines before it."""

    path: Path

    def place(self) -> int:
        """Return where the log ends now."""
        return len(self._lines())

    def begun(self, *, since: int = 0) -> list[str]:
        """Return the ids of the calls that began after a place, one for each call."""
        return [line["id"] for line in self._lines()[since:] if line["event"] == "begin"]

    def answered(self) -> Counter[str]:
        """Return how often each id was answered to the end."""
        return Counter(
            line["id"]
            for line in self._lines()
            if line["event"] == "end" and line["outcome"] == "answered"
        )

    def used(self) -> Counter[str]:
        """Return how many tokens were used for each id, by all calls and whatever became of them."""
        calls = {(line["id"], line["attempt"]): line["tokens"] for line in self._lines()}
        used: Counter[str] = Counter()
        for (id_, _), tokens in calls.items():
            used[id_] += tokens
        return used

    def _lines(self) -> list[dict[str, Any]]:
        if not self.path.exists():
            return []
        return [json.loads(line) for line in self.path.read_text(encoding="utf-8").splitlines()]
