"""Changes of endpoints, each one transaction."""

from __future__ import annotations

from collections.abc import Collection

from orchestrator.domain.councils import DEFAULT_ENDPOINT, Endpoint
from orchestrator.domain.drafts import Clear, EndpointChange, Idempotency
from orchestrator.domain.errors import Conflict, InvalidInput, NotFound, RefusedError
from orchestrator.domain.ids import Prefix
from orchestrator.domain.limits import ENDPOINTS
from orchestrator.graph.changes import Found, made_before, new_id, settled, stored
from orchestrator.graph.council_rows import Rows
from orchestrator.graph.driver import Transaction
from orchestrator.graph.repository import Repository


class EndpointChanges(Repository):
    """What `orchestrator.api.ports.Councils` changes of endpoints, and what the watcher sees of them."""

    async def register_endpoint(
        self,
        name: str,
        url: str,
        api_key_variable: str | None,
        idempotency: Idempotency | None,
        *,
        by: str | None = None,
    ) -> str:
        new = new_id(Prefix.ENDPOINT)

        async def work(transaction: Transaction) -> str:
            named = await transaction.run("endpoint/find_named", names=[name])
            # After that: whoever has the name may be what this very request made meanwhile.
            if found := await made_before(transaction, "endpoint", new, idempotency):
                return found
            for row in named:
                raise RefusedError(
                    Conflict(
                        message="an endpoint has this name", path=("name",), existing=row["id"]
                    )
                )
            (there,) = await transaction.run("endpoint/count")
            if there["endpoints"] >= ENDPOINTS:
                raise RefusedError(
                    Conflict(
                        message=f"there are {there['endpoints']} endpoints, and may be {ENDPOINTS} at most: remove one first",
                        path=(),
                    )
                )
            await transaction.run(
                "endpoint/create",
                id=new,
                name=name,
                url=url,
                apiKeyVariable=api_key_variable,
                createdBy=by,
                **stored(idempotency),
            )
            return new

        return await settled(self.graph, work)

    async def update_endpoint(
        self, endpoint: str, change: EndpointChange, *, by: str | None = None
    ) -> None:
        found = Found[object]()

        async def work(transaction: Transaction) -> None:
            locked, _ = await _locked(transaction, endpoint)
            before = (locked.url, locked.api_key_variable)
            variable = change.api_key_variable
            if variable is None:
                variable = locked.api_key_variable
            after = (
                locked.url if change.url is None else change.url,
                None if variable is Clear.CLEAR else variable,
            )
            # It has no version: what is as it was may have been changed, and changed back by somebody else.
            if not found.is_done(object(), as_asked=after == before):
                url, key = after
                await transaction.run(
                    "endpoint/update", id=endpoint, url=url, apiKeyVariable=key, updatedBy=by
                )

        await settled(self.graph, work, found)

    async def remove_endpoint(self, endpoint: str, *, by: str | None = None) -> Endpoint:
        """Remove an endpoint that no agent is bound to; deliberations under way keep their seats, and send it nothing more."""
        found = Found[Endpoint]()

        async def work(transaction: Transaction) -> Endpoint:
            try:
                removed, agent = await _locked(transaction, endpoint)
            except RefusedError:
                if found.before is None or not found.unanswered:
                    raise
                # It does not come back: an endpoint of its name would be another one.
                return found.before
            found.before = removed
            if agent is not None:
                raise RefusedError(
                    Conflict(
                        message="an agent is bound to this endpoint", path=("id",), existing=agent
                    )
                )
            await transaction.run("endpoint/remove", id=endpoint, updatedBy=by)
            return removed

        return await settled(self.graph, work, found)

    async def note_served(self, endpoint: str, models: Collection[str]) -> int:
        """Add what an endpoint lists as served, by the models' names; returns how many were new."""
        rows = await self.graph.write("model/note_served", endpoint=endpoint, models=list(models))
        return rows[0]["added"]


async def _locked(transaction: Transaction, endpoint: str) -> tuple[Endpoint, str | None]:
    """Lock an endpoint; also returns the id of an agent that is bound to it, where there is one."""
    for row in await transaction.run("endpoint/lock", id=endpoint):
        found = Rows().endpoint(row["endpoint"])
        if found.name == DEFAULT_ENDPOINT:
            raise RefusedError(
                InvalidInput(message="this endpoint is what VLLM_URL says", path=("id",))
            )
        return found, row["agent"]
    raise RefusedError(NotFound(message="there is no such endpoint", path=("id",), sought=endpoint))
