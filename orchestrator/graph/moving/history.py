"""Looks at a deliberation in a file: whole in itself, and about what came before it. Pure: no I/O."""

from __future__ import annotations

from typing import Final

from orchestrator.domain import limits
from orchestrator.domain.deliberations import Status, TurnKind, TurnOutcome
from orchestrator.domain.ids import Prefix, body, turn_named, verdict_id, with_prefix
from orchestrator.domain.validation import Inspection, Path
from orchestrator.domain.validation_deliberations import (
    inspect_rounds,
    inspect_task,
    inspect_token_budget,
)
from orchestrator.graph.moving.form import Record, encode
from orchestrator.graph.moving.known import Known, Retry, metadata_of, shown, unknown
from orchestrator.graph.moving.shapes import Field, Shape, inspect_shape, objects

_DELIBERATION: Final = Shape(
    label="Deliberation",
    required={
        "about": Field.OBJECT,
        "seats": Field.OBJECTS,
        "turns": Field.OBJECTS,
        "claims": Field.OBJECTS,
    },
    optional={"verdict": Field.OBJECT, "retries": Field.NAME},
)
_TASK: Final = Shape(label="Task", required={}, optional={})
_SEAT: Final = Shape(
    label="Seat",
    required={"of": Field.NAME, "speaksWith": Field.NAME},
    optional={"boundTo": Field.NAME, "boundToRemoved": Field.NAME},
)
_TURN: Final = Shape(
    label="Turn",
    required={},
    optional={
        "critiques": Field.NAME,
        "revises": Field.NAME,
        "answers": Field.NAMES,
        "ranks": Field.NAMES,
    },
)
_CLAIM: Final = Shape(label="Claim", required={"by": Field.NAME}, optional={})
_VERDICT: Final = Shape(label="Verdict", required={"ranked": Field.OBJECTS}, optional={})
_RANKED: Final = Shape(
    required={
        "rank": Field.NUMBER,
        "proposal": Field.NAME,
        "score": Field.FRACTION,
        "votes": Field.NUMBER,
    },
    optional={},
)
_USAGE: Final = ("promptTokens", "cachedPromptTokens", "completionTokens", "calls")

PROPOSALS: Final = frozenset({TurnKind.PROPOSAL, TurnKind.REVISION})
"""Kinds of turns that are a Proposal."""


def inspect_deliberation(inspection: Inspection, record: Record, known: Known) -> Retry | None:
    """Keep every mistake; where the shape is wrong, only those of the shape.

    Returns a retry of what has not come yet, to be looked at after the last line: ids have the
    times of the clocks of two processes, so that a retry may come before what it retries.
    """
    before = inspection.found
    if not inspect_shape(inspection, (), record, _DELIBERATION):
        known.remember(record)
        return None
    inspect_shape(inspection, ("about",), record["about"], _TASK)
    for key, shape in (("seats", _SEAT), ("turns", _TURN), ("claims", _CLAIM)):
        for index, item in enumerate(objects(record, key)):
            inspect_shape(inspection, (key, str(index)), item, shape)
    if "verdict" in record and inspect_shape(inspection, ("verdict",), record["verdict"], _VERDICT):
        for index, item in enumerate(objects(record["verdict"], "ranked")):
            inspect_shape(inspection, ("verdict", "ranked", str(index)), item, _RANKED)
    if inspection.found != before:
        known.remember(record)
        return None
    one = _Deliberation(inspection, record, known)
    one.look()
    return one.later


def inspect_retry(inspection: Inspection, retry: Retry, known: Known) -> None:
    """Look at a retry when what it retries has been seen, or never will be."""
    same = known.is_about(retry.of, retry.task)
    if same is None:
        if known.lacks((), retry.of):
            inspection.add(("retries",), f"the file has no deliberation {shown(retry.of)}")
    elif not same:
        inspection.add(("retries",), "a retry is about the task of what it retries")
    elif not known.is_undecided(retry.of):
        inspection.add(("retries",), "a retry is of one that failed or was cancelled")
    elif known.retries_itself(retry.id):
        inspection.add(("retries",), "what it retries is, in the end, a retry of itself")


