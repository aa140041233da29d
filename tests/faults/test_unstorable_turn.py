"""One turn that Neo4j refuses for good, among others that it would take."""

from __future__ import annotations

import pytest

from orchestrator.graph.statements import statement
from tests.support.bolt_proxy import Side, Tag
from tests.support.model_behaviour import Behaviour
from tests.support.scene import Scene
from tests.support.waiting import until

pytestmark = [pytest.mark.faults, pytest.mark.neo4j, pytest.mark.timeout(240)]


@pytest.mark.usefixtures("indexed_contents")
async def test_a_turn_that_cannot_be_stored_is_absent_with_the_reason_and_the_others_are_taken(
    scene: Scene,
) -> None:
    scene.model.script(Behaviour(latency=0.03, length=20_000), turn="*-p0-s2")
    service = await scene.start()
    await service.ready()
    # All six proposals but the first one recorded go to Neo4j in one batch, the refused ones in their midst.
    trap = scene.proxy.trap(Side.REQUEST, Tag.RUN, statement("turn/record"))
    accepted = [await scene.deliberate(service, role) for role in ("DEV", "QA")]
    await until(lambda: sum(scene.log.answered().values()) == 6, 30)
    # What is not recorded is built upon by nobody.
    assert [turn for turn in scene.log.begun() if "-p0-" not in turn] == []
    trap.release()
    seen = await scene.all_ended(60)
    for deliberation in accepted:
        turns = seen.of(deliberation)
        absent = [turn for turn in turns if turn.outcome != "TAKEN"]
        assert [(turn.kind, turn.round, turn.seat) for turn in absent] == [("PROPOSAL", 0, 2)]
        assert (absent[0].absence or "").startswith("could not be recorded: ")
        assert absent[0].content is None
        # Nobody criticises what is not there, and who has no critique does not revise.
        assert sorted((turn.kind, turn.seat) for turn in turns if turn not in absent) == [
            ("BALLOT", 1),
            ("BALLOT", 2),
            ("BALLOT", 3),
            ("CRITIQUE", 2),
            ("CRITIQUE", 3),
            ("PROPOSAL", 1),
            ("PROPOSAL", 3),
            ("REVISION", 1),
            ("REVISION", 3),
        ]
        assert seen.deliberation(deliberation).status == "DECIDED"
    told = ("deliberation", "epoch", "turn", "seat")
    lines = [tuple(line[name] for name in told) for line in service.logged("turn_unrecordable")]
    assert sorted(lines) == [
        (turn.deliberation, 1, turn.id, 2) for turn in seen.turns if turn.outcome != "TAKEN"
    ]
    # Splitting a batch asks nobody again.
    assert max(scene.log.answered().values()) == 1
