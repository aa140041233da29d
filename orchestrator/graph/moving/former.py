"""The predecessor's councils as lines of a file, so that they are checked, planned, written and compared as any others.

Their ids are derived from the predecessor's, so that read twice they are the same councils.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain, count
from typing import Any

from orchestrator.domain.addresses import with_version
from orchestrator.domain.councils import DEFAULT_ENDPOINT, DEFAULT_KEY_VARIABLE
from orchestrator.domain.ids import Prefix, with_prefix
from orchestrator.domain.predecessor import FormerAgent, FormerCouncil, endpoint_name
from orchestrator.domain.values import replace
from orchestrator.graph.driver import Reads
from orchestrator.graph.moving import form, rows
from orchestrator.graph.moving.form import Contents, Kind, Line, Record
from orchestrator.graph.seating import stem_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What the settings say of the model and the endpoint `default`."""

    model: str
    url: str | None


async def as_lines(
    graph: Reads, councils: Sequence[FormerCouncil], defaults: Defaults
) -> tuple[list[Line], list[str]]:
    """Return the lines of a file, and which agents are renamed; what was imported before keeps its names and the time of its making."""
    ids = [_id(Prefix.COUNCIL, council.key) for council in councils]
    (clock,) = await graph.read("graph/read_clock")
    there = [rows.council(row) for row in await graph.read("moving/read_councils", ids=ids)]
    apart, notes = told_apart(
        councils, {agent["id"]: agent["name"] for one in there for agent in one["agents"]}
    )
    made = {one["id"]: one["createdAt"] for one in there}
    records = _Records(apart, defaults, now=clock["now"], made=made).all()
    lines = [
        Line(
            place=record.pop("place", f"the predecessor, record {number}"),
            text=form.encode(record),
        )
        for number, record in enumerate(records, 1)
    ]
    return lines, notes


def told_apart(
    councils: Sequence[FormerCouncil], there: Mapping[str, str]
) -> tuple[list[FormerCouncil], list[str]]:
    """Give agents whose names are those of agents of other councils, too, their roles' before them; also says so.

    The predecessor's ids were unique in a council; names are unique in the graph. `there` has the
    names of agents that were imported before, by their ids.
    """
    named = Counter(
        name for council in councils for name in {agent.draft.name for agent in council.agents}
    )
    taken = {*named, *there.values()}
    notes: list[str] = []
    apart: list[FormerCouncil] = []
    for council in councils:
        agents: list[FormerAgent] = []
        for agent in council.agents:
            name = agent.draft.name
            if name is None:
                agents.append(agent)
                continue
            own = f"{stem_of(council.draft.role)}-{name}"
            before = there.get(_agent_id(council, agent.id or name), "")
            if before.startswith(own):
                own = before
            elif before == name or named[name] == 1:
                agents.append(agent)
                continue
            else:
                numbered = (f"{own}-{number}" for number in count(2))
                own = next(free for free in chain([own], numbered) if free not in taken)
                taken.add(own)
            notes.append(
                f"renamed: the agent {name} of {council.key} is {own}, as others have this name"
            )
            # Its id here goes by what it was called there.
            agents.append(replace(agent, id=agent.id or name, draft=replace(agent.draft, name=own)))
        apart.append(replace(council, agents=tuple(agents)))
    return apart, notes


