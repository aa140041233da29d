import asyncio

from connecting import connect


async def main() -> None:
    async with connect() as client:
        council = await client.council(role="DEV")
        if council is None:
            return
        print(council.name)
        for seat in council.seats:
            print(f"seat {seat.number}: {seat.agent.name} speaks with {seat.model.name}")
        async for deliberation in client.deliberations(council=council.id, at_most=3):
            print(deliberation.id, deliberation.status)


asyncio.run(main())
