"""The councils that a graph begins with, once in its life, and the defaults that the settings name at each start."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Annotated, Any

import yaml
from neo4j import Record
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from orchestrator.domain import limits
from orchestrator.domain.councils import DEFAULT_KEY_VARIABLE, FIRST_MODEL
from orchestrator.domain.drafts import AgentDraft, CouncilDraft
from orchestrator.domain.errors import RefusedError, WrongSettingError
from orchestrator.domain.ids import Prefix
from orchestrator.domain.places import located, place
from orchestrator.domain.validation import Inspection, Path
from orchestrator.domain.validation_councils import inspect_agent, inspect_council
from orchestrator.graph.changes import new_id
from orchestrator.graph.council_changes import create_council, create_role
from orchestrator.graph.driver import Graph, Transaction
from orchestrator.graph.migrations import locked
from orchestrator.graph.seating import lock_role

NONE = "none"
"""The value of COUNCIL_SEED that asks for no councils."""

_LOOKS = 3
"""How often it is looked for agents that came by a former default model meanwhile; who comes later follows at the next start."""


class InvalidSeedError(WrongSettingError):
    """The file of councils cannot be used."""

    def __init__(self, file: str, reasons: tuple[str, ...]) -> None:
        """`reasons` name the field, such as `councils.0.agents.2.temperature: …`."""
        self.file: str = file
        self.reasons: tuple[str, ...] = reasons
        super().__init__(f"COUNCIL_SEED: {file}: {'; '.join(reasons)}")


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class AgentSeed(_Strict):
    """An agent; what is left out becomes a default."""

    name: str | None = None
    persona: str | None = None
    temperature: float | None = None
    max_tokens: Annotated[int | None, Field(alias="maxTokens")] = None
    model: str | None = None
    metadata: dict[str, Any] | None = None

    def draft(self, inspection: Inspection, path: Path) -> AgentDraft:
        """Make what a caller would have sent, looked at as if he had."""
        return inspect_agent(
            inspection,
            path,
            name=self.name,
            persona=self.persona,
            temperature=self.temperature,
            max_tokens=self.max_tokens,
            model=self.model,
            endpoint=None,
            metadata=self.metadata,
        )


class CouncilSeed(_Strict):
    """A council and the role that it serves."""

    role: str
    description: str | None = None
    """Of the role."""
    name: str | None = None
    rounds: int | None = None
    quorum: int | None = None
    agents: list[AgentSeed]

    def draft(self) -> CouncilDraft:
        """Make what a caller would have sent.

        Raises:
            RefusedError: as he would have been told.
        """
        inspection = Inspection()
        inspection.optional_text(("description",), self.description, limits.ROLE_DESCRIPTION)
        draft = inspect_council(
            inspection,
            role=self.role,
            name=self.name,
            agents=[
                agent.draft(inspection, ("agents", str(place)))
                for place, agent in enumerate(self.agents)
            ],
            seats=None,
            protocol=None,
            rounds=self.rounds,
            quorum=self.quorum,
            decision=None,
        )
        inspection.close()
        return draft


class Seed(_Strict):
    """A file of councils, one a role."""

    councils: list[CouncilSeed]

    @property
    def agent_names(self) -> list[str]:
        """The names that agents are given."""
        return [a.name for c in self.councils for a in c.agents if a.name is not None]

    @model_validator(mode="after")
    def _one_of_each(self) -> Seed:
        roles = [council.role for council in self.councils]
        for what, values in (("councils serve", roles), ("agents are named", self.agent_names)):
            doubled = sorted({value for value in values if values.count(value) > 1})
            if doubled:
                msg = f"two {what} {doubled[0]}"
                raise ValueError(msg)
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A default that is another one since this start, or agents that the last change of it had missed, for the log.

    `before` is none where there was none.
    """

    setting: str
    before: str | None
    after: str
    agents: int = 0
    """How many agents changed their model with it."""