class _Records:
    """The records of all councils."""

    def __init__(
        self,
        councils: Sequence[FormerCouncil],
        defaults: Defaults,
        *,
        now: str,
        made: Mapping[str, str],
    ) -> None:
        self._councils = councils
        self._defaults = defaults
        self._now = now
        self._made = made
        self._served: dict[str, set[str]] = {}
        self._endpoints: dict[str, Record] = {}
        self._models: dict[str, Record] = {}

    def all(self) -> Iterable[Record]:
        if self._defaults.url is not None:
            self._endpoints[DEFAULT_ENDPOINT] = {
                "kind": Kind.ENDPOINT,
                "place": "VLLM_URL",
                "id": _id(Prefix.ENDPOINT, DEFAULT_ENDPOINT),
                "name": DEFAULT_ENDPOINT,
                "url": self._defaults.url,
                "apiKeyVariable": DEFAULT_KEY_VARIABLE,
            }
        self._model(self._defaults.model, None, "VLLM_MODEL")["isDefault"] = True
        roles: list[Record] = []
        councils: list[Record] = []
        taken = {
            agent.draft.name
            for council in self._councils
            for agent in council.agents
            if agent.draft.name is not None
        }
        for council in self._councils:
            record, agents_named = self._council(council, taken)
            councils.append(record)
            roles.append(
                {
                    "kind": Kind.ROLE,
                    "place": council.key,
                    "id": _id(Prefix.ROLE, council.draft.role),
                    "name": council.draft.role,
                    "agentsNamed": agents_named,
                    "councilsNamed": int(council.draft.name is None),
                }
            )
        for name, model in self._models.items():
            model["servedBy"] = sorted(self._served.get(name, ()))
        kinds = {
            Kind.ROLE: roles,
            Kind.ENDPOINT: list(self._endpoints.values()),
            Kind.MODEL: list(self._models.values()),
            Kind.COUNCIL: councils,
        }
        yield form.header(Contents.PREDECESSOR, self._now)
        for records in kinds.values():
            yield from sorted(records, key=lambda record: record["id"])
        yield form.end({kind: len(records) for kind, records in kinds.items()})

    def _council(self, council: FormerCouncil, taken: set[str]) -> tuple[Record, int]:
        """Return the record, and the last number of a default name in it."""
        draft, identifier = council.draft, _id(Prefix.COUNCIL, council.key)
        stem, numbers, last = stem_of(draft.role), count(1), 0
        agents: list[Record] = []
        for seat, agent in enumerate(council.agents, 1):
            name = agent.draft.name
            while name is None or (agent.draft.name is None and name in taken):
                last = next(numbers)
                name = f"{stem}-agent-{last}"
            taken.add(name)
            own = agent.draft
            model = own.model or self._defaults.model
            endpoint = self._endpoint(agent.endpoint, council.key)
            self._model(model, endpoint, council.key)
            agents.append(
                _given(
                    {
                        "id": _agent_id(council, agent.id or name),
                        "name": name,
                        "persona": own.persona,
                        "temperature": own.settled_temperature,
                        "maxTokens": own.settled_max_tokens,
                        "metadata": own.metadata,
                        "speaksWith": _given(
                            {"model": model, "default": True if own.model is None else None}
                        ),
                        "boundTo": endpoint,
                        "seat": seat,
                    }
                )
            )
        made = self._made.get(identifier, self._now)
        return {
            "kind": Kind.COUNCIL,
            "place": council.key,
            "id": identifier,
            "name": draft.name or f"{stem}-council-1",
            "protocol": draft.protocol,
            "rounds": draft.rounds,
            "quorum": draft.settled_quorum(len(agents)),
            "decision": draft.decision,
            "version": 1,
            "createdAt": made,
            "updatedAt": made,
            "servesRole": draft.role,
            "serves": draft.role,
            "agents": agents,
        }, last

    def _endpoint(self, url: str | None, place: str) -> str | None:
        """Name an endpoint by where it is; VLLM_URL is the one named `default`, to which nobody is bound."""
        if url is None:
            return None
        url = with_version(url)
        if self._defaults.url is not None and url == with_version(self._defaults.url):
            return None
        name = endpoint_name(url)
        self._endpoints.setdefault(
            name,
            {
                "kind": Kind.ENDPOINT,
                "place": place,
                "id": _id(Prefix.ENDPOINT, name),
                "name": name,
                "url": url,
            },
        )
        return name

    def _model(self, name: str, endpoint: str | None, place: str) -> Record:
        """Know a model, and who serves it: the endpoint of an agent, else `default` where there is one."""
        if endpoint is not None:
            self._served.setdefault(name, set()).add(endpoint)
        elif self._defaults.url is not None:
            self._served.setdefault(name, set()).add(DEFAULT_ENDPOINT)
        return self._models.setdefault(
            name,
            {
                "kind": Kind.MODEL,
                "place": place,
                "id": _id(Prefix.MODEL, name),
                "name": name,
                "rehearsal": False,
            },
        )


def _agent_id(council: FormerCouncil, named: str) -> str:
    return _id(Prefix.AGENT, f"{council.key}\0{named}")


def _id(prefix: Prefix, of: str) -> str:
    return with_prefix(prefix, sha256(f"predecessor\0{of}".encode()).hexdigest()[:32])


def _given(record: dict[str, Any]) -> Record:
    return {key: value for key, value in record.items() if value is not None}
