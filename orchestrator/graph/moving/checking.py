"""Looks at a file line by line, before anything of it meets a graph: what it lets through breaks no rule of the doctor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, cast

from orchestrator.domain import limits
from orchestrator.domain.addresses import url_mistake
from orchestrator.domain.councils import (
    DEFAULT_ENDPOINT,
    DEFAULT_KEY_VARIABLE,
    REHEARSAL,
    Decision,
    ProtocolName,
)
from orchestrator.domain.drafts import AgentDraft
from orchestrator.domain.errors import Mistake, RefusedError
from orchestrator.domain.validation import Inspection, Path
from orchestrator.domain.validation_councils import (
    inspect_agent,
    inspect_council,
    inspect_endpoint,
)
from orchestrator.graph.moving import form
from orchestrator.graph.moving.form import Contents, Kind, Line, NotJSONError, Record
from orchestrator.graph.moving.history import inspect_deliberation, inspect_retry
from orchestrator.graph.moving.known import Known, Retry, metadata_of, shown, unknown
from orchestrator.graph.moving.mistakes import MOST_KEPT, NotImportedError, mistake, placed
from orchestrator.graph.moving.shapes import Field, Shape, inspect_shape, objects

_LINKS: Final[dict[Kind, Shape]] = {
    Kind.ROLE: Shape(label="Role", required={}, optional={}),
    Kind.ENDPOINT: Shape(label="Endpoint", required={}, optional={}),
    Kind.REMOVED_ENDPOINT: Shape(label="RemovedEndpoint", required={}, optional={}),
    Kind.MODEL: Shape(label="Model", required={"servedBy": Field.NAMES}, optional={}),
    Kind.COUNCIL: Shape(
        label="Council", required={"serves": Field.NAME, "agents": Field.OBJECTS}, optional={}
    ),
    Kind.AGENT: Shape(
        label="Agent", required={"speaksWith": Field.OBJECT}, optional={"boundTo": Field.NAME}
    ),
    Kind.PROCESS: Shape(label="Process", required={}, optional={}),
}
_SEATED: Final = Shape(
    label="Agent",
    required={"speaksWith": Field.OBJECT, "seat": Field.NUMBER},
    optional={"boundTo": Field.NAME},
)
_SPEAKS_WITH: Final = Shape(required={"model": Field.NAME}, optional={})
_HEADER: Final = ("format", "schema", "contents", "version", "exportedAt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What a sound file says of itself."""

    contents: Contents
    known: Known
    early: tuple[Retry, ...]
    """Retries that come before what they retry."""


def check(lines: Iterable[Line], *, allow_link_local: bool) -> Looked:
    """Look at every line.

    Raises:
        NotImportedError: with every mistake, in the order of the lines; what is wrong with a retry
            that comes before what it retries is known last.
    """
    look = Check(allow_link_local=allow_link_local)
    for line in lines:
        look.look(line)
        if look.stopped:
            break
    return look.close()


