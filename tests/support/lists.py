"""Lists of deliberations, one at a time; the API reads several at once."""

from __future__ import annotations

from orchestrator.domain.deliberations import Deliberation
from orchestrator.domain.filters import DeliberationFilter
from orchestrator.domain.pages import Page, PageRequest
from orchestrator.graph.records import GraphRecords


async def page_of(
    records: GraphRecords, page: PageRequest, where: DeliberationFilter
) -> Page[Deliberation]:
    """Read one page."""
    (found,) = await records.deliberations_of_each(page, (where,))
    return found


async def count_of(records: GraphRecords, where: DeliberationFilter) -> int:
    """Count all that a filter lets through."""
    (total,) = await records.count_deliberations_of_each((where,))
    return total
