"""What a resolver has at hand: the ports, who asks, and what this operation has read already."""

from __future__ import annotations

from collections.abc import Callable

import strawberry
import uuid_utils

from orchestrator.api.callers import Caller
from orchestrator.api.loaders import Loaders
from orchestrator.api.ports import Ports

ContextSource = Callable[[], Ports]


class Context:
    """The context of one operation; a connection holds one that is never resolved with."""

    def __init__(self, ports: Ports, caller: Caller) -> None:
        """`correlation_id` is told to the caller in errors, and is in the log."""
        self.ports: Ports = ports
        self.caller: Caller = caller
        self.correlation_id: str = uuid_utils.uuid7().hex
        self.loaders: Loaders = Loaders(ports.councils, ports.records)

    def for_operation(self) -> Context:
        """A context with an id of its own and nothing read: several operations share a connection."""
        return Context(self.ports, self.caller)

    def refresh(self) -> None:
        """Forget what was read: something was written, or time has passed."""
        self.loaders = Loaders(self.ports.councils, self.ports.records)


Info = strawberry.Info[Context, None]
