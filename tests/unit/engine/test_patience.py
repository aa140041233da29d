"""How often something is tried again, the attempt before stamina's machinery included."""

from __future__ import annotations

import pytest

from orchestrator.domain.errors import UnavailableError
from orchestrator.engine.patience import retried, until_available


class Failing:
    """Fails so often, with numbered errors, and then returns its attempt's number."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.attempts = 0

    async def __call__(self) -> int:
        self.attempts += 1
        if self.attempts <= self.times:
            raise ConnectionError(self.attempts)
        return self.attempts


async def attempt(
    operation: Failing,
    *,
    on: type[Exception] = ConnectionError,
    attempts: int | None = 3,
    within: float | None = None,
) -> int:
    return await retried(
        operation,
        on=on,
        attempts=attempts,
        within=within,
        wait_initial=0.001,
        wait_max=0.001,
        wait_jitter=0.0,
    )


@pytest.mark.parametrize("within", [None, 600.0])
@pytest.mark.parametrize("times", [0, 1, 2])
async def test_what_fails_less_often_than_there_are_attempts_answers(
    times: int, within: float | None
) -> None:
    assert await attempt(Failing(times), within=within) == times + 1


async def test_the_last_attempt_raises_its_own_error() -> None:
    operation = Failing(4)
    with pytest.raises(ConnectionError, match="3"):
        await attempt(operation)
    assert operation.attempts == 3


async def test_what_trying_again_cannot_help_is_tried_once() -> None:
    operation = Failing(1)
    with pytest.raises(ConnectionError):
        await attempt(operation, on=TimeoutError)
    assert operation.attempts == 1


async def test_a_single_attempt_is_one() -> None:
    operation = Failing(1)
    with pytest.raises(ConnectionError):
        await attempt(operation, attempts=1)
    assert operation.attempts == 1


async def test_when_the_time_is_over_it_is_not_tried_again() -> None:
    operation = Failing(1)
    with pytest.raises(ConnectionError):
        await attempt(operation, attempts=None, within=0.0)
    assert operation.attempts == 1


async def test_why_the_graph_is_waited_for_is_told_at_each_attempt() -> None:
    answers = iter([UnavailableError("no such database"), UnavailableError("away"), None])
    told: list[str] = []

    async def ask() -> str:
        if (error := next(answers)) is not None:
            raise error
        return "done"

    assert await until_available(ask, tell=lambda error: told.append(error.what)) == "done"
    assert told == ["no such database", "away"]
