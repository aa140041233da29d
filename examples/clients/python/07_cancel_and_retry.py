"""07_cancel_and_retry.py ID: ends a deliberation without a verdict, and lays its task before the council once more."""

import asyncio
import sys

from connecting import connect


async def main() -> None:
    async with connect() as client:
        cancelled = await client.cancel(sys.argv[1], reason="The question was not clear.")
        print(cancelled.status)
        again = await client.retry(cancelled.id, idempotency_key=f"again-{cancelled.id}")
        print(again.id, "retries", again.retry_of and again.retry_of.id)


asyncio.run(main())
