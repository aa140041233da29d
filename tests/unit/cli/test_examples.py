"""The example that comes with the program."""

from __future__ import annotations

from orchestrator.cli.examples import example


def test_what_one_model_made_of_an_example_does_not_come_back_as_another_ones() -> None:
    chosen = example()

    rehearsed, spoken, spoken_by_another = map(chosen.key_for, (None, "a-model", "another"))

    assert len({rehearsed, spoken, spoken_by_another}) == 3
    assert chosen.key_for("a-model") == spoken