def read_seed(setting: str | None) -> Seed | None:
    """Read what COUNCIL_SEED names: the service's own councils where it is unset, none for `none`.

    Raises:
        InvalidSeedError: the file is not there, not YAML, not of this form, or has what no caller may send.
    """
    if setting == NONE:
        return None
    try:
        if setting is None:
            text = (resources.files("orchestrator.graph") / "seed.yaml").read_text(encoding="utf-8")
        else:
            text = pathlib.Path(setting).read_text(encoding="utf-8")
        found = Seed.model_validate(yaml.safe_load(text))
    except OSError as exc:
        raise InvalidSeedError(setting or "seed.yaml", (exc.strerror or str(exc),)) from exc
    except (UnicodeDecodeError, yaml.YAMLError) as exc:
        raise InvalidSeedError(setting or "seed.yaml", (str(exc),)) from exc
    except ValidationError as exc:
        reasons = tuple(
            f"{place([str(step) for step in error['loc']]) or 'the file'}: {error['msg']}"
            for error in exc.errors(include_url=False)
        )
        raise InvalidSeedError(setting or "seed.yaml", reasons) from exc
    if reasons := tuple(_mistakes(found)):
        raise InvalidSeedError(setting or "seed.yaml", reasons)
    return found


def _mistakes(seed: Seed) -> Iterator[str]:
    """Say what a caller would be told who sent these councils."""
    for index, council in enumerate(seed.councils):
        try:
            council.draft()
        except RefusedError as refused:
            for mistake in refused.mistakes:
                yield located(("councils", str(index), *mistake.path), mistake.message)


async def seed(graph: Graph, wanted: Seed | None) -> bool:
    """Make the councils in a graph that was never seeded and holds none, and say whether it did.

    All of them are made together with the mark that it was done, under the lock of the migrations.
    Comes after `settle_defaults`, which makes the model that most of their agents speak with.
    """
    if wanted is None or not _unseeded(await graph.read("seeding/find_mark")):
        return False

    async def work(transaction: Transaction) -> bool:
        if not _unseeded(await transaction.run("seeding/find_mark")):
            return False
        for council in wanted.councils:
            role = await lock_role(transaction, council.role) or await create_role(
                transaction, new_id(Prefix.ROLE), council.role, council.description, None
            )
            await create_council(
                transaction,
                role,
                new_id(Prefix.COUNCIL),
                council.draft(),
                None,
                reserved=wanted.agent_names,
            )
        await transaction.run("seeding/leave_mark", councils=len(wanted.councils))
        return True

    return await locked(graph, work)


async def default_model(graph: Graph, wanted: str | None) -> str:
    """Return what the model `default` is to be: what VLLM_MODEL says, else what it was."""
    (found,) = await graph.read("seeding/read_defaults")
    return _default_model(found, wanted)


async def settle_defaults(graph: Graph, url: str | None, model: str | None) -> tuple[Settled, ...]:
    """Let the model and the endpoint `default` be what VLLM_MODEL and VLLM_URL say; returns what changed.

    What is none stays what it was, since another process may have been told it: a graph without a model
    `default` gets FIRST_MODEL, one without an endpoint none. The rehearsal model is made, too.
    An agent that was being made while the model changed elsewhere may still speak with the former one: it follows now.
    """
    found = (await graph.read("seeding/read_defaults"))[0]
    endpoint_stands = url is None or (
        found["served"] and (found["url"], found["apiKeyVariable"]) == (url, DEFAULT_KEY_VARIABLE)
    )
    model_stands = found["model"] == _default_model(found, model) and not found["left"]
    if found["rehearsal"] and model_stands and endpoint_stands:
        return ()

    async def work(transaction: Transaction) -> tuple[Settled, ...]:
        before = (await transaction.run("seeding/read_defaults"))[0]
        await transaction.run("seeding/create_rehearsal", id=new_id(Prefix.MODEL))
        after = _default_model(before, model)
        moved = await transaction.run("seeding/settle_model", name=after, id=new_id(Prefix.MODEL))
        changed: list[Settled] = []
        agents = moved[0]["agents"]
        if before["model"] != after or agents:
            changed.append(
                Settled(
                    setting="VLLM_MODEL",
                    before=before["model"],
                    after=after,
                    agents=agents,
                )
            )
        if url is not None:
            await transaction.run(
                "seeding/settle_endpoint",
                url=url,
                apiKeyVariable=DEFAULT_KEY_VARIABLE,
                id=new_id(Prefix.ENDPOINT),
            )
            if before["url"] != url:
                changed.append(Settled(setting="VLLM_URL", before=before["url"], after=url))
        return tuple(changed)

    settled = await locked(graph, work)
    for _ in range(_LOOKS):
        # Who was made while the new model was waited for came after the look for such.
        if not (await graph.read("seeding/read_defaults"))[0]["left"]:
            break
        settled += await locked(graph, work)
    return settled


def _default_model(defaults: Record, wanted: str | None) -> str:
    return wanted or defaults["model"] or FIRST_MODEL


def _unseeded(rows: list[Record]) -> bool:
    return not rows[0]["seeded"] and not rows[0]["councils"]
