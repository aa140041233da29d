"""What a caller wants made or changed of roles, councils, agents and endpoints: from what he sent to a draft."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar

from orchestrator.domain import limits
from orchestrator.domain.addresses import url_mistake
from orchestrator.domain.councils import KEY_PREFIX, RESERVED_ENDPOINTS, Decision, ProtocolName
from orchestrator.domain.drafts import (
    AgentChange,
    AgentDraft,
    Clear,
    CouncilChange,
    CouncilDraft,
    EndpointChange,
)
from orchestrator.domain.validation import Inspection, Path, model_mistake

T = TypeVar("T")

_KEY_VARIABLE = re.compile(rf"{KEY_PREFIX}[A-Z0-9_]+")


def inspect_agent(
    inspection: Inspection,
    path: Path,
    *,
    name: str | None,
    persona: str | None,
    temperature: float | None,
    max_tokens: int | None,
    model: str | None,
    endpoint: str | None,
    metadata: object,
) -> AgentDraft:
    """Look at an agent to make."""
    return AgentDraft(
        name=inspection.optional_name((*path, "name"), name),
        persona=inspection.optional_text((*path, "persona"), persona, limits.PERSONA),
        temperature=inspection.temperature((*path, "temperature"), temperature),
        max_tokens=inspection.whole((*path, "maxTokens"), max_tokens, 1, limits.TOKENS),
        model=_inspect_model(inspection, (*path, "model"), model),
        endpoint=inspection.optional_name((*path, "endpoint"), endpoint),
        metadata=inspection.metadata((*path, "metadata"), metadata),
    )


def inspect_council(
    inspection: Inspection,
    *,
    role: str,
    name: str | None,
    agents: Sequence[AgentDraft] | None,
    seats: int | None,
    protocol: ProtocolName | None,
    rounds: int | None,
    quorum: int | None,
    decision: Decision | None,
) -> CouncilDraft:
    """Look at a council to make; its agents have been looked at."""
    inspection.name(("role",), role, limits.ROLE_NAME)
    inspection.optional_name(("name",), name)
    inspection.whole(("rounds",), rounds, 0, limits.ROUNDS)
    seated = _seated(inspection, agents, seats)
    inspection.whole(("quorum",), quorum, 1, len(seated) or limits.SEATS)
    return CouncilDraft(
        role=role,
        name=name,
        agents=seated,
        protocol=protocol or ProtocolName.PEER_REVIEW,
        rounds=1 if rounds is None else rounds,
        quorum=quorum,
        decision=decision or Decision.BALLOTS,
    )


def _seated(
    inspection: Inspection, agents: Sequence[AgentDraft] | None, seats: int | None
) -> tuple[AgentDraft, ...]:
    if agents is not None and seats is not None:
        inspection.add(("seats",), "give either agents or seats, not both")
        return ()
    if agents is None and seats is None:
        inspection.add(
            ("agents",),
            "give the agents one by one, or say with seats how many to make from the defaults",
        )
        return ()
    if agents is None:
        inspection.whole(("seats",), seats, 1, limits.SEATS)
        return (AgentDraft(),) * min(max(seats or 0, 0), limits.SEATS)
    if not 1 <= len(agents) <= limits.SEATS:
        inspection.add(
            ("agents",), f"a council has from 1 to {limits.SEATS} agents; these are {len(agents)}"
        )
        return ()
    first: dict[str, int] = {}
    for place, agent in enumerate(agents):
        if agent.name is None:
            continue
        earlier = first.setdefault(agent.name, place)
        if earlier != place:
            inspection.add(
                ("agents", str(place), "name"),
                f"name is agents[{earlier}]'s already; an agent's name is its own",
            )
    return tuple(agents)


def inspect_council_change(
    inspection: Inspection,
    *,
    name: str | Clear | None,
    protocol: ProtocolName | Clear | None,
    rounds: int | Clear | None,
    quorum: int | Clear | None,
    decision: Decision | Clear | None,
) -> CouncilChange:
    """Look at a change of a council; whether the quorum fits its seats, the graph knows."""
    return CouncilChange(
        name=inspection.optional_name(("name",), _kept(inspection, ("name",), name)),
        protocol=_kept(inspection, ("protocol",), protocol),
        rounds=inspection.whole(
            ("rounds",), _kept(inspection, ("rounds",), rounds), 0, limits.ROUNDS
        ),
        quorum=inspection.whole(
            ("quorum",), _kept(inspection, ("quorum",), quorum), 1, limits.SEATS
        ),
        decision=_kept(inspection, ("decision",), decision),
    )


def inspect_agent_change(
    inspection: Inspection,
    *,
    persona: str | Clear | None,
    temperature: float | Clear | None,
    max_tokens: int | Clear | None,
    model: str | Clear | None,
    endpoint: str | Clear | None,
    metadata: object,
) -> AgentChange:
    """Look at a change of an agent. A `metadata` of none is left as it is."""
    if persona is not None and persona is not Clear.CLEAR:
        inspection.text(("persona",), persona, limits.PERSONA)
    if endpoint is not None and endpoint is not Clear.CLEAR:
        inspection.name(("endpoint",), endpoint)
    return AgentChange(
        persona=persona,
        temperature=inspection.temperature(
            ("temperature",), _kept(inspection, ("temperature",), temperature)
        ),
        max_tokens=inspection.whole(
            ("maxTokens",), _kept(inspection, ("maxTokens",), max_tokens), 1, limits.TOKENS
        ),
        model=_inspect_model(inspection, ("model",), _kept(inspection, ("model",), model)),
        endpoint=endpoint,
        metadata=Clear.CLEAR
        if metadata is Clear.CLEAR
        else inspection.metadata(("metadata",), metadata),
    )


def inspect_endpoint(
    inspection: Inspection,
    *,
    name: str,
    url: str,
    api_key_variable: str | None,
    allow_link_local: bool,
) -> None:
    """Look at an endpoint to register."""
    inspection.name(("name",), name)
    if name in RESERVED_ENDPOINTS:
        inspection.add(
            ("name",), f"{name} is a name of the service's own; choose another for your endpoint"
        )
    _inspect_url(inspection, url, allow_link_local=allow_link_local)
    _inspect_key_variable(inspection, api_key_variable)


def inspect_endpoint_change(
    inspection: Inspection,
    *,
    url: str | Clear | None,
    api_key_variable: str | Clear | None,
    allow_link_local: bool,
) -> EndpointChange:
    """Look at a change of an endpoint."""
    kept_url = _kept(inspection, ("url",), url)
    if kept_url is not None:
        _inspect_url(inspection, kept_url, allow_link_local=allow_link_local)
    if api_key_variable is not Clear.CLEAR:
        _inspect_key_variable(inspection, api_key_variable)
    return EndpointChange(url=kept_url, api_key_variable=api_key_variable)


def _inspect_model(inspection: Inspection, path: Path, model: str | None) -> str | None:
    if model is not None and (mistake := model_mistake(model)):
        inspection.add(path, f"model {mistake}")
    return model


def _inspect_url(inspection: Inspection, url: str, *, allow_link_local: bool) -> None:
    if mistake := url_mistake(url, allow_link_local=allow_link_local):
        inspection.add(("url",), f"url {mistake}")


def _inspect_key_variable(inspection: Inspection, variable: str | None) -> None:
    if variable is None:
        return
    if (length := len(variable)) > limits.NAME:
        message = f"must not be longer than {limits.NAME} characters, and has {length}"
    elif not _KEY_VARIABLE.fullmatch(variable):
        message = f"must be {KEY_PREFIX} and then capital letters, digits and underscores"
    else:
        return
    inspection.add(("apiKeyVariable",), f"apiKeyVariable {message}")


def _kept(inspection: Inspection, path: Path, value: T | Clear | None) -> T | None:
    """Pass on a value that cannot be cleared; what was to be cleared is a mistake and stays as it is."""
    if isinstance(value, Clear):
        inspection.add(path, f"{path[-1]} cannot be cleared; leave it out to keep it as it is")
        return None
    return value
