"""04_follow.py ID: tells what happens in a deliberation, until it has ended."""

import asyncio
import sys

from connecting import connect

from orchestrator.client import models


async def main() -> None:
    async with connect() as client:
        # Where the connection breaks off, it is made again and goes on after the last event seen.
        async for event in client.events(sys.argv[1]):
            match event:
                case models.TurnTaken(turn=turn):
                    print(event.sequence, turn.kind, turn.agent.name)
                case models.DeliberationEnded(deliberation=ended):
                    print(ended.status)
                case _:
                    pass


asyncio.run(main())
