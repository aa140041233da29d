"""What the service's predecessor kept of a council: a JSON document under `orchestrator:councils:{ROLE}`.

It is read liberally: an agent may be a name or an object, names of fields may be in snake or camel
case, ids, models and endpoints may stand with each agent or in lists or objects beside them, and
what is missing becomes a default. What is not understood is said, once by its name.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from orchestrator.domain import limits
from orchestrator.domain.addresses import url_mistake, with_version
from orchestrator.domain.drafts import AgentDraft, CouncilDraft
from orchestrator.domain.errors import Mistake, RefusedError
from orchestrator.domain.validation import Inspection
from orchestrator.domain.validation_councils import inspect_agent, inspect_council
from orchestrator.domain.values import replace

KEY_PREFIX: Final = "orchestrator:councils:"

_ROLE: Final = frozenset({"role", "rolename", "councilrole"})
_NAME: Final = frozenset({"name", "councilname"})
_ID: Final = frozenset({"id", "councilid"})
_ROUNDS: Final = frozenset({"rounds", "numrounds", "maxrounds", "deliberationrounds"})
_QUORUM: Final = frozenset({"quorum"})
_AGENTS: Final = frozenset({"agents", "members", "seats"})
_AGENT_IDS: Final = frozenset({"agentids", "ids"})
_MODELS: Final = frozenset({"models", "agentmodels", "model", "modelname"})
_ENDPOINTS: Final = frozenset(
    {
        "endpoints",
        "agentendpoints",
        "endpoint",
        "endpointurl",
        "url",
        "urls",
        "baseurl",
        "vllmurl",
        "modelurl",
    }
)

_AGENT_ID: Final = frozenset({"id", "agentid"})
_AGENT_NAME: Final = frozenset({"name", "agentname"})
_PERSONA: Final = frozenset({"persona"})
_TEMPERATURE: Final = frozenset({"temperature"})
_TOKENS: Final = frozenset({"maxtokens"})
_KNOWN_TO_MODEL: Final = frozenset({"name", "model", "modelname", "id"})
_KNOWN_TO_ENDPOINT: Final = frozenset({"url", "baseurl", "endpoint", "endpointurl"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerAgent:
    """An agent: its id with the predecessor, and where it was asked, as a URL."""

    id: str | None
    draft: AgentDraft
    endpoint: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerCouncil:
    """A council; `id` is the predecessor's, where it had one."""

    key: str
    id: str | None
    draft: CouncilDraft
    agents: tuple[FormerAgent, ...]


@dataclass(slots=True)
class Reading:
    """All councils, with fields that were ignored on the way, once by their names, and where first."""

    councils: list[FormerCouncil] = field(default_factory=list)
    ignored: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    """What else a person should know."""


def endpoint_name(url: str) -> str:
    """Name the endpoint at a URL by where it is: there it had no name."""
    return with_version(url).removeprefix("http://")


def read_councils(documents: Mapping[str, str]) -> Reading:
    """Read documents by their keys.

    Raises:
        RefusedError: with everything that cannot be read, by key and field.
    """
    reading = Reading()
    mistakes: list[Mistake] = []
    for key, text in documents.items():
        inspection = Inspection()
        council = _Document(key, inspection, reading).council(text)
        try:
            inspection.close()
        except RefusedError as refused:
            mistakes += [_within(key, mistake) for mistake in refused.mistakes]
            continue
        if council is not None:
            reading.councils.append(council)
    if mistakes:
        raise RefusedError(*mistakes)
    return reading


def _within(key: str, mistake: Mistake) -> Mistake:
    return replace(mistake, path=(key, *mistake.path))


