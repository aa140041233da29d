"""The example that comes with the program: what `council up --example` lays before a council."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

import yaml
from pydantic import BaseModel, ConfigDict

from orchestrator.client.models import TaskInput

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_FILE = "webhook_retries.yaml"


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
    text = (_folder() / _FILE).read_text(encoding="utf-8")
    return Example.model_validate(yaml.safe_load(text))


def _folder() -> Traversable:
    """The folder inside the package in a wheel, beside the package in a checkout."""
    package = resources.files("orchestrator")
    installed = package / "examples"
    return installed if installed.is_dir() else package.joinpath("..", "examples")
