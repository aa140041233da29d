"""Councils have deliberations and deliberations have councils: what their modules need of each other, late.

The names are for annotations, which are read when the schema is made; the functions are for
resolvers, which run later still. All imports between modules that would go in a circle are here.
"""
# ruff: noqa: PLC0415

from __future__ import annotations

from typing import TYPE_CHECKING

from strawberry.types.lazy_type import LazyType

from orchestrator.domain import deliberations as domain_deliberations
from orchestrator.domain.filters import DeliberationFilter
from orchestrator.domain.pages import PageRequest

if TYPE_CHECKING:
    from orchestrator.api.context import Info
    from orchestrator.api.pages import Connection
    from orchestrator.api.types import councils, deliberations

    Council = councils.Council
    Deliberation = deliberations.Deliberation
else:
    Council = LazyType("Council", "orchestrator.api.types.councils")
    Deliberation = LazyType("Deliberation", "orchestrator.api.types.deliberations")


async def council(info: Info, identifier: str) -> councils.Council | None:
    """Read a council; none where there is none."""
    from orchestrator.api.types import councils

    return await councils.council(info, identifier)


def show_deliberation(
    deliberation: domain_deliberations.Deliberation,
) -> deliberations.Deliberation:
    """Show a deliberation."""
    from orchestrator.api.types import deliberations

    return deliberations.Deliberation.of(deliberation)


async def deliberations_page(
    info: Info, page: PageRequest, where: DeliberationFilter
) -> Connection[deliberations.Deliberation]:
    """Read a page of deliberations."""
    from orchestrator.api.types import deliberations

    return await deliberations.deliberations_page(info, page, where)