class Check:
    """One look at one file, line by line."""

    def __init__(self, *, allow_link_local: bool) -> None:
        """Nothing was looked at yet."""
        self._allow_link_local = allow_link_local
        self.mistakes: list[Mistake] = []
        """So far."""
        self.stopped: bool = False
        """Whether nobody needs to look further."""
        self._place: str | None = None
        self._contents: Contents | None = None
        self._counts: Counter[Kind] = Counter()
        self._known = Known()
        self._last: tuple[Kind, str] | None = None
        self._ended = False
        self._early: list[tuple[str, Retry]] = []
        """Retries of what has not come yet, with their places."""

    def look(self, line: Line) -> None:
        """Look at the next line."""
        first, self._place = self._place is None, line.place
        if first:
            self._header(line)
            self.stopped = self._contents is None
        elif self._ended:
            self._add(line.place, "nothing comes after the end of a file; this was put there")
            self.stopped = True
        else:
            self._line(line)
        self.stopped = self.stopped or len(self.mistakes) >= MOST_KEPT

    def close(self) -> Looked:
        """Say what the file is, after its last line.

        Raises:
            NotImportedError: with every mistake.
        """
        if self._place is None:
            self._add("line 1", "the file is empty; its first line is a header")
        elif not self.stopped and not self._ended:
            self._add(
                self._place,
                "the file was cut off after this line: its last line tells the end, and how many of each kind there are",
            )
        if self._ended:
            self._retries()
        if self.mistakes or self._contents is None:
            raise NotImportedError(*self.mistakes)
        return Looked(
            contents=self._contents,
            known=self._known,
            early=tuple(retry for _, retry in self._early),
        )

    def _retries(self) -> None:
        for place, retry in self._early:
            inspection = Inspection()
            inspect_retry(inspection, retry, self._known)
            self._close(place, inspection)

    def _add(self, place: str, message: str, *path: str) -> None:
        self.mistakes.append(mistake(place, message, *path))

    def _header(self, line: Line) -> None:
        try:
            record = form.decode(line.text)
        except NotJSONError as error:
            self._add(line.place, f"this is no file of `council export`: it {error}")
            return
        if record.get("kind") != form.HEADER or record.get("format") != form.FORMAT:
            self._add(
                line.place,
                'this is no file of `council export`, which begins with {"kind":"header","format":"graph-council"',
            )
            return
        if record.get("schema") != form.SCHEMA:
            self._add(
                line.place,
                f"this version reads schema {form.SCHEMA}, and this is {shown(record.get('schema'))}; import it with the version that wrote it, {shown(record.get('version'))}",
                "schema",
            )
            return
        for key in record:
            if key != "kind" and key not in _HEADER:
                self._add(line.place, f"there is no field {key[:50]!r} here", key)
        contents = record.get("contents")
        if not isinstance(contents, str) or contents not in set(Contents):
            known = ", ".join(Contents)
            self._add(line.place, f"contents must be one of {known}", "contents")
            return
        self._contents = Contents(contents)

    def _line(self, line: Line) -> None:
        try:
            record = form.decode(line.text)
        except NotJSONError as error:
            self._add(line.place, f"the line {error}")
            return
        named = record.pop("kind", None)
        if named == form.END:
            self._end(line.place, record)
            return
        if not isinstance(named, str) or named not in set(Kind):
            known = ", ".join((*Kind, form.END))
            self._add(line.place, f"kind must be one of {known}", "kind")
            return
        kind = Kind(named)
        self._counts[kind] += 1
        inspection = Inspection()
        if kind is Kind.DELIBERATION:
            early = inspect_deliberation(inspection, record, self._known)
            if early is not None:
                self._early.append((line.place, early))
        elif inspect_shape(inspection, (), record, _LINKS[kind]):
            self._meaning(inspection, kind, record)
        else:
            self._known.remember(record)
        self._order(inspection, kind, record)
        self._close(line.place, inspection)

    def _close(self, place: str, inspection: Inspection) -> None:
        try:
            inspection.close()
        except RefusedError as refused:
            self.mistakes += placed(place, refused.mistakes)

    def _end(self, place: str, record: Record) -> None:
        self._ended = True
        told = record.get("counts")
        if not isinstance(told, dict):
            self._add(place, "counts must be an object", "counts")
            return
        counts = cast("dict[str, Any]", told)
        for key, count in counts.items():
            if key not in set(Kind):
                self._add(place, f"there is no kind {key[:50]!r}", "counts", key)
            elif count != self._counts[Kind(key)]:
                self._add(
                    place,
                    f"the file should have {shown(count)} lines of this kind, and has {self._counts[Kind(key)]}",
                    "counts",
                    key,
                )
        for kind, count in self._counts.items():
            if kind.value not in counts:
                self._add(
                    place, f"the end tells of no {kind}, and there are {count}", "counts", kind
                )

    def _order(self, inspection: Inspection, kind: Kind, record: Record) -> None:
        """Each kind in its place, each id once, and in order: a page of a graph is read from an id onwards."""
        identifier = record.get("id")
        if not isinstance(identifier, str):
            return
        if self._last is not None:
            before, last = self._last
            if form.place_of(kind) < form.place_of(before):
                inspection.add(("kind",), f"a {kind} comes before every {before}")
            elif kind is before and identifier <= last:
                inspection.add(
                    ("id",), f"the lines of a kind are in order of id, each once; before is {last}"
                )
        if kind in {Kind.PROCESS, Kind.DELIBERATION} and self._contents is not Contents.EVERYTHING:
            inspection.add(("kind",), f"a file of {self._contents} has no {kind}")
        self._last = (kind, identifier)

    def _meaning(self, inspection: Inspection, kind: Kind, record: Record) -> None:
        match kind:
            case Kind.ROLE:
                self._role(inspection, record)
            case Kind.ENDPOINT:
                self._endpoint(inspection, record)
            case Kind.REMOVED_ENDPOINT:
                self._removed_endpoint(inspection, record)
            case Kind.MODEL:
                self._model(inspection, record)
            case Kind.COUNCIL:
                self._council(inspection, record)
            case Kind.AGENT:
                self._retired(inspection, record)
            case Kind.PROCESS:
                self._known.processes.add(record["id"])
            case Kind.DELIBERATION:
                pass

    def _role(self, inspection: Inspection, record: Record) -> None:
        inspection.name(("name",), record["name"], limits.ROLE_NAME)
        inspection.optional_text(
            ("description",), record.get("description"), limits.ROLE_DESCRIPTION
        )
        self._once(inspection, "role", record)
        _unique(inspection, ("name",), record["name"], self._known.roles)
        self._known.roles[record["name"]] = record["id"]

    def _endpoint(self, inspection: Inspection, record: Record) -> None:
        self._address(inspection, record, default=record["name"] == DEFAULT_ENDPOINT)
        self._once(inspection, "endpoint", record)
        _unique(inspection, ("name",), record["name"], self._known.endpoints)
        self._known.endpoints[record["name"]] = record["id"]

    def _removed_endpoint(self, inspection: Inspection, record: Record) -> None:
        self._address(inspection, record, default=False)
        self._once(inspection, "endpoint", record)
        if record["id"] in self._known.endpoints.values():
            inspection.add(("id",), "an endpoint that was not removed has this id")
        self._known.removed_endpoints.add(record["id"])

    def _address(self, inspection: Inspection, record: Record, *, default: bool) -> None:
        variable = record.get("apiKeyVariable")
        if not default:
            inspect_endpoint(
                inspection,
                name=record["name"],
                url=record["url"],
                api_key_variable=variable,
                allow_link_local=self._allow_link_local,
            )
            return
        if wrong := url_mistake(record["url"], allow_link_local=self._allow_link_local):
            inspection.add(("url",), f"url {wrong}")
        if variable not in {None, DEFAULT_KEY_VARIABLE}:
            inspection.add(
                ("apiKeyVariable",),
                f"the key of the endpoint {DEFAULT_ENDPOINT} is in {DEFAULT_KEY_VARIABLE}",
            )

    def _model(self, inspection: Inspection, record: Record) -> None:
        name, rehearsal = record["name"], record["rehearsal"]
        inspection.name(("name",), name)
        if rehearsal != (name == REHEARSAL):
            inspection.add(
                ("rehearsal",), f"the model {REHEARSAL}, and no other, is a rehearsal model"
            )
        if rehearsal and record["servedBy"]:
            inspection.add(("servedBy",), "no endpoint serves the rehearsal model")
        for place, served in enumerate(record["servedBy"]):
            if self._known.lacks(self._known.endpoints, served):
                inspection.add(("servedBy", str(place)), unknown("endpoint", served))
        if record.get("isDefault"):
            if rehearsal or self._known.default_model is not None:
                inspection.add(
                    ("isDefault",), "one model is the default one, and never the rehearsal model"
                )
            else:
                self._known.default_model = name
        elif "isDefault" in record:
            inspection.add(("isDefault",), "isDefault is true, or left out")
        self._once(inspection, "model", record)
        _unique(inspection, ("name",), name, self._known.models)
        self._known.models[name] = rehearsal

    def _council(self, inspection: Inspection, record: Record) -> None:
        drafts: list[AgentDraft] = []
        for index, agent in enumerate(objects(record, "agents")):
            path = ("agents", str(index))
            if not inspect_shape(inspection, path, agent, _SEATED):
                continue
            if agent["seat"] != index + 1:
                inspection.add((*path, "seat"), f"seats count from 1: this is seat {index + 1}")
            if agent.get("retired"):
                inspection.add((*path, "retired"), "a retired agent sits on no council")
            drafts.append(self._agent(inspection, path, agent))
        if len(drafts) == len(record["agents"]):
            inspect_council(
                inspection,
                role=record["serves"],
                name=record["name"],
                agents=drafts,
                seats=None,
                protocol=ProtocolName.PEER_REVIEW,
                rounds=record["rounds"],
                quorum=record["quorum"],
                decision=Decision.BALLOTS,
            )
        if self._known.lacks(self._known.roles, record["serves"]):
            inspection.add(("serves",), unknown("role", record["serves"]))
        self._service(inspection, record)
        if record["version"] < 1:
            inspection.add(("version",), "versions count from 1")
        self._once(inspection, "council", record)
        self._known.councils[record["id"]] = (record["serves"], record["version"])

    def _service(self, inspection: Inspection, record: Record) -> None:
        """A council serves its role until it is archived, and no other does."""
        if ("servesRole" in record) == ("archivedAt" in record):
            inspection.add(("servesRole",), "a council either serves its role or is archived")
        if "servesRole" not in record:
            return
        if record["servesRole"] != record["serves"]:
            inspection.add(("servesRole",), "servesRole is the role that it serves")
        other = self._known.serving.setdefault(record["servesRole"], record["id"])
        if other != record["id"]:
            inspection.add(("servesRole",), f"{other} serves this role; all others are archived")

    def _retired(self, inspection: Inspection, record: Record) -> None:
        if not record.get("retired"):
            inspection.add(("retired",), "an agent who sits on no council is retired")
        self._agent(inspection, (), record)

    def _agent(self, inspection: Inspection, path: Path, agent: Record) -> AgentDraft:
        """Look at an agent as createCouncil would, and at what the graph has besides."""
        speaks = dict(agent["speaksWith"])
        model: str | None = None
        default = speaks.pop("default", False)
        if not isinstance(default, bool):
            inspection.add((*path, "speaksWith", "default"), "default must be true or false")
        elif inspect_shape(inspection, (*path, "speaksWith"), speaks, _SPEAKS_WITH):
            model = named = str(speaks["model"])
            if self._known.lacks(self._known.models, named):
                inspection.add((*path, "speaksWith", "model"), unknown("model", model))
            elif model == REHEARSAL:
                inspection.add(
                    (*path, "speaksWith", "model"), "the rehearsal model is nobody's choice"
                )
                # Not once more, as of an agent of the API: its model stands elsewhere.
                model = None
            elif default and model != self._known.default_model and model not in self._known.broken:
                inspection.add(
                    (*path, "speaksWith", "default"), "the file has another default model"
                )
        bound = agent.get("boundTo")
        if bound is not None and self._known.lacks(self._known.endpoints, bound):
            inspection.add((*path, "boundTo"), unknown("endpoint", bound))
        metadata, readable = metadata_of(agent.get("metadata"))
        if not readable:
            inspection.add((*path, "metadata"), "metadata must be JSON text, and is not")
        self._once(inspection, "agent", agent, path)
        if agent["name"] in self._known.agent_names:
            inspection.add((*path, "name"), "an agent before has this name")
        self._known.agent_names.add(agent["name"])
        self._known.agents.add(agent["id"])
        return inspect_agent(
            inspection,
            path,
            name=agent["name"],
            persona=agent.get("persona"),
            temperature=agent["temperature"],
            max_tokens=agent["maxTokens"],
            model=model,
            endpoint=bound,
            metadata=metadata,
        )

    def _once(self, inspection: Inspection, area: str, record: Record, path: Path = ()) -> None:
        """Ids and idempotency keys are of one thing each."""
        for key in ("id", "idempotencyKey"):
            if key in record:
                self._known.once(inspection, (*path, key), area, record[key])


def _unique(inspection: Inspection, path: Path, value: str, known: dict[str, Any]) -> None:
    if value in known:
        inspection.add(path, "this name came before in the file")
