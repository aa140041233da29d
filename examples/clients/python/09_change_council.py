"""09_change_council.py VERSION: changes the QA council, of which this version was read."""

import asyncio
import sys

from connecting import connect

from orchestrator.client import RefusedError, models


async def main() -> None:
    version = int(sys.argv[1])
    async with connect() as client:
        while council := await client.council(role="QA"):
            change = models.UpdateCouncilInput(id=council.id, expected_version=version, rounds=2)
            try:
                changed = await client.update_council(change)
            except RefusedError as refused:
                if refused.mistakes[0].code != "CONFLICT":
                    raise
                # Somebody else has changed it since: look at it as it is now, and decide again.
                version = council.version
                print(f"it has come to version {version} meanwhile")
            else:
                print(f"version {changed.version}, rounds {changed.rounds}")
                return


asyncio.run(main())
