"""What the lists that statements return come to."""

from __future__ import annotations

import pytest

from orchestrator.domain.errors import UnreadableError
from orchestrator.graph import reading


@pytest.mark.parametrize(("read", "ended"), [(None, None), (1, None), (2, 2)])
def test_end_whose_number_something_else_has_is_not_there_yet(
    read: int | None, ended: int | None
) -> None:
    """Read while Neo4j writes it into its store: the status is there, the number that came with it is not."""
    verdict = ["vrd_1", 0, None, None, False, "BALLOTS", [[1, 1.0, 0, "trn_1-p0-s1"]]]

    transcript = reading.transcript("dlb_1", read, [], [(1, 0, False)], verdict)

    assert transcript.ended == ended
    assert (transcript.outcome is not None) == (ended is not None)


def test_of_a_transcript_that_cannot_be_read_it_is_said_whose_it_is() -> None:
    verdict = ["vrd_1", 0, None, None, False, "BY_LOT", [[1, 1.0, 0, "trn_1-p0-s1"]]]

    with pytest.raises(UnreadableError, match="dlb_1 is recorded in a form") as raised:
        reading.transcript("dlb_1", 2, [], [(1, 0, False)], verdict)

    assert "BY_LOT" in str(raised.value.__cause__)
