"""An agent to make, as several mutations take it."""

from __future__ import annotations

from orchestrator.api.mutations import sending
from orchestrator.api.types.inputs import AgentInput
from orchestrator.domain.drafts import AgentDraft
from orchestrator.domain.validation import Inspection, Path
from orchestrator.domain.validation_councils import inspect_agent


def inspect_agent_input(inspection: Inspection, path: Path, agent: AgentInput) -> AgentDraft:
    """Look at an agent to make."""
    return inspect_agent(
        inspection,
        path,
        name=sending.given(agent.name),
        persona=sending.given(agent.persona),
        temperature=sending.given(agent.temperature),
        max_tokens=sending.given(agent.max_tokens),
        model=sending.given(agent.model),
        endpoint=sending.given(agent.endpoint),
        metadata=sending.given(agent.metadata),
    )
