"""Tokens, as servers count them."""

from __future__ import annotations

import strawberry

from orchestrator.api.scalars import Count
from orchestrator.api.shown import Shown
from orchestrator.domain import deliberations


@strawberry.type(description="Tokens, as the servers of the models counted them.")
class Usage(Shown[deliberations.Usage]):
    """Tokens over some calls."""

    prompt_tokens: Count = strawberry.field(description="Read.")
    cached_prompt_tokens: Count = strawberry.field(
        description="Of those read, the ones that the server had in its cache."
    )
    completion_tokens: Count = strawberry.field(description="Written.")
    calls: Count = strawberry.field(
        description="How often models were asked, attempts that failed among them."
    )
