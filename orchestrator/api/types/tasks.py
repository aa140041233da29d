"""Tasks: what is deliberated on."""

from __future__ import annotations

import strawberry

from orchestrator.api.context import Info
from orchestrator.api.ids import Node
from orchestrator.api.pages import After, Before, Connection, First, Last, connection
from orchestrator.api.scalars import Json, read_stored
from orchestrator.api.selections import asked_of, only_counted
from orchestrator.api.shown import Shown
from orchestrator.api.types import filters, lazy
from orchestrator.domain import deliberations as domain
from orchestrator.domain.ids import Prefix
from orchestrator.domain.pages import Page, PageRequest

BRIEF = frozenset({"__typename", "id", "externalId", "deliberations"})
"""Fields that look at none of its texts, which may be long: where nothing else is asked for, these are not read."""


@strawberry.type(description="What is deliberated on.")
class Task(Node, Shown[domain.Task]):
    """A task."""

    description: str = strawberry.field(description="What is to be done.")
    context: str | None = strawberry.field(description="What there is to know about it.")
    rubric: str | None = strawberry.field(description="What makes an answer good.")
    requirements: list[str] = strawberry.field(description="What an answer must fulfil.")
    external_id: str | None = strawberry.field(
        description="The caller's own name for it; need not be unique."
    )

    @strawberry.field(description="Whatever the caller wants to remember of it.")
    def metadata(self) -> Json | None:
        return read_stored(self.source.metadata)

    @strawberry.field(description="The deliberations on it, newest first.")
    async def deliberations(
        self,
        info: Info,
        *,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[lazy.Deliberation]:
        page = filters.page_by_id(Prefix.DELIBERATION, first, after, last, before)
        where = filters.deliberations(None, task=self.id)
        return await lazy.deliberations_page(info, page, where)


async def tasks_page(info: Info, page: PageRequest, external_id: str | None) -> Connection[Task]:
    """Read a page of tasks."""
    port = info.context.ports.records
    found: Page[domain.Task] = Page(items=())
    if not only_counted(info):
        brief = asked_of(info, "edges", "node") <= BRIEF
        found = await port.tasks(page, external_id, brief=brief)
    return connection(
        found,
        node=Task.of,
        key=lambda task: task.id,
        count=lambda: port.count_tasks(external_id),
    )
