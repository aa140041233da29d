"""Roles, councils, agents, models and endpoints in the graph."""

from __future__ import annotations

from orchestrator.graph.agent_changes import AgentChanges
from orchestrator.graph.council_changes import CouncilChanges
from orchestrator.graph.council_reads import CouncilReads
from orchestrator.graph.endpoint_changes import EndpointChanges


class Councils(CouncilReads, CouncilChanges, AgentChanges, EndpointChanges):
    """Implements `orchestrator.api.ports.Councils`; `note_served` is for whoever watches the endpoints."""
