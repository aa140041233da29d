"""From rows of the graph, as `cypher/moving` reads them, to records of the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from neo4j import Record as Row

from orchestrator.domain.errors import CouncilError
from orchestrator.graph.moving.form import LEFT_OUT, Kind, Record
from orchestrator.graph.vocabulary import INSTANT, properties_of

Pairs = Sequence[Sequence[Any]]
"""Properties as [name, value]."""

_UTC = "[UTC]"
"""What Neo4j writes after the `Z` of some instants in UTC, and not of others."""


class UnsoundGraphError(CouncilError):
    """The graph holds what no file could say, so that it would be lost on the way."""

    def __init__(self, of: str, what: str) -> None:
        """`of` is the id of what is not sound, `what` the reason."""
        self.of: str = of
        self.what: str = what
        super().__init__(f"{of} {what}: `council doctor` names all such places")


def role(row: Row) -> Record:
    return {"kind": Kind.ROLE.value, **_properties("Role", row["id"], row["properties"])}


def endpoint(row: Row) -> Record:
    return {"kind": Kind.ENDPOINT.value, **_properties("Endpoint", row["id"], row["properties"])}


def removed_endpoint(row: Row) -> Record:
    return {
        "kind": Kind.REMOVED_ENDPOINT.value,
        **_properties("RemovedEndpoint", row["id"], row["properties"]),
    }


def model(row: Row) -> Record:
    return {
        "kind": Kind.MODEL.value,
        **_properties("Model", row["id"], row["properties"]),
        "servedBy": sorted(row["servedBy"]),
    }


def council(row: Row) -> Record:
    agents = sorted(row["agents"], key=lambda agent: agent[3])
    return {
        "kind": Kind.COUNCIL.value,
        **_properties("Council", row["id"], row["properties"]),
        "serves": _one(row["id"], "role", row["roles"]),
        "agents": [{**_agent(row["id"], agent), "seat": agent[3]} for agent in agents],
    }


def retired_agent(row: Row) -> Record:
    return {"kind": Kind.AGENT.value, **_agent(row["id"], row["agent"])}


def process(row: Row) -> Record:
    return {"kind": Kind.PROCESS.value, **_properties("Process", row["id"], row["properties"])}


def task(row: Row) -> Record:
    """A task alone, without a kind: it has no line of its own."""
    return _properties("Task", row["id"], row["properties"])


def deliberation(row: Row) -> Record:
    of: str = row["id"]
    properties = _properties("Deliberation", of, row["properties"])
    council_id = _one(of, "council", row["councils"])
    if council_id != properties["councilId"]:
        raise UnsoundGraphError(of, "has a councilId that is not its council's")
    verdict = _at_most_one(of, "verdict", row["verdicts"])
    retried = _at_most_one(of, "deliberation that it retries", row["retries"])
    return {
        "kind": Kind.DELIBERATION.value,
        **properties,
        **({} if retried is None else {"retries": retried}),
        "about": _properties("Task", of, _one(of, "task", row["tasks"])),
        "seats": sorted((_seat(of, seat) for seat in row["seats"]), key=_of("number")),
        "turns": sorted((_turn(of, turn) for turn in row["turns"]), key=_of("sequence")),
        "claims": sorted((_claim(of, claim) for claim in row["claims"]), key=_of("sequence")),
        **({} if verdict is None else {"verdict": _verdict(of, verdict)}),
    }


def _agent(of: str, agent: Sequence[Any]) -> Record:
    own = _properties("Agent", of, agent[0])
    named, default = _one(own["id"], "model", agent[1])
    bound = _at_most_one(own["id"], "endpoint", agent[2])
    return {
        **own,
        "speaksWith": {"model": named, **({"default": True} if default else {})},
        **({} if bound is None else {"boundTo": bound}),
    }


def _seat(of: str, seat: Sequence[Any]) -> Record:
    bound = _at_most_one(of, "endpoint of a seat", seat[3])
    removed = _at_most_one(of, "endpoint of a seat", seat[4])
    return {
        **_properties("Seat", of, seat[0]),
        "of": _one(of, "agent of a seat", seat[1]),
        "speaksWith": _one(of, "model of a seat", seat[2]),
        **({} if bound is None else {"boundTo": bound}),
        **({} if removed is None else {"boundToRemoved": removed}),
    }


def _turn(of: str, turn: Sequence[Any]) -> Record:
    own = _properties("Turn", of, turn[0])
    _one(own["id"], "seat that took it", turn[1])
    target = _at_most_one(own["id"], "target", turn[2])
    revised = _at_most_one(own["id"], "origin", turn[3])
    return {
        **own,
        **({} if target is None else {"critiques": target}),
        **({} if revised is None else {"revises": revised}),
        **({"answers": sorted(turn[4])} if turn[4] else {}),
        **({"ranks": _numbered(own["id"], turn[5])} if turn[5] else {}),
    }


def _claim(of: str, claim: Sequence[Any]) -> Record:
    own = _properties("Claim", of, claim[0])
    return {**own, "by": _one(own["id"], "process", claim[1])}


def _verdict(of: str, verdict: Sequence[Any]) -> Record:
    own = _properties("Verdict", of, verdict[0])
    ranked: list[Sequence[Any]] = sorted(verdict[1], key=lambda one: one[0])
    if [one[1] for one in ranked[:1]] != list(verdict[2]):
        raise UnsoundGraphError(own["id"], "did not choose what it ranked first")
    return {
        **own,
        "ranked": [
            {"rank": rank, "proposal": proposal, "score": score, "votes": votes}
            for rank, proposal, score, votes in ranked
        ],
    }


def _numbered(of: str, places: Sequence[Sequence[Any]]) -> list[str]:
    """Put choices in their order, which then says their positions."""
    ordered: list[Sequence[Any]] = sorted(places, key=lambda place: place[0])
    if [place for place, _ in ordered] != list(range(1, len(ordered) + 1)):
        raise UnsoundGraphError(of, "has positions that do not count from 1")
    return [choice for _, choice in ordered]


def _properties(label: str, of: str, pairs: Pairs) -> Record:
    """Keep what is told of a node, in the order of the vocabulary."""
    found: Mapping[str, Any] = {key: value for key, value in pairs}  # noqa: C416 - pairs are lists
    known = properties_of(label)
    for key in found:
        if key not in known:
            raise UnsoundGraphError(of, f"has a property {key} that this version does not know")
    return {
        key: _instant(of, key, found[key]) if types == INSTANT else found[key]
        for key, types in known.items()
        if key in found and key not in LEFT_OUT
    }


def _instant(of: str, key: str, value: Any) -> str:
    text = str(value).removesuffix(_UTC)
    if not text.endswith("Z"):
        raise UnsoundGraphError(of, f"has a {key} that is no instant in UTC")
    return text


def _one(of: str, what: str, found: Sequence[Any]) -> Any:
    if len(found) != 1:
        raise UnsoundGraphError(of, f"has not one {what} but {len(found)}")
    return found[0]


def _at_most_one(of: str, what: str, found: Sequence[Any]) -> Any:
    return _one(of, what, found) if found else None


def _of(key: str) -> Callable[[Record], Any]:
    return lambda record: record[key]
