import asyncio

from connecting import connect


async def main() -> None:
    async with connect() as client:
        async for council in client.councils():  # reads the next page when it is needed
            print(council.role.name, council.name)


asyncio.run(main())
