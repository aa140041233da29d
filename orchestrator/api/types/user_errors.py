"""A caller's mistakes in a mutation."""

from __future__ import annotations

import strawberry

from orchestrator.api.context import Info
from orchestrator.api.ids import Node
from orchestrator.api.nodes import node
from orchestrator.domain import errors


@strawberry.interface(description="A mistake in the input of a mutation; nothing was written.")
class UserError:
    """A mistake."""

    message: str = strawberry.field(description="What is wrong, and what would be right.")
    code: str = strawberry.field(description="INVALID_INPUT, NOT_FOUND or CONFLICT.")
    path: list[str] = strawberry.field(
        description="Where in the input: its field names, outermost first; an index for a list."
    )


@strawberry.type(description="A value that cannot be.")
class InvalidInput(UserError):  # noqa: N818 - a type of the contract
    """A value that cannot be."""


@strawberry.type(description="A name or an id that leads nowhere.")
class NotFound(UserError):  # noqa: N818 - a type of the contract
    """A name or an id that leads nowhere."""

    sought: str = strawberry.field(description="What was looked for.")


@strawberry.type(description="Something stands in the way.")
class Conflict(UserError):  # noqa: N818 - a type of the contract
    """Something stands in the way."""

    source: strawberry.Private[errors.Conflict]

    @strawberry.field(description="What stands in the way.")
    async def existing(self, info: Info) -> Node | None:
        if self.source.existing is None:
            return None
        return await node(info.context, self.source.existing)


def user_errors(refused: errors.RefusedError) -> list[UserError]:
    """Show the mistakes of a caller, in the order of his input."""
    return [_shown(mistake) for mistake in refused.mistakes]


def _shown(mistake: errors.Mistake) -> UserError:
    message, code, path = mistake.message, mistake.code, list(mistake.path)
    match mistake:
        case errors.InvalidInput():
            return InvalidInput(message=message, code=code, path=path)
        case errors.NotFound(sought=sought):
            return NotFound(message=message, code=code, path=path, sought=sought)
        case errors.Conflict():
            return Conflict(message=message, code=code, path=path, source=mistake)
