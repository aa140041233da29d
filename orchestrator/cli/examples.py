"""The example that comes with the program: what `council up --example` lays before a council."""

from __future__ import annotations

import yaml
from pydantic import BaseModel, ConfigDict

from orchestrator.client.models import TaskInput
from orchestrator.packaged import packaged

_FILE = "examples/webhook_retries.yaml"


class Example(BaseModel):
    """A task with the role that it is for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    idempotency_key: str
    role: str
    task: TaskInput

    def key_for(self, model: str | None) -> str:
        """Return the key that brings back what this model made of it at each start; none is the rehearsal model."""
        return self.idempotency_key if model is None else f"{self.idempotency_key}/{model}"


def example() -> Example:
    """Read it."""
    text = packaged(_FILE).read_text(encoding="utf-8")
    return Example.model_validate(yaml.safe_load(text))