class _Deliberation:
    """One deliberation whose fields are what they should be."""

    def __init__(self, inspection: Inspection, record: Record, known: Known) -> None:
        self._inspection = inspection
        self._record = record
        self._known = known
        self._turns = {turn["id"]: turn for turn in objects(record, "turns")}
        self._ended = Status(record["status"]).ended
        self.later: Retry | None = None
        """Its retry, where what it retries has not come yet."""

    def look(self) -> None:
        self._keys()
        self._task()
        self._end()
        self._seats()
        self._claims()
        for index, turn in enumerate(objects(self._record, "turns")):
            self._turn(("turns", str(index)), turn)
        self._counts()
        self._verdict()
        self._pruned()

    def _say(self, message: str, *path: str) -> None:
        self._inspection.add(path, message)

    def _keys(self) -> None:
        record = self._record
        role, version = self._known.councils.get(record["councilId"], (None, 0))
        if role is None:
            if self._known.lacks((), record["councilId"]):
                self._say(unknown("council", record["councilId"]), "councilId")
        elif role != record["role"]:
            self._say(f"its council is for {role}", "role")
        elif not 1 <= record["councilVersion"] <= version:
            self._say(f"its council has had the versions 1 to {version}", "councilVersion")
        inspect_rounds(self._inspection, record["rounds"])
        self._retries()
        for key in ("id", "idempotencyKey"):
            if key in record:
                self._known.once(self._inspection, (key,), "deliberation", record[key])

    def _retries(self) -> None:
        identifier, task = self._record["id"], self._record["about"]["id"]
        if "retries" in self._record:
            retry = Retry(id=identifier, of=self._record["retries"], task=task)
            self._known.retried(retry)
            if self._known.is_about(retry.of, task) is None:
                self.later = retry
            else:
                inspect_retry(self._inspection, retry, self._known)
        if self._record["status"] in {"FAILED", "CANCELLED"}:
            self._known.undecided(identifier)
        self._known.deliberated(identifier, task)

    def _task(self) -> None:
        task: Record = self._record["about"]
        metadata, readable = metadata_of(task.get("metadata"))
        if not readable:
            self._say("metadata must be JSON text, and is not", "about", "metadata")
        inspect_task(
            self._inspection,
            ("about",),
            id=task["id"],
            description=task["description"],
            context=task.get("context"),
            rubric=task.get("rubric"),
            requirements=task["requirements"],
            external_id=task.get("externalId"),
            metadata=metadata,
        )
        if task.get("externalId") != self._record.get("externalId"):
            self._say("externalId is the one of its task", "externalId")
        self._known.once(
            self._inspection, ("about", "id"), "task", task["id"], content=encode(task)
        )

    def _end(self) -> None:
        record = self._record
        for key in ("finishedAt", "stopReason"):
            if (key in record) != self._ended:
                self._say(f"{key} is there where, and only where, it has ended", key)
        if record["status"] == Status.FAILED and "failure" not in record:
            self._say("a deliberation that has failed says why", "failure")
        if ("startedAt" in record) != bool(record["claims"]):
            self._say("startedAt is there once, and only once, it was claimed", "startedAt")

    def _seats(self) -> None:
        seats = objects(self._record, "seats")
        if not 1 <= len(seats) <= limits.SEATS:
            self._say(f"a deliberation has from 1 to {limits.SEATS} seats", "seats")
        if not 1 <= self._record["quorum"] <= max(len(seats), 1):
            self._say(f"quorum must be from 1 to the {len(seats)} seats", "quorum")
        for index, seat in enumerate(seats):
            path = ("seats", str(index))
            self._seat(path, index + 1, seat)
        rehearses = any(self._known.models.get(seat["speaksWith"], False) for seat in seats)
        if self._record["rehearsal"] != rehearses:
            self._say("rehearsal says whether a seat speaks with a rehearsal model", "rehearsal")

    def _seat(self, path: Path, number: int, seat: Record) -> None:
        if seat["number"] != number:
            self._say(f"seats count from 1: this is seat {number}", *path, "number")
        if self._known.lacks(self._known.agents, seat["of"]):
            self._say(unknown("agent", seat["of"]), *path, "of")
        if self._known.lacks(self._known.models, seat["speaksWith"]):
            self._say(unknown("model", seat["speaksWith"]), *path, "speaksWith")
        bound, removed = seat.get("boundTo"), seat.get("boundToRemoved")
        if bound is not None and self._known.lacks(self._known.endpoints, bound):
            self._say(unknown("endpoint", bound), *path, "boundTo")
        if removed is not None and self._known.lacks(self._known.removed_endpoints, removed):
            self._say(unknown("removed endpoint", removed), *path, "boundToRemoved")
        if bound is not None and removed is not None:
            self._say("a seat is bound to one endpoint at most", *path, "boundToRemoved")

    def _claims(self) -> None:
        record, claims = self._record, objects(self._record, "claims")
        for index, claim in enumerate(claims):
            path = ("claims", str(index))
            if claim["epoch"] != index + 1:
                self._say(f"epochs count from 1: this is {index + 1}", *path, "epoch")
            named = with_prefix(Prefix.CLAIM, f"{body(record['id'])}-{claim['epoch']}")
            if claim["id"] != named:
                self._say(f"the id of this claim is {named}", *path, "id")
            if self._known.lacks(self._known.processes, claim["by"]):
                self._say(unknown("process", claim["by"]), *path, "by")
        last = len(claims) + (record["status"] == Status.CANCELLED)
        if record["epoch"] != last:
            self._say(
                f"epoch is that of the last claim, and one more after a cancel: {last}", "epoch"
            )
        resumed = sum(claim["resumed"] for claim in claims)
        if record["resumptions"] != resumed:
            self._say(f"resumptions counts the claims that resumed it: {resumed}", "resumptions")
        if record["status"] == Status.QUEUED and claims:
            self._say("a deliberation that was claimed is not queued any more", "status")
        if self._turns and not claims:
            self._say("what was never claimed has no turns", "turns")
        if record["status"] == Status.RUNNING and not claims:
            self._say("a deliberation that runs was claimed", "status")

    def _turn(self, path: Path, turn: Record) -> None:
        named = turn_named(turn["id"])
        if named is None or named[0] != self._record["id"]:
            self._say("this is no id of a turn of this deliberation", *path, "id")
        else:
            key = named[1]
            told = (turn["kind"], turn["round"], turn["seat"], turn["sample"])
            if told != (key.kind, key.round, key.seat, key.sample):
                self._say("kind, round, seat and sample are not those of its id", *path, "id")
        if turn["seat"] > len(self._record["seats"]) or turn["seat"] < 1:
            self._say(f"there is no seat {turn['seat']}", *path, "seat")
        taken = turn["outcome"] == TurnOutcome.TAKEN
        if taken == ("absence" in turn):
            self._say("absence is there where, and only where, it is ABSENT", *path, "absence")
        self._critique(path, turn, taken=taken)
        self._revision(path, turn, taken=taken)
        self._ballot(path, turn, taken=taken)

    def _critique(self, path: Path, turn: Record, *, taken: bool) -> None:
        if "critiques" in turn and turn["kind"] != TurnKind.CRITIQUE:
            self._say("only a critique criticises", *path, "critiques")
        elif "critiques" in turn:
            self._proposal((*path, "critiques"), turn["critiques"], of_seat=None, but=turn)
        elif taken and turn["kind"] == TurnKind.CRITIQUE:
            self._say("a critique criticises a proposal", *path, "critiques")

    def _revision(self, path: Path, turn: Record, *, taken: bool) -> None:
        revises = turn.get("revises")
        if turn["kind"] != TurnKind.REVISION:
            for key in ("revises", "answers"):
                if key in turn:
                    self._say(f"only a revision {key}", *path, key)
            return
        if revises is not None:
            self._proposal((*path, "revises"), revises, of_seat=turn["seat"], but=None)
        elif taken:
            self._say("a revision revises a proposal", *path, "revises")
        answers: list[str] = turn.get("answers", [])
        for index, answered in enumerate(answers):
            critique = self._turns.get(answered)
            if revises is None or critique is None or critique.get("critiques") != revises:
                self._say(
                    "a revision answers critiques of what it revises", *path, "answers", str(index)
                )
        if len(set(answers)) != len(answers):
            self._say("a critique is answered once", *path, "answers")

    def _ballot(self, path: Path, turn: Record, *, taken: bool) -> None:
        ranks: list[str] = turn.get("ranks", [])
        if turn["kind"] != TurnKind.BALLOT:
            if ranks:
                self._say("only a ballot ranks", *path, "ranks")
        elif taken != bool(ranks):
            self._say("a ballot ranks where, and only where, it is TAKEN", *path, "ranks")
        if len(set(ranks)) != len(ranks):
            self._say("a ballot ranks a proposal once", *path, "ranks")
        for index, ranked in enumerate(ranks):
            self._proposal((*path, "ranks", str(index)), ranked, of_seat=None, but=turn)

    def _proposal(
        self, path: Path, named: str, *, of_seat: int | None, but: Record | None
    ) -> Record | None:
        """Find a proposal of this deliberation: of one seat, or of any but that of a turn."""
        found = self._turns.get(named)
        if found is None or found["kind"] not in PROPOSALS:
            self._say(f"{named[:50]!r} is no proposal of this deliberation", *path)
            return None
        if of_seat is not None and found["seat"] != of_seat:
            self._say("this is the proposal of another seat", *path)
        if but is not None and found["seat"] == but["seat"]:
            self._say("this is the seat's own proposal", *path)
        return found

    def _counts(self) -> None:
        record, turns = self._record, objects(self._record, "turns")
        for key in _USAGE:
            spent = sum(turn[key] for turn in turns)
            if record[key] != spent:
                self._say(f"{key} is the sum of the turns': {spent}", key)
        events = [one["sequence"] for one in (*turns, *objects(record, "claims"))]
        if self._ended:
            events.append(record["sequence"])
        self._budget()
        if sorted(events) != list(range(1, len(events) + 1)) or record["sequence"] != len(events):
            self._say(
                "turns, claims and the end have the numbers from 1, each once, and sequence is the last",
                "sequence",
            )
        if len(self._turns) != len(turns):
            self._say("two turns have one id", "turns")

    def _budget(self) -> None:
        record = self._record
        inspect_token_budget(self._inspection, record.get("tokenBudget"))
        counts = ("tokensReserved", "tokensSettled")
        for key in counts:
            if (key in record) != ("tokenBudget" in record):
                self._say(f"{key} is there where, and only where, there is a tokenBudget", key)
        if record.get("tokensSettled", 0) > record.get("tokensReserved", 0):
            self._say("no more is settled than was reserved", "tokensSettled")

    def _verdict(self) -> None:
        record = self._record
        if ("verdict" in record) != (record["status"] == Status.DECIDED):
            self._say("a verdict is there where, and only where, it is DECIDED", "verdict")
        if "verdict" not in record:
            return
        verdict: Record = record["verdict"]
        if verdict["id"] != verdict_id(record["id"]):
            self._say(f"the id of its verdict is {verdict_id(record['id'])}", "verdict", "id")
        ranked = objects(verdict, "ranked")
        if not ranked:
            self._say("a verdict ranks a proposal at least", "verdict", "ranked")
        seats: set[int] = set()
        for index, place in enumerate(ranked):
            path = ("verdict", "ranked", str(index))
            if place["rank"] != index + 1:
                self._say(f"ranks count from 1: this is {index + 1}", *path, "rank")
            if index and place["score"] > ranked[index - 1]["score"]:
                self._say("scores fall", *path, "score")
            found = self._proposal((*path, "proposal"), place["proposal"], of_seat=None, but=None)
            if found is not None and found["seat"] in seats:
                self._say("one proposal of a seat is ranked", *path, "proposal")
            if found is not None:
                seats.add(found["seat"])

    def _pruned(self) -> None:
        """Turns have their contents, but for those that were emptied long after the end."""
        record = self._record
        pruned = "prunedAt" in record
        ended_at: str | None = record.get("finishedAt")
        if pruned and (ended_at is None or not _later(record["prunedAt"], ended_at)):
            self._say("a deliberation is pruned after it has ended", "prunedAt")
        if record.get("pruning") and not pruned:
            self._say("a pruning that began says when", "pruning")
        verdict: Record = record.get("verdict", {})
        winners = {place["proposal"] for place in objects(verdict, "ranked")[:1]}
        for index, turn in enumerate(objects(record, "turns")):
            kept = not pruned or turn["id"] in winners
            taken = turn["outcome"] == TurnOutcome.TAKEN
            if taken and kept and "content" not in turn:
                self._say("a turn that was taken has its content", "turns", str(index), "content")
            for key in ("content", "reasoning"):
                if key in turn and not kept and not record.get("pruning"):
                    self._say(f"{key} was pruned", "turns", str(index), key)


def _later(one: str, other: str) -> bool:
    """Compare instants as a file has them, however many digits their seconds have."""
    first, second = (text.removesuffix("Z").partition(".") for text in (one, other))
    return (first[0], first[2].ljust(9, "0")) >= (second[0], second[2].ljust(9, "0"))
