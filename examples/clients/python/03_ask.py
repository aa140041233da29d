import asyncio

from connecting import connect

from orchestrator.client import RefusedError, models


async def main() -> None:
    task = models.TaskInput(
        description="Propose a retry policy for our webhook handler.",
        requirements=["No event is handled twice."],
    )
    async with connect() as client:
        try:
            # The same key brings back the same deliberation. Left out, the client makes one for
            # what it sends again by itself.
            accepted = await client.deliberate(task, role="DEV", idempotency_key="retry-policy-1")
        except RefusedError as refused:
            for mistake in refused.mistakes:
                print(mistake.words)
        else:
            print(accepted.id)


asyncio.run(main())