class _Document:
    """One document."""

    def __init__(self, key: str, inspection: Inspection, reading: Reading) -> None:
        self._key = key
        self._inspection = inspection
        self._reading = reading

    def council(self, text: str) -> FormerCouncil | None:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            self._inspection.add((), f"this is no JSON document: {error}")
            return None
        if isinstance(value, list):
            found = _Fields({"agents": cast("list[Any]", value)})
        elif isinstance(value, dict):
            found = _Fields(cast("dict[str, Any]", value))
        else:
            self._inspection.add((), "the document must be an object, or a list of agents")
            return None
        role = self._key.removeprefix(KEY_PREFIX)
        told = self._text(("role",), found.take(_ROLE))
        if told is not None and told.casefold() != role.casefold():
            self._inspection.add(("role",), f"role is {told!r}, and the key says {role!r}")
        elif told is not None:
            role = told
        agents = self._told_apart(self._agents(found))
        rounds = self._whole(("rounds",), found.take(_ROUNDS))
        quorum = self._whole(("quorum",), found.take(_QUORUM))
        name = self._text(("name",), found.take(_NAME))
        identifier = self._text(("id",), found.take(_ID))
        self._ignore("", found)
        return FormerCouncil(
            key=self._key,
            id=identifier,
            agents=tuple(agents),
            draft=inspect_council(
                self._inspection,
                role=role,
                name=name,
                agents=[agent.draft for agent in agents],
                seats=None,
                protocol=None,
                rounds=rounds,
                quorum=quorum,
                decision=None,
            ),
        )

    def _agents(self, found: _Fields) -> list[FormerAgent]:
        listed = found.take(_AGENTS)
        ids = found.take(_AGENT_IDS)
        models, endpoints = found.take(_MODELS), found.take(_ENDPOINTS)
        if listed is None:
            listed, ids = ids, None
        if isinstance(listed, dict):
            # By id: {"agent-dev-001": {…}}, or only a model's name there.
            listed = [_with_id(key, value) for key, value in cast("dict[str, Any]", listed).items()]
        if not isinstance(listed, list):
            if listed is not None:
                self._inspection.add(("agents",), "agents must be a list, or an object by id")
            return []
        agents = cast("list[Any]", listed)
        return [
            self._agent(
                index,
                agent,
                identifier=self._beside("ids", ids, index, len(agents), None),
                models=models,
                endpoints=endpoints,
                of=len(agents),
            )
            for index, agent in enumerate(agents)
        ]

    def _told_apart(self, agents: list[FormerAgent]) -> list[FormerAgent]:
        """Call those by their ids who have one name: there it was only shown, here it is somebody's own."""
        named = Counter(agent.draft.name for agent in agents)
        apart: list[FormerAgent] = []
        for agent in agents:
            name = agent.draft.name
            if name is not None and agent.id is not None and named[name] > 1 and name != agent.id:
                self._reading.notes.append(
                    f"renamed: the agent {name} of {self._key} is {agent.id}, its id, as others there have this name"
                )
                agent = replace(agent, draft=replace(agent.draft, name=agent.id))  # noqa: PLW2901
            apart.append(agent)
        return apart

    def _agent(
        self, index: int, agent: Any, *, identifier: Any, models: Any, endpoints: Any, of: int
    ) -> FormerAgent:
        path = ("agents", str(index))
        if isinstance(agent, str):
            agent = {"id" if identifier is None else "name": agent}
        if not isinstance(agent, dict):
            self._inspection.add(path, "an agent is a name, or an object")
            agent = {}
        found = _Fields(cast("dict[str, Any]", agent))
        own_id = found.take(_AGENT_ID)
        id_ = self._text((*path, "id"), identifier if own_id is None else own_id)
        name = self._text((*path, "name"), found.take(_AGENT_NAME))
        model, endpoint = found.take(_MODELS), found.take(_ENDPOINTS)
        names = (id_, name)
        if model is None:
            model = self._beside("models", models, index, of, names)
        if endpoint is None:
            endpoint = self._beside("endpoints", endpoints, index, of, names)
        model_name, model_endpoint = self._model(path, model)
        url = self._endpoint(path, model_endpoint if endpoint is None else endpoint)
        draft = inspect_agent(
            self._inspection,
            path,
            name=id_ if name is None else name,
            persona=self._text((*path, "persona"), found.take(_PERSONA)),
            temperature=self._number((*path, "temperature"), found.take(_TEMPERATURE)),
            max_tokens=self._whole((*path, "maxTokens"), found.take(_TOKENS)),
            model=model_name,
            endpoint=None,
            metadata=None if id_ is None else {"predecessorId": id_},
        )
        role = found.take(_ROLE)
        if role is not None and str(role).casefold() != self._role.casefold():
            self._inspection.add((*path, "role"), f"the agent is of another role: {role!r}")
        self._ignore("agents[].", found)
        return FormerAgent(id=id_, draft=draft, endpoint=url)

    @property
    def _role(self) -> str:
        return self._key.removeprefix(KEY_PREFIX)

    def _beside(
        self, what: str, values: Any, index: int, of: int, names: tuple[str | None, ...] | None
    ) -> Any:
        """Find what stands beside the agents: one for all, a list in their order, or an object by their ids."""
        if isinstance(values, list):
            listed = cast("list[Any]", values)
            if len(listed) != of:
                if index == 0:
                    self._inspection.add(
                        (what,), f"these are {len(listed)}, and the agents are {of}"
                    )
                return None
            return listed[index]
        if isinstance(values, dict) and names is not None:
            by_name = cast("dict[str, Any]", values)
            for name in names:
                if name in by_name:
                    return by_name[name]
            one_for_all = {_plain(key) for key in by_name} & (_KNOWN_TO_MODEL | _KNOWN_TO_ENDPOINT)
            return by_name if one_for_all else None
        return cast("object", values)

    def _model(self, path: tuple[str, ...], value: Any) -> tuple[str | None, Any]:
        """A name, or an object with a name and perhaps an endpoint."""
        if isinstance(value, dict):
            found = _Fields(cast("dict[str, Any]", value))
            name = found.take(frozenset({"name", "model", "modelname"}))
            identifier = found.take(frozenset({"id"}))
            endpoint = found.take(_ENDPOINTS)
            self._ignore("agents[].model.", found)
            return self._text((*path, "model"), identifier if name is None else name), endpoint
        return self._text((*path, "model"), value), None

    def _endpoint(self, path: tuple[str, ...], value: Any) -> str | None:
        """A URL, or an object with one."""
        if isinstance(value, dict):
            found = _Fields(cast("dict[str, Any]", value))
            value = found.take(_KNOWN_TO_ENDPOINT)
            self._ignore("agents[].endpoint.", found)
        url = self._text((*path, "endpoint"), value)
        # Whether it may be link-local is for the settings to say.
        wrong = None if url is None else url_mistake(url, allow_link_local=True)
        if url is not None and wrong is None and len(name := endpoint_name(url)) > limits.NAME:
            wrong = f"must be shorter: it names the endpoint, by {limits.NAME} characters at most, and these are {len(name)}"
        if wrong is not None:
            self._inspection.add((*path, "endpoint"), f"endpoint {wrong}")
        return url

    def _text(self, path: tuple[str, ...], value: Any) -> str | None:
        if value is None or value == "":
            return None
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, str):
            self._inspection.add(path, f"{path[-1]} must be a text")
            return None
        return value.strip()

    def _whole(self, path: tuple[str, ...], value: Any) -> int | None:
        number = self._number(path, value)
        if number is None:
            return None
        if number != int(number):
            self._inspection.add(path, f"{path[-1]} must be a whole number")
            return None
        return int(number)

    def _number(self, path: tuple[str, ...], value: Any) -> float | None:
        if value is None or value == "":
            return None
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not math.isfinite(number):
            self._inspection.add(path, f"{path[-1]} must be a number")
            return None
        return number

    def _ignore(self, where: str, found: _Fields) -> None:
        for name in found.left:
            self._reading.ignored.setdefault(f"{where}{name}", self._key)


class _Fields:
    """The fields of an object, under whatever case they come."""

    def __init__(self, value: dict[str, Any]) -> None:
        self.left: dict[str, Any] = dict(value)

    def take(self, names: frozenset[str]) -> Any:
        """Take the first field that has one of the names and a value."""
        taken = None
        for key in [key for key in self.left if _plain(key) in names]:
            if taken is None:
                taken = self.left.pop(key)
        return taken


def _plain(name: str) -> str:
    return name.replace("_", "").replace("-", "").casefold()


def _with_id(key: str, value: Any) -> Any:
    if value is None or isinstance(value, str):
        return {"id": key, "model": value}
    if isinstance(value, dict):
        return {"id": key, **cast("dict[str, Any]", value)}
    return cast("object", value)
