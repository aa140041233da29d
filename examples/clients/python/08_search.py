"""08_search.py WORDS: finds tasks and last revisions. What matched stands in <mark>, all else is escaped."""

import asyncio
import sys

from connecting import connect


async def main() -> None:
    async with connect() as client:
        async for found in client.search(sys.argv[1], at_most=5):
            passages = " ".join(found.highlights)
            print(f"{found.node.typename__} {found.node.id}: {passages}")


asyncio.run(main())
