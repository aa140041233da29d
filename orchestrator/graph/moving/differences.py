"""What differs between a record of a file and the same thing in a graph. Pure: no I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final, cast

from typing_extensions import override

from orchestrator.domain.councils import DEFAULT_ENDPOINT
from orchestrator.domain.deliberations import Status
from orchestrator.graph.moving.form import Kind, Record

_ZEROS: Final = re.compile(r"(\.\d*?)0+Z$")
"""An instant may be written with zeros at its end, and Neo4j writes them by threes."""

_LONGEST: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A field that differs, as `agents[2].temperature`, with what it is in the file and in the graph."""

    field: str
    source: Any
    graph: Any

    @override
    def __str__(self) -> str:
        """Say it to a person."""
        return f"{self.field} is {_shown(self.source)} in the source and {_shown(self.graph)} in the graph"


def differences(kind: Kind, source: Record, graph: Record) -> list[Difference]:
    """Compare what has to be the same.

    Of what is known by its name (roles, models, endpoints) the graph's own stays, id included; of
    the endpoint `default`, and of who speaks with the default model, the settings decide: a start
    with another VLLM_MODEL changes those agents, and with them the version of their council.
    """
    found: Iterable[Difference]
    match kind:
        case Kind.ROLE:
            found = ()
        case Kind.ENDPOINT:
            default = source["name"] == DEFAULT_ENDPOINT
            found = _of(() if default else ("url", "apiKeyVariable"), source, graph)
        case Kind.MODEL:
            unserved = [name for name in source["servedBy"] if name not in graph["servedBy"]]
            found = [
                *_of(("rehearsal",), source, graph),
                *(Difference(field="servedBy", source=name, graph=None) for name in unserved),
            ]
        case Kind.COUNCIL:
            settled = _may_be_settled(source, graph)
            found = _diff(
                "",
                _undefaulted_council(source, without=settled),
                _undefaulted_council(graph, without=settled),
            )
        case Kind.AGENT:
            found = _diff("", _undefaulted(source), _undefaulted(graph))
        case Kind.PROCESS:
            found = _of(("host", "startedAt"), source, graph)
        case Kind.REMOVED_ENDPOINT | Kind.DELIBERATION:
            found = _diff("", source, graph)
    return list(found)


def has_gone_on(source: Record, graph: Record) -> bool:
    """Whether the graph has a deliberation, under way in the file, further on: it was imported before."""
    return (
        not Status(source["status"]).ended
        and all(source[key] == graph[key] for key in ("councilId", "councilVersion", "role"))
        and _even(source["acceptedAt"]) == _even(graph["acceptedAt"])
        and (graph["sequence"], graph["epoch"]) > (source["sequence"], source["epoch"])
    )


def _of(keys: tuple[str, ...], source: Record, graph: Record) -> list[Difference]:
    return [found for key in keys for found in _diff(key, source.get(key), graph.get(key))]


def _may_be_settled(source: Record, graph: Record) -> frozenset[str]:
    """Name what says only that a council has changed, where a start with another VLLM_MODEL may be all that has changed it."""
    follows = any(agent["speaksWith"].get("default") for agent in graph["agents"])
    raised = graph["version"] > source["version"]
    return frozenset({"version", "updatedAt"}) if follows and raised else frozenset()


def _undefaulted_council(record: Record, *, without: frozenset[str]) -> Record:
    kept = {key: value for key, value in record.items() if key not in without}
    return {**kept, "agents": [_undefaulted(agent) for agent in record["agents"]]}


def _undefaulted(agent: Record) -> Record:
    if not agent["speaksWith"].get("default"):
        return agent
    return {**agent, "speaksWith": {"default": True}}


def _diff(field: str, source: Any, graph: Any) -> Iterator[Difference]:
    if isinstance(source, dict) and isinstance(graph, dict):
        ours, theirs = cast("Mapping[str, Any]", source), cast("Mapping[str, Any]", graph)
        for key in (*ours, *(key for key in theirs if key not in ours)):
            step = f"{field}.{key}" if field else key
            yield from _diff(step, ours.get(key), theirs.get(key))
    elif isinstance(source, list) and isinstance(graph, list):
        pairs = zip_longest(cast("list[Any]", source), cast("list[Any]", graph))
        for index, (one, other) in enumerate(pairs):
            yield from _diff(f"{field}[{index}]", one, other)
    elif _even(source) != _even(graph):
        yield Difference(field=field, source=source, graph=graph)


def _even(value: Any) -> Any:
    """Write the same instant in the same way, and an empty list as what is not there; any other text that looks like an instant is left as alike."""
    if value == []:
        return None
    if isinstance(value, str) and value.endswith("Z"):
        return _ZEROS.sub(r"\1Z", value).replace(".Z", "Z")
    return value


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
