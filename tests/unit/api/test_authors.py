"""Who changes something is said with each change, and can be read where it is asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from graphql import build_schema
from orchestrator.api.context import Context
from orchestrator.api.schema import SCHEMA, printed
from orchestrator.domain.callers import Authors, Caller, KnownBy, Scope
from orchestrator.domain.deliberations import Status
from orchestrator.domain.drafts import Idempotency
from tests.support.samples import a_deliberation
from tests.unit.api.conftest import Api
from tests.unit.api.doubles import House

ADA = Caller(
    scope=Scope.MANAGE, name="ada", known_by=KnownBy.TOKEN, until=datetime(2030, 1, 1, tzinfo=UTC)
)

CHANGES = {
    "createRole": '{ name: "OPS", idempotencyKey: "k" }',
    "createCouncil": '{ role: "OPS", seats: 3, idempotencyKey: "k" }',
    "updateCouncil": '{ id: "cou_dev", rounds: 2 }',
    "archiveCouncil": '{ id: "cou_dev" }',
    "restoreCouncil": '{ id: "cou_dev" }',
    "registerAgent": '{ councilId: "cou_dev", agent: {}, idempotencyKey: "k" }',
    "updateAgent": '{ id: "agt_dev1", maxTokens: 7 }',
    "retireAgent": '{ id: "agt_dev1" }',
    "registerEndpoint": '{ name: "new", url: "http://gpu/v1", idempotencyKey: "k" }',
    "updateEndpoint": '{ id: "end_1", url: "http://gpu/v1" }',
    "removeEndpoint": '{ id: "end_1" }',
    "deliberate": '{ council: { role: "DEV" }, task: { description: "Why?" }, idempotencyKey: "k" }',
    "retryDeliberation": '{ id: "dlb_1", idempotencyKey: "k" }',
    "cancelDeliberation": '{ id: "dlb_1" }',
}


def test_every_mutation_is_held_to_it() -> None:
    mutations = build_schema(printed()).mutation_type
    assert mutations is not None
    assert set(mutations.fields) == set(CHANGES)


@pytest.mark.parametrize("mutation", CHANGES)
async def test_a_change_has_the_name_of_its_caller_and_its_key_is_his(
    house: House, mutation: str
) -> None:
    house.archive.keep(a_deliberation(status=Status.RUNNING))
    query = f"mutation {{ {mutation}(input: {CHANGES[mutation]}) {{ errors {{ message path }} }} }}"

    result = await SCHEMA.execute(query, context_value=Context(house.ports(), ADA))

    assert result.errors is None
    assert result.data == {mutation: {"errors": []}}
    orders: list[Any] = [call[1] for call in house.office.calls if call[0] in {"accept", "retry"}]
    named = [
        *(by for _, by in house.registry.authors_named + house.office.authors_named),
        *(order.created_by for order in orders),
    ]
    assert named == ["ada"]
    keys = [
        part.key
        for call in house.registry.calls + [(order.idempotency,) for order in orders]
        for part in call
        if isinstance(part, Idempotency)
    ]
    assert keys == ([f"token:ada/{mutation}/k"] if "idempotencyKey" in CHANGES[mutation] else [])


async def test_who_did_it_is_read_in_one_statement_a_level_and_only_where_it_is_asked_for(
    api: Api, house: House
) -> None:
    house.archive.known_authors = {
        "cou_dev": Authors(created_by="ada", updated_by="bob"),
        "rol_dev": Authors(created_by="carl"),
        "agt_dev1": Authors(created_by="ada"),
        "end_1": Authors(updated_by="dora"),
        "dlb_1": Authors(created_by="ada", cancelled_by="eve"),
    }
    house.archive.keep(a_deliberation())

    await api.ask("{ councils { nodes: edges { node { name seats { agent { name } } } } } }")
    assert "authors" not in house.archive.names
    data = await api.ask(
        """{ councils { edges { node { createdBy updatedBy role { createdBy }
             seats { agent { name createdBy updatedBy endpoint { createdBy updatedBy } } } } } }
             deliberation(id: "dlb_1") { cancelledBy } }"""
    )

    dev, qa = sorted(
        (edge["node"] for edge in data["councils"]["edges"]), key=lambda node: not node["createdBy"]
    )
    assert (dev["createdBy"], dev["updatedBy"], dev["role"]["createdBy"]) == ("ada", "bob", "carl")
    assert (qa["createdBy"], qa["updatedBy"]) == (None, None)
    first = next(seat["agent"] for seat in dev["seats"] if seat["agent"]["name"] == "dev-agent-1")
    assert (first["createdBy"], first["updatedBy"]) == ("ada", None)
    assert first["endpoint"] == {"createdBy": None, "updatedBy": "dora"}
    assert data["deliberation"] == {"cancelledBy": "eve"}
    assert house.archive.names.count("authors") <= 3
