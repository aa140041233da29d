"""What a resolver has at hand: the ports, who asks, and what this operation has read already."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import strawberry
import uuid_utils

from orchestrator.api.clients import Client, Clients
from orchestrator.api.limits import LimitError
from orchestrator.api.loaders import Loaders, LoadersTogether
from orchestrator.api.ports import Ports
from orchestrator.api.timing import Time
from orchestrator.domain.callers import Caller
from orchestrator.domain.errors import UnansweredError, UnavailableError, outline


class Context:
    """The context of one operation; a connection holds one that is never resolved with."""

    def __init__(
        self,
        ports: Ports,
        caller: Caller,
        hung_up: Callable[[], Awaitable[None]] | None = None,
        *,
        client: Client | None = None,
    ) -> None:
        """`correlation_id` is told to the caller in errors, and is in the log.

        `hung_up` returns once the caller has gone; without it the operation is cancelled then. Of a client it is counted
        what he has under way; without one, that is not counted with anybody else's.
        """
        self.client: Client = client or Client(Clients(), "")
        self.hung_up: Callable[[], Awaitable[None]] = hung_up or _never
        self.time: Time = Time(ports.operation_seconds)
        self.ports: Ports = ports
        self.caller: Caller = caller
        self.correlation_id: str = uuid_utils.uuid7().hex
        self.loaders: Loaders = Loaders(ports.councils, ports.records)

    def for_operation(self) -> Context:
        """A context with an id of its own and nothing read: several operations share a connection."""
        return Context(self.ports, self.caller, self.hung_up, client=self.client)

    def late(self, then: str | None, *, perhaps_done: bool = False) -> Exception:
        """Say why something was not answered in time, and what follows from it; what is `perhaps_done` had better not be sent again unseen."""
        waiting_for = self.ports.service.waiting_for
        bound, age = self.time.seconds, round(self.time.age, 3)
        if waiting_for is not None:
            why = f"this was not answered in time; the service waits for {outline(waiting_for)}"
            kind = UnansweredError if perhaps_done else UnavailableError
            return kind("; ".join(filter(None, (why, then))))
        said = (f"the operation has taken {age:g} seconds, and may take {bound:g} at most", then)
        return LimitError("seconds", age, bound, "; ".join(filter(None, said)))

    def refresh(self) -> None:
        """Forget what was read: something was written, or time has passed."""
        self._read_by(Loaders(self.ports.councils, self.ports.records))

    def share(self, told: object) -> None:
        """Forget what was read, and read from now on with others who are told the same: one object, which is told once."""
        together = self.ports.together.get(id(told))
        if together is None or not together.fresh:
            together = LoadersTogether(self.ports.councils, self.ports.records, told)
            self.ports.together[id(told)] = together
        together.holders += 1
        self._read_by(together)

    def _read_by(self, loaders: Loaders) -> None:
        if isinstance(self.loaders, LoadersTogether):
            self.loaders.holders -= 1
        self.loaders = loaders

    async def give_way(self) -> None:
        """Let all else have its turn: what happens wakes all who are told, and its recording and the next calls are not to wait for hundreds of them."""
        async with self.ports.telling:
            await asyncio.sleep(0)

    def written(self) -> None:
        """Forget what was read of councils, and have those told who listen: something of them was written."""
        self.refresh()
        self.ports.changes.look_at_councils()


async def _never() -> None:
    await asyncio.Event().wait()


Info = strawberry.Info[Context, None]
