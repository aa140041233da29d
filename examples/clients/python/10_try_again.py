import asyncio

from connecting import connect

from orchestrator.client import QueryError


async def main() -> None:
    async with connect() as client:
        while True:
            try:
                # The client has asked once more by itself before it raises.
                council = await client.council(role="DEV")
            except QueryError as error:
                if error.retry_after is None:
                    raise
                print(f"unavailable; again in {error.retry_after:g} s")
                await asyncio.sleep(error.retry_after)
            else:
                print(council.name if council else "there is none")
                return


asyncio.run(main())
