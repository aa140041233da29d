"""A file has room for everything that a graph may hold: what is added to the vocabulary must be moved, too."""

from __future__ import annotations

from orchestrator.graph.vocabulary import RELATIONSHIPS, REQUIRED

MOVED = {
    *("Role", "Council", "Agent", "Model", "Endpoint", "RemovedEndpoint", "Process"),
    *("Task", "Deliberation", "Seat", "Turn", "Verdict", "Claim"),
}
FOLLOWS = {
    *("Queued", "Running", "Decided", "Failed", "Cancelled"),
    *("Proposal", "Critique", "Ballot", "Final"),
}
"""Labels that follow from a property or a relationship."""
OF_ONE_GRAPH = {"Migration", "Seeding", "Lock"}

IN_THE_FILE = {
    *("SERVES", "SITS_ON", "SPEAKS_WITH", "SERVED_BY", "BOUND_TO", "HELD", "ABOUT", "SEATS", "OF"),
    *("HAS_TURN", "TOOK", "REVISES", "CRITIQUES", "ANSWERS", "RANKS", "REACHED", "RANKED"),
    *("CHOSE", "CLAIMED", "BY", "RETRIES"),
}


def test_every_label_is_in_a_file_or_follows_or_is_of_one_graph() -> None:
    assert set(REQUIRED) == MOVED | FOLLOWS | OF_ONE_GRAPH


def test_every_relationship_is_in_a_file() -> None:
    assert {name for name, _, _ in RELATIONSHIPS} == IN_THE_FILE
