"""What the package's own client, and so the command line, says of an error: it leads to the log where that has more."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from orchestrator.client import CouncilClient, QueryError, RefusedError, models
from orchestrator.domain.errors import UnavailableError
from tests.integration.http.serving import served
from tests.unit.api.doubles import House


@pytest.mark.parametrize(
    ("error", "event"),
    [
        (UnavailableError("Neo4j cannot be reached"), "operation_unavailable"),
        (RuntimeError("a fault"), "operation_failed"),
    ],
)
async def test_fault_of_the_service_is_told_with_the_id_by_which_the_log_has_it(
    house: House, error: Exception, event: str
) -> None:
    house.registry.errors = {"council_by_role": error}
    with capture_logs() as logs:
        async with (
            served(house) as url,
            CouncilClient(url.removesuffix("/graphql")) as client,
        ):
            with pytest.raises(QueryError) as told:
                await client.council(role="DEV")

    # What is unavailable it has asked for again.
    line = [line for line in logs if line["event"] == event][-1]
    assert str(told.value).endswith(f" (in the log: {line['correlation_id']})")


async def test_mistake_of_the_caller_is_told_without_an_id_that_the_log_does_not_have(
    house: House,
) -> None:
    async with served(house) as url, CouncilClient(url.removesuffix("/graphql")) as client:
        with pytest.raises(QueryError) as told:
            await client.node("a\0")

    [fault] = told.value.faults
    assert fault.extensions.code == "INVALID_INPUT"
    assert fault.extensions.correlation_id
    assert str(told.value) == fault.message


async def test_text_that_is_no_unicode_is_told_of_by_its_field(house: House) -> None:
    task = models.TaskInput(description="a\ud800", metadata={"author": "\udfff"})
    async with served(house) as url, CouncilClient(url.removesuffix("/graphql")) as client:
        with pytest.raises(RefusedError) as told:
            await client.deliberate(task, role="DEV")

    assert [mistake.path for mistake in told.value.mistakes] == [
        ("task", "description"),
        ("task", "metadata"),
    ]


async def test_document_of_ones_own_is_answered(house: House) -> None:
    async with served(house) as url, CouncilClient(url.removesuffix("/graphql")) as client:
        told = await client.execute("{ service { version } }")

    assert told == {"service": {"version": "1.2.3"}}
