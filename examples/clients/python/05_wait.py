"""05_wait.py ID: waits for the end of a deliberation without a subscription."""

import asyncio
import sys

from connecting import connect


async def main() -> None:
    async with connect() as client:
        deliberation = await client.ended(sys.argv[1])
        print(deliberation.status if deliberation else "there is none")


asyncio.run(main())
