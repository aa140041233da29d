"""What the graph holds, read by a connection of the test's own, and what must never be so."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from neo4j import AsyncDriver

from tests.support.model_log import ModelLog
from tests.support.neo4j import statement
from tests.support.waiting import eventually


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnSeen:
    """A turn, as it is in the graph."""

    deliberation: str
    id: str
    sequence: int
    kind: str
    round: int
    seat: int
    outcome: str
    content: str | None
    absence: str | None
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimSeen:
    """A claim, as it is in the graph."""

    sequence: int
    epoch: int
    resumed: bool
    process: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliberationSeen:
    """A deliberation, as it is in the graph."""

    id: str
    status: str
    holder: str | None
    stop_reason: str | None
    failure: str | None
    sequence: int
    resumptions: int
    key: str | None
    claims: tuple[ClaimSeen, ...]
    verdicts: int
    winners: int
    tasks: int

    @property
    def ended(self) -> bool:
        """Whether nothing more is to come."""
        return self.status in {"DECIDED", "FAILED", "CANCELLED"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All deliberations and all turns."""

    deliberations: tuple[DeliberationSeen, ...]
    turns: tuple[TurnSeen, ...]

    def of(self, deliberation: str) -> list[TurnSeen]:
        """Return its turns in their order."""
        return [turn for turn in self.turns if turn.deliberation == deliberation]

    def without(self, deliberations: Collection[str]) -> Evidence:
        """Leave these out, with their turns."""
        return Evidence(
            deliberations=tuple(one for one in self.deliberations if one.id not in deliberations),
            turns=tuple(turn for turn in self.turns if turn.deliberation not in deliberations),
        )

    def deliberation(self, id_: str) -> DeliberationSeen:
        """Return the one; StopIteration where it is lost."""
        return next(one for one in self.deliberations if one.id == id_)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """What had been recorded when a process was killed, and where the model's log ended."""

    point: str
    recorded: frozenset[str]
    place: int
    under_way: int = 0
    """Deliberations that had turns and no end."""


async def gather(driver: AsyncDriver, database: str) -> Evidence:
    """Read it all, turns last: of what has ended, all are there."""
    rows, _, _ = await driver.execute_query(statement("list_deliberations"), database_=database)
    turns, _, _ = await driver.execute_query(statement("list_turns"), database_=database)
    return Evidence(
        turns=tuple(TurnSeen(**turn) for turn in turns),
        deliberations=tuple(
            DeliberationSeen(
                id=row["id"],
                status=row["status"],
                holder=row["holder"],
                stop_reason=row["stopReason"],
                failure=row["failure"],
                sequence=row["sequence"],
                resumptions=row["resumptions"],
                key=row["key"],
                claims=tuple(
                    ClaimSeen(sequence=sequence, epoch=epoch, resumed=resumed, process=process)
                    for sequence, epoch, resumed, process in sorted(row["claims"])
                ),
                verdicts=row["verdicts"],
                winners=row["winners"],
                tasks=row["tasks"],
            )
            for row in rows
        ),
    )


async def quiet(driver: AsyncDriver, database: str) -> None:
    """Wait until no transaction but our own is under way: what a dead client had sent is done or undone."""

    async def count() -> int:
        found = await driver.execute_query(statement("count_transactions"), database_=database)
        return found.records[0]["count"]

    await eventually(count, lambda count: count <= 1)


async def ended(
    driver: AsyncDriver, database: str, deliberations: Collection[str], seconds: float = 30.0
) -> Evidence:
    """Wait until all of these have ended, and return what is there then.

    Neo4j shows a commit piece by piece, so an end is believed once two looks at it agree.
    """
    before: list[DeliberationSeen] = []

    def holds(seen: Evidence) -> bool:
        nonlocal before
        over = [one for one in seen.deliberations if one.id in deliberations and one.ended]
        settled, before = over == before, over
        return settled and set(deliberations) <= {one.id for one in over}

    return await eventually(lambda: gather(driver, database), holds, seconds)


def faults(
    seen: Evidence,
    *,
    accepted: Iterable[str],
    absent: Collection[str] = (),
    turns: int = 12,
    log: ModelLog | None = None,
    crashes: Iterable[Crash] = (),
) -> list[str]:
    """Say all that is wrong: lost, double, out of order, undecided, absent where it is not to be, or asked again after it was recorded."""
    found = [
        f"{lost} was accepted and is not there"
        for lost in set(accepted) - {one.id for one in seen.deliberations}
    ]
    taken: dict[str, list[TurnSeen]] = defaultdict(list)
    for turn in seen.turns:
        taken[turn.deliberation].append(turn)
    for deliberation in seen.deliberations:
        found += _faults_of(deliberation, taken[deliberation.id], turns, absent)
    ids = Counter(turn.id for turn in seen.turns)
    found += [f"{id_} is there {times} times" for id_, times in ids.items() if times > 1]
    if log is not None:
        for crash in crashes:
            again = set(log.begun(since=crash.place)) & crash.recorded
            found += [f"{id_} was asked again after {crash.point}" for id_ in sorted(again)]
        answered = log.answered()
        found += [
            f"{turn.id} was recorded and never answered"
            for turn in seen.turns
            if turn.outcome == "TAKEN" and not answered[turn.id]
        ]
    return found


def _faults_of(
    deliberation: DeliberationSeen, taken: list[TurnSeen], turns: int, absent: Collection[str]
) -> list[str]:
    name = deliberation.id
    found: list[str] = []
    if (deliberation.status, deliberation.stop_reason) != ("DECIDED", "COMPLETED"):
        found.append(
            f"{name} is {deliberation.status}, {deliberation.stop_reason}: {deliberation.failure}"
        )
    if deliberation.holder is not None:
        found.append(f"{name} is held by {deliberation.holder}")
    once = (deliberation.verdicts, deliberation.winners, deliberation.tasks)
    if once != (1, 1, 1):
        found.append(f"{name} has {once} verdicts, winners and tasks")
    if len(taken) != turns:
        found.append(f"{name} has {len(taken)} turns, not {turns}")
    found += [
        f"{turn.id} is {turn.outcome}: {turn.absence}"
        for turn in taken
        if turn.outcome != ("ABSENT" if turn.id in absent else "TAKEN")
    ]
    places = Counter((turn.kind, turn.round, turn.seat) for turn in taken)
    found += [f"{name} has {place} {times} times" for place, times in places.items() if times > 1]
    sequences = [turn.sequence for turn in taken]
    sequences += [claim.sequence for claim in deliberation.claims]
    sequences.append(deliberation.sequence)
    if sorted(sequences) != list(range(1, len(sequences) + 1)):
        found.append(f"{name} has the sequences {sorted(sequences)}")
    if max(sequences) != deliberation.sequence:
        found.append(f"{name} ended at {deliberation.sequence} before {max(sequences)}")
    epochs = [claim.epoch for claim in deliberation.claims]
    if epochs != list(range(1, len(epochs) + 1)):
        found.append(f"{name} was claimed with the epochs {epochs}")
    return found
