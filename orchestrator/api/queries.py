"""The fields of Query."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import ID

from orchestrator.api import nodes
from orchestrator.api.context import Info
from orchestrator.api.ids import Node, sought, sought_name
from orchestrator.api.pages import After, Before, Connection, First, Last
from orchestrator.api.scopes import READ
from orchestrator.api.types import filters
from orchestrator.api.types.agents import Agent, agents_page
from orchestrator.api.types.councils import Council, Role, council, council_of_role, councils_page
from orchestrator.api.types.deliberations import Deliberation, deliberations_page
from orchestrator.api.types.endpoints import Endpoint, Model
from orchestrator.api.types.inputs import AgentBy, CouncilBy
from orchestrator.api.types.searching import SearchConnection, found
from orchestrator.api.types.service import Service
from orchestrator.api.types.tasks import Task, tasks_page
from orchestrator.api.waiting import LONGEST_SECONDS, waited
from orchestrator.domain.errors import InvalidInput, RefusedError
from orchestrator.domain.ids import Prefix
from orchestrator.domain.pages import LARGEST_PAGE
from orchestrator.domain.searching import LONGEST_TEXT
from orchestrator.domain.validation import text_mistake

Id = Annotated[ID, strawberry.argument(description="Its id.")]


@strawberry.type(description="What can be read.")
class Query:
    """What can be read."""

    @strawberry.field(
        directives=[READ],
        description="Whatever has this id, a removed endpoint among it; none where nothing has.",
    )
    async def node(self, info: Info, id: Id) -> Node | None:
        _refuse_text(("id",), id)
        return await nodes.node(info.context, id)

    @strawberry.field(
        directives=[READ],
        description=f"Whatever has these ids, in their order; none in the place of an id that nothing has. At most {LARGEST_PAGE}.",
    )
    async def nodes(
        self,
        info: Info,
        ids: Annotated[list[ID], strawberry.argument(description="Their ids.")],
    ) -> list[Node | None]:
        if len(ids) > LARGEST_PAGE:
            message = f"ids must not be more than {LARGEST_PAGE}, and are {len(ids)}"
            raise RefusedError(InvalidInput(message=message, path=("ids",)))
        for place, identifier in enumerate(ids):
            _refuse_text(("ids", str(place)), identifier)
        return await nodes.nodes(info.context, ids)

    @strawberry.field(directives=[READ], description="The process that answers, and how it is.")
    def service(self, info: Info) -> Service:
        return Service.of(info.context.ports.service)

    @strawberry.field(directives=[READ], description="A role by its name.")
    async def role(
        self,
        info: Info,
        name: Annotated[str, strawberry.argument(description="Its name, such as DEV.")],
    ) -> Role | None:
        role = await info.context.ports.councils.role_by_name(sought_name(("name",), name))
        return None if role is None else Role.of(role)

    @strawberry.field(directives=[READ], description="All roles, by name.")
    async def roles(self, info: Info) -> list[Role] | None:
        roles = await info.context.ports.councils.roles()
        return [Role.of(role) for role in sorted(roles, key=lambda role: role.name)]

    @strawberry.field(
        directives=[READ], description="A council by its id, or the one that serves a role now."
    )
    async def council(
        self,
        info: Info,
        by: Annotated[CouncilBy, strawberry.argument(description="Which.")],
    ) -> Council | None:
        if by.role is not None:
            return await council_of_role(info, sought_name(("by", "role"), by.role.value))
        id_ = sought(("by", "id"), "" if by.id is None else by.id.value, Prefix.COUNCIL)
        return None if id_ is None else await council(info, id_)

    @strawberry.field(directives=[READ], description="Councils, newest first.")
    async def councils(
        self,
        info: Info,
        *,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[
            filters.CouncilFilter | None, strawberry.argument(description="Which.")
        ] = None,
    ) -> Connection[Council] | None:
        page = filters.page_by_id(Prefix.COUNCIL, first, after, last, before)
        return await councils_page(info, page, filters.councils(filter))

    @strawberry.field(directives=[READ], description="An agent by its id or its name.")
    async def agent(
        self,
        info: Info,
        by: Annotated[AgentBy, strawberry.argument(description="Which.")],
    ) -> Agent | None:
        if by.name is not None:
            name = sought_name(("by", "name"), by.name.value)
            agent = await info.context.ports.councils.agent_by_name(name)
        else:
            id_ = sought(("by", "id"), "" if by.id is None else by.id.value, Prefix.AGENT)
            agent = None if id_ is None else await info.context.loaders.agents.load(id_)
        return None if agent is None else Agent.of(agent)

    @strawberry.field(directives=[READ], description="Agents, retired ones too, newest first.")
    async def agents(
        self,
        info: Info,
        *,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Agent] | None:
        return await agents_page(info, filters.page_by_id(Prefix.AGENT, first, after, last, before))

    @strawberry.field(directives=[READ], description="All models, by name.")
    async def models(self, info: Info) -> list[Model] | None:
        models = await info.context.ports.councils.models()
        return [Model.of(model) for model in sorted(models, key=lambda model: model.name)]

    @strawberry.field(directives=[READ], description="All endpoints, by name.")
    async def endpoints(self, info: Info) -> list[Endpoint] | None:
        endpoints = await info.context.ports.councils.endpoints()
        return [Endpoint.of(one) for one in sorted(endpoints, key=lambda one: one.name)]

    @strawberry.field(directives=[READ], description="A task by its id.")
    async def task(self, info: Info, id: Id) -> Task | None:
        id_ = sought(("id",), id, Prefix.TASK)
        task = None if id_ is None else await info.context.loaders.tasks.load(id_)
        return None if task is None else Task.of(task)

    @strawberry.field(directives=[READ], description="Tasks, newest first.")
    async def tasks(
        self,
        info: Info,
        *,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[
            filters.TaskFilter | None, strawberry.argument(description="Which.")
        ] = None,
    ) -> Connection[Task] | None:
        page = filters.page_by_id(Prefix.TASK, first, after, last, before)
        return await tasks_page(info, page, filters.tasks(filter))

    @strawberry.field(
        directives=[READ],
        description="A deliberation by its id. For clients that cannot subscribe: with `wait` it answers once it has ended.",
    )
    async def deliberation(
        self,
        info: Info,
        id: Id,
        wait: Annotated[
            int | None,
            strawberry.argument(
                description=f"For how many seconds to wait for its end, {LONGEST_SECONDS} at most; then it is shown as it is, as it is where the process is told to end before. Ask again where it has not ended."
            ),
        ] = None,
    ) -> Deliberation | None:
        id_ = sought(("id",), id, Prefix.DELIBERATION)
        if wait is not None and not 0 <= wait <= LONGEST_SECONDS:
            message = f"wait must be from 0 to {LONGEST_SECONDS}, and is {wait}"
            raise RefusedError(InvalidInput(message=message, path=("wait",)))
        if id_ is None:
            return None
        if wait:
            found = await waited(info.context, id_, wait)
        else:
            found = await info.context.loaders.deliberations.load(id_)
        return None if found is None else Deliberation.of(found)

    @strawberry.field(directives=[READ], description="Deliberations, newest first.")
    async def deliberations(
        self,
        info: Info,
        *,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: Annotated[
            filters.DeliberationFilter | None, strawberry.argument(description="Which.")
        ] = None,
    ) -> Connection[Deliberation] | None:
        page = filters.page_by_id(Prefix.DELIBERATION, first, after, last, before)
        return await deliberations_page(info, page, filters.deliberations(filter))

    @strawberry.field(
        directives=[READ],
        description="Full text over tasks and last revisions. Finds what has any of the words, the best first. A word is what stands between spaces; nothing in it is syntax. What was just written is found within a second or so.",
    )
    async def search(
        self,
        info: Info,
        text: Annotated[
            str, strawberry.argument(description=f"Words, {LONGEST_TEXT} characters at most.")
        ],
        first: First = None,
        after: After = None,
    ) -> SearchConnection | None:
        return await found(info, text, first, after)


def _refuse_text(path: tuple[str, ...], text: str) -> None:
    if mistake := text_mistake(text):
        raise RefusedError(InvalidInput(message=f"{path[0]} {mistake}", path=path))
